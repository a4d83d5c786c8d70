"""Calendar features of a timestamp: where in the day and in the week it falls, in UTC."""

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Int64

DAY_NS = 86_400_000_000_000
WEEK_NS = 7 * DAY_NS


def features(timestamp: Int64) -> NDArray[np.float32]:
    """Sine of the day's and of the week's phase, then their cosines. timestamp: (N,) ns -> (N, 4)."""
    phase = np.stack((timestamp % DAY_NS / DAY_NS, timestamp % WEEK_NS / WEEK_NS), axis=-1)
    angle = (2 * np.pi * phase).astype(np.float32)
    return np.concatenate((np.sin(angle), np.cos(angle)), axis=-1)
