"""The health of a pool: what people are told of how far its promises hold. No score depends on it."""

from typing import NamedTuple

import torch

from models.calibration.pool import UNIT, Pool


class Health(NamedTuple):
    """How one pool stood at the end of an epoch; of each kind of alarm where there are several numbers."""

    lines: list[float]  # decades
    offset: list[float]  # decades of those, that the controller has added
    is_extrapolated: list[bool]  # whether a line lies beyond the counts, in the fitted tail
    wanted: list[float]  # alarms a reading, by the budget
    opened: list[float]  # alarms a reading, as they came, by the faded counts
    echo: float  # correlation of a score with the one before, 0 where bets are on what they assume
    distance: float  # largest one between the shares up to any score, of the epoch and of the pool (Kolmogorov-Smirnov)


def health(open_pool: Pool, closed_pool: Pool) -> Health:
    """How the first of its pools stands, before and after the end of an epoch."""
    tally, counts = closed_pool.closed_tally, open_pool.open[0, :2].double()
    before, now = (_shares(part) for part in (open_pool.closed[0, :2].double(), counts))
    return Health(
        lines=closed_pool.lines[0].tolist(),
        offset=closed_pool.offset[0].tolist(),
        is_extrapolated=closed_pool.is_extrapolated[0].tolist(),
        wanted=closed_pool.budget.rates(closed_pool.readings_per_day)[0].tolist(),
        opened=(tally.opened[0].double() / UNIT / closed_pool.readings[0]).tolist(),
        echo=float(tally.echo[0] / tally.power[0].clamp_min(1)),
        distance=float((now - before).abs().max()) if counts.sum() else 0.0,
    )


def _shares(counts: torch.Tensor) -> torch.Tensor:
    """The share of readings up to each score, from the farthest below to the farthest above. (2, BINS) -> (2 BINS,)."""
    in_order = torch.cat((counts[0].flip(0), counts[1]))
    return in_order.cumsum(0) / in_order.sum().clamp_min(1e-9)
