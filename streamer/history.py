"""History: which alarms are too old to call anybody for."""

from connectors.columns import BEGINNING
from streamer.order import NANOSECONDS


def live_from(wall_seconds: float, max_age_seconds: float | None) -> int:
    """The event time (ns) from which on alarms are live; those before it are historical. None: all are live.

    The one place where the wall clock reaches an output, and no more of it than the mark `historical`.
    """
    return BEGINNING if max_age_seconds is None else round((wall_seconds - max_age_seconds) * NANOSECONDS)
