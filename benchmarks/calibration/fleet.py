"""A fleet: series of one channel in some partitions, stepped by the calibration that runs live."""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from calibration.residuals import ECHOING, FREEDOM, Residuals
from models import hours
from models.alarm import Hysteresis
from models.calibration import verdict
from models.calibration.budget import Budget
from models.calibration.epochs import close_epoch
from models.calibration.pool import HALF_LIFE_EPOCHS, Pool, fold
from models.calibration.verdict import Evidence
from models.column import fresh_state
from models.hours import Hour
from models.tail import StudentTail

EPOCH_READINGS = 4096
HOUR_READINGS = 60


@dataclass(frozen=True, slots=True)
class Size:
    """How many series are in each of how many partitions."""

    series: int  # in a partition; a power of two
    partitions: int
    epoch_readings: int = EPOCH_READINGS  # fewer where they come so seldom that an hour is over before
    burn_in_epochs: int = HALF_LIFE_EPOCHS

    @property
    def block(self) -> int:
        """Series of a partition that are stepped at once: no epoch ends among them."""
        return min(self.series, self.epoch_readings)

    @property
    def burn_in(self) -> int:
        """Readings of a partition before alarms are counted."""
        return self.burn_in_epochs * self.epoch_readings

    @property
    def rows(self) -> int:
        """Series in all."""
        return self.series * self.partitions


class Fleet:
    """Every series has a reading at every turn, a minute after the one before, and its hour ends at a turn of its own.

    Rows are series, block by block, each of all partitions in turn.
    """

    def __init__(self, size: Size, scenario: str, budget: Budget, seed: int) -> None:
        """``scenario``: what is wrong with the forecasts of readings, and with what hours bring as well."""
        rng = np.random.default_rng(seed)
        self.size = size
        self._residuals = Residuals(scenario, size.rows, rng)
        of_hours = "exact" if scenario == ECHOING else scenario  # how alike two hours are, a series learns by itself
        self._hours = Residuals(of_hours, size.rows, rng, hours.FREEDOM)
        self._hour = self._hours.draw()
        self._turns = 0
        self.pool = Pool.fresh(budget, pools=size.partitions)
        self._tail = StudentTail()
        columns = tuple(column for part in verdict.columns(1).values() for column in part)
        blocks = size.series // size.block
        self._rows = size.partitions * size.block
        self._states = [fresh_state(columns, self._rows) for _ in range(blocks)]
        self._ages = torch.zeros(self._rows, 1)
        self._counted = 0  # readings of the open epoch, in each partition

    def copy(self) -> "Fleet":
        """The same fleet, to try something on: whatever becomes of it, this one does not change."""
        other = copy.copy(self)
        residuals, of_hours = copy.deepcopy((self._residuals, self._hours))
        other.__dict__ |= {"_residuals": residuals, "_hours": of_hours, "_states": [*self._states]}
        return other

    @torch.inference_mode()
    def turn(self, change: "Change | None" = None) -> tuple[Tensor, Tensor]:
        """One reading of every series. -> the kinds of alarm that opened, and that are open, (N, K) each."""
        z, hour, is_over = self._residuals.draw(), *self._ended()
        moved = np.ones(len(z), dtype=bool)
        if change is not None:
            z, moved = change.of(z, moved)
        drawn = (z, moved, hour, is_over)
        parts = zip(*(torch.split(torch.from_numpy(one).unsqueeze(1), self._rows) for one in drawn), strict=True)
        said = [self._step(number, *part) for number, part in enumerate(parts)]
        self._ages = self._ages + 1
        opened, is_open = (torch.cat(flags) for flags in zip(*said, strict=True))
        return opened, is_open

    def _ended(self) -> tuple[np.ndarray, np.ndarray]:
        """What the hour of every series is off by, and whether it is over with this reading. (N,) each."""
        self._turns += 1
        if self._turns % HOUR_READINGS == 0:
            self._hour = self._hours.draw()
        return self._hour, (np.arange(self.size.rows) + self._turns) % HOUR_READINGS == 0

    def _step(self, number: int, z: Tensor, moved: Tensor, hour: Tensor, is_over: Tensor) -> tuple[Tensor, Tensor]:
        surprise = self._tail(z, torch.full_like(z, FREEDOM))
        every = torch.ones_like(moved)
        evidence = Evidence(
            signed=torch.copysign(surprise, z),
            is_judged=every,
            has_scale=every,
            moved=moved,
            weight=every.float(),
            is_muted=~every[:, 0],
            hour=Hour(is_over, hours.normal_score(hour)),
        )
        state = {**self._states[number], "age": self._ages, "move_rate": torch.ones_like(self._ages)}
        said, self._states[number] = verdict.judge(evidence, Hysteresis(), state, self.pool)
        self.pool = fold(self.pool, said.sample)
        self._counted += self.size.block
        if self._counted >= self.size.epoch_readings:
            self.pool = close_epoch(self.pool, 3_600_000)
            self._counted = 0
        return said.alarm.opened, said.alarm.is_open


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of the residuals of some series."""

    where: np.ndarray  # (N,) bool
    shift: float = 0.0
    scale: float = 1.0
    is_stuck: bool = False

    def of(self, z: np.ndarray, moved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The residuals, and whether they moved, changed. (N,) each."""
        changed = np.where(self.where, z * (0.0 if self.is_stuck else self.scale) + self.shift, z)
        return changed.astype(np.float32), moved & ~(self.where & self.is_stuck)
