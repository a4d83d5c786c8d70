"""The clock of a partition in event time: it goes by the readings and, only while there are none to read, by itself."""

from dataclasses import dataclass

from streamer.order import NANOSECONDS, NEVER


@dataclass(frozen=True, slots=True)
class EventClock:
    """What time it is for the timers of one partition: a value, of which only the watermark outlives the process.

    The time of the wall never reaches it: ``now`` is that of a monotonic clock, in seconds. A partition that lags, or
    whose source is away, has its watermark alone: what was not read yet is no silence.
    """

    watermark: int = NEVER  # ns, the highest event time that has arrived
    idle_since: float | None = None  # None: there may be something to read

    def moved(self, watermark: int) -> "EventClock":
        """Readings have come."""
        return EventClock(watermark)

    def rested(self, is_caught_up: bool, now: float) -> "EventClock":
        """A poll has brought none. Caught up: the source knows the end of the partition, and we are there."""
        if not is_caught_up:
            return EventClock(self.watermark)
        return self if self.idle_since is not None else EventClock(self.watermark, now)

    def event_now_ns(self, now: float) -> int:
        """The event time now; `NEVER` before the first reading."""
        if self.idle_since is None or self.watermark == NEVER:
            return self.watermark
        return self.watermark + round((now - self.idle_since) * NANOSECONDS)
