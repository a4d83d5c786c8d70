"""Messages on their way to Kafka: sent at once, known to be there after a flush that looked at each of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from connectors.errors import TransientError
from connectors.kafka_errors import described, raise_translated, translated
from connectors.kafka_options import ProducerOptions
from connectors.kafka_partitioner import RememberingPartitioner
from connectors.messages import Message

_FLUSH_MARGIN_SECONDS = 5.0  # beyond the delivery time-out, by which the client has given up on every message
_CLOSE_TIMEOUT_SECONDS = 5.0


class Outbox:
    """An idempotent producer and the fate of every message that it was given.

    ``config`` has the settings of the client where they are not the plain ones; ``client`` is for what it can do beyond
    sending. After an error an outbox is of no more use: the client may refuse whatever comes later. Close it and open a
    new one.
    """

    def __init__(self, options: ProducerOptions, config: Mapping[str, Any] | None = None) -> None:
        self._flush_timeout_seconds = options.delivery_timeout_seconds + _FLUSH_MARGIN_SECONDS
        self._sent: list[tuple[str, Any]] = []  # (topic, the client's future)
        self._is_closed = False
        with translated("connect"):
            settings = options.producer_config() if config is None else config
            self.client = KafkaProducer(**settings, partitioner=RememberingPartitioner())

    def send(self, messages: Iterable[Message]) -> None:
        """Hand messages to the client, in order. Blocks while its buffer is full.

        Raises:
            TransientError: the buffer stayed full, or a topic is not known to the brokers.
        """
        topic = ""
        try:
            for topic, key, value in messages:
                self._sent.append((topic, self.client.send(topic, value, key)))
        except KafkaError as error:
            raise_translated(f"write to {topic}", error)

    def flush(self) -> None:
        """Return when every message since the last flush is on the broker.

        The client's own flush returns also when messages were given up, so each of them is looked at.

        Raises:
            TransientError: messages are not there, or that is unknown.
        """
        sent, self._sent = self._sent, []
        with translated("flush"):
            self.client.flush(timeout=self._flush_timeout_seconds)
        failed = [(topic, future.exception) for topic, future in sent if not future.succeeded()]
        if failed:
            topics = ", ".join(f"{topic} ({count})" for topic, count in sorted(Counter(t for t, _ in failed).items()))
            first = next((error for _, error in failed if error is not None), None)
            reason = described(first) if first is not None else "unknown"
            raise TransientError(f"kafka: {len(failed)} of {len(sent)} messages not written: {topics}; first: {reason}")

    def halt(self) -> None:
        """Have the client send nothing more, without waiting for what it is about."""
        self.client._sender.force_close()  # noqa: SLF001  # the client's close would first try to deliver the rest

    def close(self) -> None:
        """End the client, and with it every message that was not flushed. A second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self.halt()
        self.client._sender.join(_CLOSE_TIMEOUT_SECONDS)  # noqa: SLF001
        try:
            self.client.close(timeout=_CLOSE_TIMEOUT_SECONDS)
        except KafkaTimeoutError as error:
            raise TransientError(f"kafka: the producer did not end within {_CLOSE_TIMEOUT_SECONDS:g} s") from error
