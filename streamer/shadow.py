"""The shadow: a challenger that steps a partition's readings beside the judge in force, and is heard by nobody."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor

from connectors.columns import Int64, Readings
from models.calibration.epochs import close_epoch
from models.calibration.pool import Pool
from models.skill import Skill, skill
from streamer.judge import Judge
from streamer.scoring import Scored, Scorer
from streamer.table import StateTable
from streamer.terms import Terms


class Learnt(NamedTuple):
    """A judge with what it has learnt of a partition: a row of its own columns for every series, and a pool."""

    judge: Judge
    table: StateTable
    pool: Pool

    @classmethod
    def nothing(cls, judge: Judge) -> Self:
        """Before the first reading."""
        return cls(judge, StateTable(judge.detector.columns, judge.device), judge.pool)


class Duel(NamedTuple):
    """What the forecasts of champion and challenger of the same readings were worth."""

    readings: Readings
    champion: Skill
    challenger: Skill

    @property
    def both(self) -> Tensor:
        """Where both had a forecast, so that they can be compared. -> (N, C)."""
        return self.champion.is_judged & self.challenger.is_judged

    @property
    def crps(self) -> tuple[Tensor, Tensor]:
        """Of champion and challenger, in spreads of the champion, 0 where not both had a forecast. -> (N, C) each."""
        champion, challenger = (
            (side.crps / self.champion.spread).masked_fill(~self.both, 0.0) for side in (self.champion, self.challenger)
        )
        return champion, challenger


@dataclass(slots=True)
class Shadow:
    """What a challenger has learnt. Its rows are those of the partition it follows.

    It is ready to take over when it has followed ``goal`` readings. It is in no checkpoint: a crash ends it.
    """

    learnt: Learnt
    goal: int
    followed: int = 0

    @property
    def is_ready(self) -> bool:
        """Whether it has been watched for long enough."""
        return self.followed >= self.goal

    def follow(self, readings: Readings, rows: Int64, terms: Terms, said: Scored) -> Duel:
        """Step readings of one epoch, of which the champion has ``said`` what it says. rows: (N,)."""
        judge, table, pool = self.learnt
        came = Scorer(judge, table).score(readings, rows, terms, pool)
        self.learnt = Learnt(judge, table, came.pool)
        self.followed += len(readings)
        champion, challenger = (skill(of.outcome, judge.choices.band_coverage) for of in (said, came))
        return Duel(readings, champion, challenger)

    def close_epoch(self, milliseconds: int) -> None:
        """The champion's epoch has ended, after so long in event time."""
        self.learnt = self.learnt._replace(pool=close_epoch(self.learnt.pool, milliseconds))

    def forget(self, rows: Int64) -> None:
        """The champion has evicted the series of these rows."""
        self.learnt.table.reset(torch.from_numpy(rows))
