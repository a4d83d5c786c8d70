"""Calendar phases of a timestamp: where in the day and in the week it falls, in UTC."""

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Int64

DAY_NS = 86_400_000_000_000
WEEK_NS = 7 * DAY_NS


def phases(timestamp: Int64) -> NDArray[np.float32]:
    """The phase of the day and of the week, in [0, 1). timestamp: (N,) ns -> (N, 2)."""
    phase = np.stack((timestamp % DAY_NS / DAY_NS, timestamp % WEEK_NS / WEEK_NS), axis=-1)
    return phase.astype(np.float32)
