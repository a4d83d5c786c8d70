"""The pool: what one group's readings in one source partition have been like, by which a later reading is judged.

A reading is judged by the last *closed* epoch; the open one only counts. Everything is counted in whole numbers, so
that no count depends on how the readings were cut into batches. There may be P pools side by side, each for as many
rows in a row: a partition has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from models.alarm import KINDS
from models.calibration.bins import BINS, bin_of, edges
from models.calibration.budget import DAY_SECONDS, Budget
from models.calibration.curve import FEW, counts_beyond, fitted, level_at
from models.calibration.prior import shares
from models.calibration.table import table_of

UNIT = 1 << 16  # a reading in the closed counts, so that it can fade
HALF_LIFE_EPOCHS = 64
FADING = (92, 93)  # of the closed counts, an epoch: half of them are gone after 64.1
PRIOR_READINGS = 1024  # that the prior counts for
LOWEST_LINE = 0.5  # decades
CURVES = 2 + len(KINDS)  # readings below and above their forecast, and the peaks of each kind
FINE = 1024  # of sums of products of scores
_PARTS = ("closed", "open", "level", "offset", "held", "epoch")


class Tally(NamedTuple):
    """What is summed up over the readings of an epoch. All (P,) or (P, K) int64; closed ones in `UNIT`s."""

    readings: Tensor  # that were judged
    in_alarm: Tensor  # of those, with an alarm open
    milliseconds: Tensor  # of event time
    opened: Tensor  # (P, K) alarms
    power: Tensor  # sum of the squares of scores, in `FINE`s
    echo: Tensor  # sum of the products of two in a row

    @staticmethod
    def nothing(pools: int, device: torch.device | str = "cpu") -> "Tally":
        """Before the first reading."""
        shapes = [(pools, len(KINDS)) if name == "opened" else (pools,) for name in Tally._fields]
        return Tally(*(torch.zeros(shape, dtype=torch.int64, device=device) for shape in shapes))


class Standard(NamedTuple):
    """What of P pools a reading is judged by. It stays as it is for an epoch."""

    table: Tensor  # (P, 2, BINS, 4) float32, see `table.py`
    lines: Tensor  # (P, K) float32 decades


@dataclass(frozen=True, slots=True)
class Pool:
    """Counts by bin, and what follows from those that are closed: the table and the lines of the epoch under way."""

    closed: Tensor  # (P, CURVES, BINS) int64, in `UNIT`s
    open: Tensor  # (P, CURVES, BINS) int64, of the epoch that goes on
    closed_tally: Tally
    open_tally: Tally
    level: Tensor  # (P, K) float64 decades, where the counts have the lines: it follows them in small steps
    offset: Tensor  # (P, K) float64 decades, by which the controller has moved them
    held: Tensor  # (P,) int64, the epochs in a row that were not taken over
    epoch: Tensor  # (P,) int64
    budget: Budget
    table: Tensor  # (P, 2, BINS, 4) float32, see `table.py`
    lines: Tensor  # (P, K) float32 decades

    @staticmethod
    def fresh(budget: Budget, prior: Tensor | None = None, pools: int = 1) -> "Pool":
        """Pools before their first epoch. prior: counts of surprise as an artifact has them.

        Without one surprise is what it says. Peaks are expected as theory has them: a decade less a decade out.
        """
        share = _falling() if prior is None else shares(prior)
        curves = torch.stack((share / 2, share / 2, *(_falling().to(share.device) for _ in KINDS)))
        closed = (curves * (PRIOR_READINGS * UNIT)).round().long().repeat(pools, 1, 1)
        device = closed.device
        tally = Tally.nothing(pools, device)
        pool = Pool(
            closed=closed,
            open=torch.zeros_like(closed),
            closed_tally=tally._replace(readings=tally.readings + PRIOR_READINGS * UNIT),
            open_tally=tally,
            level=torch.zeros((pools, len(KINDS)), dtype=torch.float64, device=device),
            offset=torch.zeros((pools, len(KINDS)), dtype=torch.float64, device=device),
            held=torch.zeros(pools, dtype=torch.int64, device=device),
            epoch=torch.zeros(pools, dtype=torch.int64, device=device),
            budget=budget,
            table=torch.empty(0),
            lines=torch.empty(0),
        )
        return replace(pool, level=pool.counted_level(budget)).derived()

    def parts(self) -> dict[str, Tensor]:
        """Everything that it remembers, by name: table and lines follow from it."""
        named = {name: getattr(self, name) for name in _PARTS}
        tallies = {"closed": self.closed_tally, "open": self.open_tally}
        named |= {f"{of}_{name}": part for of, tally in tallies.items() for name, part in tally._asdict().items()}
        return named

    def fits(self, parts: Mapping[str, Tensor]) -> bool:
        """Whether these are the parts of a pool like this one."""
        ours = self.parts()
        return ours.keys() == parts.keys() and all(
            parts[name].shape == part.shape and parts[name].dtype == part.dtype for name, part in ours.items()
        )

    def with_parts(self, parts: Mapping[str, Tensor]) -> "Pool":
        """The pool that has these, under this one's budget. They must fit."""
        closed, opened = (Tally(*(parts[f"{of}_{name}"] for name in Tally._fields)) for of in ("closed", "open"))
        own: dict[str, Any] = {name: parts[name] for name in _PARTS}
        return replace(self, closed_tally=closed, open_tally=opened, **own).derived()

    def under(self, budget: Budget) -> "Pool":
        """The same pool with the lines that another budget asks for, at once."""
        gained = self.counted_level(budget) - self.counted_level(self.budget)
        return replace(self, budget=budget, level=self.level + gained).derived()

    def derived(self) -> "Pool":
        """With table and lines as they follow from the rest."""
        lines = (self.level + self.offset).clamp_min(LOWEST_LINE).float()
        return replace(self, table=table_of(self.closed[:, :2].double() / UNIT), lines=lines)

    def counted_level(self, budget: Budget) -> Tensor:
        """The level of each kind that is climbed to as often as the budget has it, by the counts. -> (P, K) decades."""
        return level_at(fitted(counts_beyond(self.closed[:, 2:].double() / UNIT)), self.wanted(budget))

    def wanted(self, budget: Budget) -> Tensor:
        """How many alarms of each kind the budget has for the readings of the closed counts. -> (P, K) float64."""
        return budget.rates(self.readings_per_day) * self.readings.unsqueeze(1)

    @property
    def readings(self) -> Tensor:
        """How many readings the closed counts amount to, faded, with the prior. -> (P,) float64."""
        return self.closed_tally.readings.double() / UNIT

    @property
    def readings_per_day(self) -> Tensor:
        """How many come in a day of event time. -> (P,) float64, 0 where that is not known yet."""
        days = self.closed_tally.milliseconds.double() / (UNIT * 1000 * DAY_SECONDS)
        return torch.where(days > 0, self.readings / days.clamp_min(1e-12), 0.0)

    @property
    def is_extrapolated(self) -> Tensor:
        """Whether a line lies beyond the counts of the pool, in the fitted tail. -> (P, K)."""
        return self.wanted(self.budget) < FEW


