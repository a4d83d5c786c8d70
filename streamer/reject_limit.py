"""The limit on refused readings: beyond it the daemon stops, since a producer or its own configuration is wrong."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Annotated

from msgspec import Meta, Struct

from connectors.columns import Reason, Rejects
from connectors.errors import RejectsError

HARMLESS = frozenset({Reason.TOMBSTONE, Reason.LATE, Reason.DUPLICATE})
HOUR_SECONDS = 3600.0


class RejectLimitOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many of a group's readings may be refused. Tombstones, late readings and duplicates are no part of it.

    A producer that sends again what it sent, or deletes a key, is in order, however many these are.
    """

    max_ratio: Annotated[float, Meta(gt=0, le=1)] | None = 0.5  # of the newest `over_readings`
    over_readings: Annotated[int, Meta(ge=1)] = 10_000
    max_per_hour: Annotated[int, Meta(ge=1)] | None = None  # of the daemon's clock


class RejectLimit:
    """What of its limit one group has used up in this process. It begins at nothing, with each start."""

    def __init__(
        self,
        group: str,
        options: RejectLimitOptions,
        clock: Callable[[], float],
        tell: Callable[[str, float], None],
    ) -> None:
        """``tell`` is told after every batch, by group, which share of the limit is used up."""
        self._group = group
        self._options = options
        self._clock = clock
        self._tell = tell
        self._window: deque[tuple[int, int]] = deque()  # of each batch: readings, harmful rejects
        self._readings = 0  # of the window
        self._rejects = 0
        self._hour_began = clock()
        self._hourly = 0

    def adopt(self, options: RejectLimitOptions) -> None:
        """Go on by other options."""
        self._options = options

    def note(self, readings: int, rejects: Iterable[Rejects]) -> None:
        """Take note of a batch, which is delivered and committed.

        Raises:
            RejectsError: this was too much.
        """
        harmful = sum(reason not in HARMLESS for columns in rejects for reason in columns.reason)
        if not readings + harmful:
            return
        self._window.append((readings, harmful))
        self._readings += readings
        self._rejects += harmful
        while self._readings - self._window[0][0] >= self._options.over_readings:
            gone, gone_rejects = self._window.popleft()
            self._readings -= gone
            self._rejects -= gone_rejects
        now = self._clock()
        if now - self._hour_began >= HOUR_SECONDS:
            self._hour_began, self._hourly = now, 0
        self._hourly += harmful
        self._judge()

    def _judge(self) -> None:
        options = self._options
        readings = max(self._readings, options.over_readings)  # those that are still to come may all be good
        by_ratio = self._rejects / readings / options.max_ratio if options.max_ratio else 0.0
        by_hour = self._hourly / options.max_per_hour if options.max_per_hour else 0.0
        self._tell(self._group, max(by_ratio, by_hour))
        if by_ratio > 1:
            raise RejectsError(
                f"group {self._group!r}: Expected at most {options.max_ratio:.0%} of the last {readings} readings to "
                f"be refused, got {self._rejects}; the dead letters hold them, with the reasons"
            )
        if by_hour > 1:
            raise RejectsError(
                f"group {self._group!r}: Expected at most {options.max_per_hour} readings refused in an hour, "
                f"got {self._hourly}; the dead letters hold them, with the reasons"
            )
