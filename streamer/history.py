"""History: which alarms are too old to call anybody for."""

from collections.abc import Callable

from connectors.columns import BEGINNING
from streamer.order import NANOSECONDS

END = 2**63 - 1  # of all event time, ns

LiveFrom = Callable[[float | None], int]
"""Says, by a limit in seconds, the event time (ns) from which on alarms are live; those before it are historical."""


def live_from(wall_clock: Callable[[], float], max_age_seconds: float | None) -> int:
    """That of a daemon: as old as the limit says; without one all are live.

    The one place where the wall clock reaches an output, and no more of it than the mark `historical`.
    """
    return BEGINNING if max_age_seconds is None else round((wall_clock() - max_age_seconds) * NANOSECONDS)


def all_live(max_age_seconds: float | None) -> int:  # noqa: ARG001
    """That of what is played as if it were now."""
    return BEGINNING


def none_live(max_age_seconds: float | None) -> int:  # noqa: ARG001
    """That of what is scored once more."""
    return END
