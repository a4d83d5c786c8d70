"""What a forecaster without experts is trained on: series as its cell sees them, and the loss of a window."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from models import scaler, tempo
from models.column import State, fresh_state
from models.forecasters.recurrent import RecurrentForecaster
from models.heads import student_t_nll
from models.training.forecasting import MAX_NLL, Batch, Reading, Step, learn, targets, told_of, widening

ABSOLUTE_ERROR_WEIGHT = 1.0  # beside the likelihood, where there are no experts to be measured by


class Followed(NamedTuple):
    """A stretch of a batch as the cell sees it: nothing of it depends on the weights. T steps."""

    features: Tensor  # (T, B, C, F)
    steps: Tensor  # (T, B) elapsed, in the series' own intervals
    is_seen: Tensor  # (T, B)
    target: Tensor  # (T, B, C) the change to the next reading, in scales
    widening: Tensor  # (T, B) of its spread, over a gap
    weight: Tensor  # (T, B, C) 0 where there is nothing to learn


@dataclass(frozen=True, slots=True)
class Following:
    """What the cell is shown of a reading, reading after reading."""

    forecaster: RecurrentForecaster

    def __call__(self, reading: Reading, state: State) -> tuple[tuple[Tensor, ...], State]:
        """-> features, steps elapsed, whether there is a reading, scales, which of them are known, ages."""
        moment, learnt = learn(reading, state)
        scale = scaler.floored_scale(learnt)
        features, is_seen = self.forecaster.features(moment, learnt), moment.present.any(1)
        return (features, moment.steps, is_seen, scale, scaler.is_known(learnt, scale), learnt["age"]), learnt


@torch.no_grad()
def follow(batch: Batch, step: Step) -> Followed:
    """Look at a whole batch, once for whatever training goes over it. step: that of `Following` the forecaster."""
    _, rows, channels = batch.values.shape
    columns = (*tempo.columns(), *scaler.columns(channels))
    told = told_of(batch, step, fresh_state(columns, rows, batch.values.device))
    features, steps, is_seen, scale, is_known, age = told
    target, is_whole = (column.squeeze(-1) for column in targets(batch, (1,), scale.unsqueeze(-1), age))
    return Followed(features, steps, is_seen, target, widening(steps), (is_whole & is_known).float())


def window_loss(
    forecaster: RecurrentForecaster, seen: Followed, state: State
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """The loss of a stretch, summed: likelihood and absolute error. -> loss, weight of what it sums, state after."""
    forecast, after = forecaster.scan(seen.features, state, seen.steps, seen.is_seen)
    error, wider = seen.target - forecast.location, seen.widening.unsqueeze(-1)
    nll = student_t_nll(
        error / (torch.exp(forecast.log_scale) * wider), forecast.log_scale + wider.log(), forecast.freedom
    )
    loss = nll.clamp_max(MAX_NLL) + ABSOLUTE_ERROR_WEIGHT * error.abs().clamp_max(MAX_NLL)
    return (loss * seen.weight).sum(), seen.weight.sum(), after
