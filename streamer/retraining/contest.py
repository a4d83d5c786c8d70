"""The contest: champion and challenger forecast the same later readings, each before it sees them, as if live."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import torch

from connectors.columns import Readings, TopicPartition
from models.artifact import Artifact
from streamer.config import GroupOptions
from streamer.judge import make_judge
from streamer.partition import Partition
from streamer.phases import Phases
from streamer.shadow import Duel, Learnt, Shadow
from streamer.steps import Steps
from streamer.training.series import Series

BATCH_READINGS = 5_000
NOWHERE = TopicPartition("retraining", 0)


class Figures(msgspec.Struct, frozen=True):
    """What one side came to. ``crps`` is in spreads of the champion, the geometric mean over series of their means."""

    crps: float | None  # None where nothing was judged
    coverage_ratio: float  # of the forecast's own band, which follows nothing
    alarms: int  # opened


class Contest(msgspec.Struct, frozen=True):
    """What both came to, on the same readings of single channels."""

    champion: Figures
    challenger: Figures
    judged: int
    series: int

    @property
    def improvement_ratio(self) -> float:
        """By which share the challenger's CRPS is smaller."""
        return 1 - self.challenger.crps / self.champion.crps if self.champion.crps and self.challenger.crps else 0.0


class Rivals(NamedTuple):
    """Who is in force, and who wants to be."""

    champion: Artifact
    challenger: Artifact


def fight(rivals: Rivals, group: GroupOptions, series: Sequence[Series], later: int, lead: int) -> Contest:
    """Let both forecast what came at or after ``later`` (ns), of each series behind ``lead`` readings that lead up."""
    steps, phases = Steps(torch.device("cpu")), Phases(lambda: 0.0, lambda *_: None)
    champion, challenger = (make_judge(group.name, group.choices, artifact, steps, phases) for artifact in rivals)
    partition = Partition(champion, NOWHERE)
    partition.shadow = Shadow(Learnt.nothing(challenger), goal=2**63)
    score = _Score(later, dict.fromkeys(one.name for one in series))
    for readings in _in_order(group.name, series, later, lead):
        for duel in partition.advance(readings).duels:
            score.enter(duel)
    for duel in partition.flush().duels:
        score.enter(duel)
    return score.contest


def _in_order(group: str, series: Sequence[Series], later: int, lead: int) -> Iterator[Readings]:
    """The readings of all series by time, in batches, as if one partition had held them."""
    starts = [max(int(np.searchsorted(one.timestamp, later)) - lead, 0) for one in series]
    spans = [one.span(start, len(one)) for one, start in zip(series, starts, strict=True)]
    names = np.repeat(np.array([one.name for one in spans], dtype=object), [len(one) for one in spans])
    timestamp = np.concatenate([one.timestamp for one in spans])
    by_time = np.argsort(timestamp, kind="stable")
    whole = Readings(
        group,
        NOWHERE,
        names[by_time],
        np.arange(len(names)),
        np.zeros(len(names), dtype=np.int64),
        timestamp[by_time],
        np.concatenate([one.values for one in spans])[by_time],
        np.concatenate([one.present for one in spans])[by_time],
    )
    for start in range(0, len(whole), BATCH_READINGS):
        yield whole.take(slice(start, start + BATCH_READINGS))


class _Score:
    """Adds up duels, series by series."""

    def __init__(self, later: int, names: Iterable[str]) -> None:
        self._later = later
        self._rows = {name: row for row, name in enumerate(names)}
        self._sums = np.zeros((len(self._rows), 3))  # per series: values judged, CRPS of both
        self._outside, self._opened = np.zeros(2), np.zeros(2)

    def enter(self, duel: Duel) -> None:
        """Take in what both made of some readings, as far as they count."""
        counts = torch.from_numpy(duel.readings.timestamp >= self._later)
        both = duel.both & counts.unsqueeze(1)
        sides = (duel.champion, duel.challenger)
        crps = [scores.masked_fill(~both, 0.0).sum(1).numpy() for scores in duel.crps]
        rows = [self._rows[name] for name in duel.readings.series.tolist()]
        np.add.at(self._sums, rows, np.stack([both.sum(1).numpy(), *crps], axis=1))
        self._outside += [int((side.is_outside & both).sum()) for side in sides]
        self._opened += [int((side.opened & counts).sum()) for side in sides]

    @property
    def contest(self) -> Contest:
        """What it came to."""
        judged = self._sums[:, 0].sum()
        is_heard = (self._sums > 0).all(axis=1)
        means = self._sums[is_heard, 1:] / self._sums[is_heard, :1]
        crps = np.exp(np.log(means).mean(axis=0)).tolist() if len(means) else [None, None]
        champion, challenger = (
            Figures(crps[side], float(1 - self._outside[side] / max(judged, 1)), int(self._opened[side]))
            for side in range(2)
        )
        return Contest(champion, challenger, int(judged), len(means))
