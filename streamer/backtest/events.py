"""What the alarms found of the labelled events: which, how soon, and how many alarms were false."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.backtest.volume import runs

Bool = NDArray[np.bool_]
Int64 = NDArray[np.int64]
DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in some series. An event is found if an alarm opened at one of its readings."""

    readings: int
    days: float  # of event time
    events: int
    alarms: int  # opened
    false_alarms: int  # opened outside of all events
    delays: tuple[int, ...]  # readings from the beginning of each event that was found to its first alarm

    @staticmethod
    def of(opened: Bool, labels: Bool, timestamp: Int64) -> "Findings":
        """Of one series: at which of its readings an alarm of any kind opened. (T,) each; timestamps in ns."""
        events = runs(labels)
        at = np.flatnonzero(opened)
        delays = [int(own[0] - start) for start, end in events if len(own := at[(at >= start) & (at <= end)])]
        return Findings(
            readings=len(labels),
            days=float(np.ptp(timestamp)) / DAY_NS if len(timestamp) else 0.0,
            events=len(events),
            alarms=len(at),
            false_alarms=int((~labels[at]).sum()),
            delays=tuple(delays),
        )

    @staticmethod
    def together(parts: Iterable["Findings"]) -> "Findings":
        """Of all series."""
        total = Findings(0, 0.0, 0, 0, 0, ())
        for part in parts:
            total = Findings(
                total.readings + part.readings,
                total.days + part.days,
                total.events + part.events,
                total.alarms + part.alarms,
                total.false_alarms + part.false_alarms,
                total.delays + part.delays,
            )
        return total

    @property
    def found(self) -> int:
        """Events with an alarm."""
        return len(self.delays)

    @property
    def recall(self) -> float:
        """The part of the events that was found; NaN without any."""
        return self.found / self.events if self.events else float("nan")

    @property
    def delay(self) -> float:
        """The median delay in readings of what was found; NaN where nothing was."""
        return float(np.median(self.delays)) if self.delays else float("nan")

    @property
    def false_alarms_per_day(self) -> float:
        """Of event time, in one series; NaN where no time passed."""
        return self.false_alarms / self.days if self.days else float("nan")

    @property
    def readings_per_false_alarm(self) -> float:
        """Infinite without any."""
        return self.readings / self.false_alarms if self.false_alarms else float("inf")
