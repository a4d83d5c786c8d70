"""Whether brokers that say nothing are there."""

import time
from collections.abc import Callable

from connectors.errors import TransientError
from connectors.kafka_cluster import reason_of_silence
from connectors.kafka_options import ConnectionOptions

_SILENCE_SECONDS = 5.0  # without a record, after which the brokers are asked whether they are there


class Silence:
    """Asks the brokers whether they are there when nothing was heard for a while: the client would wait for ever."""

    def __init__(self, options: ConnectionOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._clock = clock
        self._heard_at = clock()

    def listen(self, *, has_heard: bool) -> None:
        """Take note of a poll.

        Raises:
            TransientError: nothing was heard for a while, and none of the brokers is there.
        """
        now = self._clock()
        if not has_heard:
            if now - self._heard_at < _SILENCE_SECONDS:
                return
            reason = reason_of_silence(self._options)
            if reason is not None:
                raise TransientError(f"kafka: no broker of [{', '.join(self._options.servers)}] answers: {reason}")
        self._heard_at = now
