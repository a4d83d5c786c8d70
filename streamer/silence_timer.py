"""The timer of silence: looks once a second which series have said nothing for too long by their partition's clock."""

from collections.abc import Collection, Iterator

from connectors.columns import Silences, TopicPartition
from connectors.ports import Source
from streamer.order import NEVER
from streamer.tenure import Tenure

LOOK_SECONDS = 1.0


class SilenceTimer:
    """Whoever asks makes what it says permanent, before anything else is read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._looked_at = float("-inf")

    def due(
        self, tenures: Collection[Tenure], heard: Collection[TopicPartition], now: float
    ) -> Iterator[tuple[Tenure, Silences]]:
        """The silences to be raised now. ``heard`` are the partitions that the last poll brought records of."""
        for tenure in tenures:
            if tenure.where in heard:
                tenure.clock = tenure.clock.moved(tenure.partition.watermark)
            else:
                tenure.clock = tenure.clock.rested(self._source.lag(tenure.where) == 0, now)
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        for tenure in tenures:
            silences = None if tenure.is_silent else self._look(tenure, now)
            if silences is not None:
                tenure.has_news = True
                yield tenure, silences

    def stop(self, tenures: Collection[Tenure], now: float) -> None:
        """Let no time pass while the source is away."""
        for tenure in tenures:
            tenure.clock = tenure.clock.rested(is_caught_up=False, now=now)

    def _look(self, tenure: Tenure, now: float) -> Silences | None:
        event_now_ns = tenure.clock.event_now_ns(now)
        if tenure.partition.judge.choices.silence is None or event_now_ns == NEVER:
            return None
        return tenure.partition.fall_silent(event_now_ns - tenure.partition.judge.choices.order.hold_ns)