class Sample(NamedTuple):
    """What a pool counts of one reading a row."""

    signed: Tensor  # (B, C) raw surprise in the channel's own tail, in decades, negative below the forecast
    is_counted: Tensor  # (B, C) it is judged, and has moved
    score: Tensor  # (B, C) normal
    score_before: Tensor  # (B, C) that of the reading before
    is_judged: Tensor  # (B,)
    climb: Tensor  # (B, K, 2) the peak of each kind since it was calm: before and after the reading
    opened: Tensor  # (B, K)
    is_open: Tensor  # (B, K)


def fold(pool: Pool, sample: Sample) -> Pool:
    """Count readings in the open epoch. Judging never does this by the way."""
    pools, rows = len(pool.open), len(sample.is_judged)
    device = pool.open.device
    owner = torch.arange(rows, device=device) // max(rows // pools, 1) if pools > 1 else None
    place = torch.zeros(rows, dtype=torch.int64, device=device) if owner is None else owner
    start = place.unsqueeze(1) * CURVES
    bins = (start + (sample.signed >= 0)) * BINS + bin_of(sample.signed.abs())
    kind = torch.arange(2, CURVES, device=device)
    before, after = (((start + kind) * BINS + bin_of(sample.climb[..., end])) for end in (0, 1))
    climbs = sample.climb[..., 1] > sample.climb[..., 0]
    has_come_from = climbs & (sample.climb[..., 0] > 0)
    gained = _counted(bins, sample.is_counted, pool.open) + _counted(after, climbs, pool.open)
    return replace(
        pool,
        open=pool.open + gained - _counted(before, has_come_from, pool.open),
        open_tally=_summed(pool.open_tally, sample, place),
    )


def _counted(index: Tensor, which: Tensor, like: Tensor) -> Tensor:
    """How often each index occurs, of those that are to be counted; the others count behind the last one."""
    bins = like.numel()
    counts = torch.bincount(index.masked_fill(~which, bins).flatten(), minlength=bins + 1)
    return counts[:bins].view_as(like)


def _summed(tally: Tally, sample: Sample, owner: Tensor) -> Tally:
    score = sample.score.masked_fill(~sample.is_counted, 0.0).clamp(-8, 8)
    in_alarm = sample.is_judged & sample.is_open.any(1)

    def add(to: Tensor, what: Tensor) -> Tensor:
        return to.index_add(0, owner, what.long())

    return Tally(
        readings=add(tally.readings, sample.is_judged),
        in_alarm=add(tally.in_alarm, in_alarm),
        milliseconds=tally.milliseconds,
        opened=add(tally.opened, sample.opened),
        power=add(tally.power, (score * score * FINE).round().sum(1)),
        echo=add(tally.echo, (score * sample.score_before * FINE).round().sum(1)),
    )


def _falling() -> Tensor:
    """The share of calibrated surprise that lies in every bin. -> (BINS,) float64."""
    return -torch.diff(10.0 ** -edges())
