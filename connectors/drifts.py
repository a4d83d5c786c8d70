"""The columns of drifts: errors of a partition that have changed for good."""

from dataclasses import dataclass

from connectors.columns import BEGINNING, Bool, Float64, Int64, TopicPartition

DRIFT = "drift"  # among the kinds of alarm that of a partition, and of no series


@dataclass(frozen=True, slots=True)
class Drifts:
    """Changes of the errors of one group in one source partition that are there to stay. None of them ever closes."""

    group: str
    topic_partition: TopicPartition
    detector: list[str]
    alarm_id: list[str]  # the same after any replay
    timestamp: Int64  # (N,) ns, event time
    error_before: Float64  # (N,) mean rank among the errors on held-out readings, 0 to 1
    error_now: Float64  # (N,)
    live_from: int = BEGINNING  # ns, event time

    def __len__(self) -> int:
        return len(self.detector)

    @property
    def event(self) -> list[str]:
        """What became of each: there is nothing that opens or closes."""
        return ["noticed"] * len(self)

    @property
    def historical(self) -> Bool:
        """Which were written so long after their event time that they are history. (N,)."""
        return self.timestamp < self.live_from
