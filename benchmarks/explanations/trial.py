"""A trial: sound machines are lived through, then one fault after the other is, from the same moment on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explanations.faults import Fault
from explanations.machines import CADENCE_SECONDS, CHANNELS, DAY_READINGS, Machines
from models.alarm import CHANGE
from models.artifact import Artifact
from models.calibration.budget import Budget
from models.calibration.epochs import close_epoch
from models.calibration.pool import Pool, fold
from models.column import State, fresh_state
from models.context import Context
from models.detector import Detector, DetectorOptions
from models.reasons import reasons
from models.transform import Transform

EPOCH_READINGS = 4096
WEEK_READINGS = 7 * DAY_READINGS


@dataclass(frozen=True, slots=True)
class Findings:
    """What came of one fault. B machines."""

    fault: Fault
    alarmed: Tensor  # (B,) bool: an alarm opened while it lasted
    is_hit: Tensor  # (B,) bool: the first one named the channel at fault; where there was none, the worst reading did


class Trial:
    """The detector of an artifact, and machines that it has lived with."""

    def __init__(self, artifact: Artifact, machines: Machines, sound: int) -> None:
        """``sound``: how many readings come before the faults."""
        self._detector = Detector(artifact.forecaster, DetectorOptions((Transform.NONE,) * CHANNELS))
        self._machines, self._sound = machines, sound
        self._state: State = fresh_state(self._detector.columns, machines.values.shape[1])
        self._pool = Pool.fresh(Budget(), artifact.prior)
        counted = 0
        for number in range(sound):
            outcome, self._state = self._detector.step(*self._reading(machines.values[number], number), *self._now)
            self._pool, counted = fold(self._pool, outcome.sample), counted + len(outcome.value)
            if counted >= EPOCH_READINGS:
                milliseconds = round(counted / len(outcome.value) * CADENCE_SECONDS * 1000)
                self._pool, counted = close_epoch(self._pool, milliseconds), 0

    def findings(self, faults: Sequence[Fault], seed: int) -> Iterator[Findings]:
        """Try each fault, in a channel of each machine that is drawn."""
        machines = self._machines.values.shape[1]
        channel = torch.randint(CHANNELS, (machines,), generator=torch.Generator().manual_seed(seed))
        for fault in faults:
            yield self._of(fault, channel)

    @property
    def _now(self) -> tuple[State, Pool]:
        return self._state, self._pool

    def _of(self, fault: Fault, channel: Tensor) -> Findings:
        state = self._state
        rows = len(channel)
        alarmed, named = torch.zeros(rows, dtype=torch.bool), torch.full((rows,), -1)
        worst, suspect = torch.full((rows,), -1.0), torch.full((rows,), -1)
        for number, values in enumerate(fault.made_in(self._machines, self._sound, channel), self._sound):
            before = state
            outcome, state = self._detector.step(*self._reading(values, number), before, self._pool)
            is_change = (outcome.ratios.argmax(1) == CHANGE).unsqueeze(1)
            decades = torch.where(is_change, outcome.change_decades, outcome.evidence)
            is_worse = outcome.anomaly_score > worst
            suspect = torch.where(is_worse, decades.argmax(1), suspect)
            worst = torch.maximum(worst, outcome.anomaly_score)
            if outcome.opened.any():
                why = reasons(outcome, before, self._detector.forecaster)
                is_first = ~alarmed[why.at]
                named[why.at[is_first]] = why.channel[is_first]
                alarmed[why.at] = True
        return Findings(fault, alarmed, torch.where(alarmed, named, suspect) == channel)

    def _reading(self, values: Tensor, number: int) -> tuple[Tensor, Tensor, Context]:
        rows = len(values)
        elapsed = torch.full((rows,), CADENCE_SECONDS if number else torch.nan)
        phase = torch.tensor((number / DAY_READINGS % 1, number / WEEK_READINGS % 1)).expand(rows, 2)
        return values, torch.ones_like(values, dtype=torch.bool), Context.of(elapsed, phase)
