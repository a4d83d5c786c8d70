"""What a forecaster is trained on: the readings of many series as their experts see them, and the loss of a window."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from models import scaler, tempo
from models.column import State, fresh_state
from models.context import Context
from models.experts.bank import FARTHEST
from models.experts.sight import Sight
from models.forecasters.combiner import Combiner
from models.forecasters.forecaster import Moment
from models.forecasters.network import Sighted
from models.heads import StudentT, student_t_nll
from models.training.streams import Streams

ABSOLUTE_ERROR_WEIGHT = 1.0
FURTHER_WEIGHT = 0.5  # of a horizon beyond the next reading
MAX_NLL = 20.0  # of one reading: an unforeseeable jump teaches no more than this
MAX_GAP_STEPS = 64.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Series on their way through time, B rows of C channels each."""

    values: Tensor  # (T, B, C) float64
    present: Tensor  # (T, B, C)
    scored: Tensor  # (T, B, C) False where the loss must not learn to expect a reading
    elapsed: Tensor  # (T, B) float32 seconds, NaN at a first reading
    calendar: Tensor  # (T, B, 2) float32 phases of the day and of the week

    @staticmethod
    def of(streams: Streams) -> "Batch":
        """The same streams as tensors."""
        return Batch(
            torch.from_numpy(streams.values),
            torch.from_numpy(streams.present),
            torch.from_numpy(streams.scored),
            torch.from_numpy(streams.elapsed_seconds).float(),
            torch.from_numpy(streams.calendar).float(),
        )

    def readings(self) -> Iterator[tuple[Tensor, Tensor, Context]]:
        """What a detector is told of each reading: values, present and context, of B rows."""
        for values, present, *when in zip(self.values, self.present, self.elapsed, self.calendar, strict=True):
            yield values, present, Context.of(*when)


class Observed(NamedTuple):
    """A stretch of a batch as a network sees it: nothing of it depends on the weights. T steps."""

    features: Tensor  # (T, B, C, F)
    offsets: Tensor  # (T, B, C, K, E)
    log_errors: Tensor  # (T, B, C, K, E)
    log_horizon: Tensor  # (T, 1, 1, K)
    steps: Tensor  # (T, B) elapsed, in the series' own intervals
    is_seen: Tensor  # (T, B)
    target: Tensor  # (T, B, C, K) the change to the reading forecast, in units of the horizon
    widening: Tensor  # (T, B) of the spread of the next reading, over a gap
    weight: Tensor  # (T, B, C, K) 0 where there is nothing to learn


@torch.no_grad()
def observe(combiner: Combiner, batch: Batch) -> Observed:
    """Take a whole batch through the experts, once for all the passes of training over it."""
    length, rows, channels = batch.values.shape
    columns = (*tempo.columns(), *scaler.columns(channels), *combiner.bank.columns(channels))
    state: State = fresh_state(columns, rows, batch.values.device)
    seen: list[tuple[Tensor, ...]] = []
    for t in range(length):
        moment, state = learn(batch, t, state)
        sight = Sight.of(*moment, state)
        views, learnt = combiner.bank.observe(sight, state)
        after = {**state, **learnt}
        features, sighted = combiner.observation(moment, sight, views, after)
        state = {**after, **combiner.bank.settle(sight, views, combiner.free(views), state)}
        seen.append((features, *sighted[:2], moment.steps, moment.present.any(1), views.unit, sight.age))
    stacked = (torch.stack(column) for column in zip(*seen, strict=True))
    features, offsets, log_errors, steps, is_seen, unit, age = stacked
    target, is_whole = targets(batch, combiner.horizons, unit, age)
    horizon_weight = torch.full((len(combiner.horizons),), FURTHER_WEIGHT, device=target.device)
    horizon_weight[0] = 1.0
    widening = torch.cat((steps[1:], torch.ones_like(steps[:1]))).clamp(1, MAX_GAP_STEPS).sqrt()
    log_horizon = combiner.log_horizon.expand(length, 1, 1, -1)
    weight = is_whole * horizon_weight
    return Observed(features, offsets, log_errors, log_horizon, steps, is_seen, target, widening, weight)


def learn(batch: Batch, t: int, state: State) -> tuple[Moment, dict[str, Tensor]]:
    """Scale, level and interval after one reading a row, as the detector learns them. -> moment, state."""
    values, present = batch.values[t], batch.present[t]
    steps = tempo.elapsed_steps(batch.elapsed[t], state)
    learnt = {**state, **tempo.update(batch.elapsed[t], state), **scaler.update(values, present, state)}
    difference = (values - state["last"]).float().masked_fill(~present | (state["age"] == 0), 0.0)
    return Moment(difference, present, steps, batch.calendar[t]), learnt


def targets(batch: Batch, horizons: tuple[int, ...], unit: Tensor, age: Tensor) -> tuple[Tensor, Tensor]:
    """The change to the reading that each horizon is of, and whether it is one to learn from.

    unit: (T, B, C, K), age: (T, B, C) readings seen -> (T, B, C, K) twice. A horizon counts readings: where some are
    missing on the way, there is nothing to learn.
    """
    target, is_whole = torch.zeros_like(unit), torch.zeros_like(unit, dtype=torch.bool)
    for k, horizon in enumerate(horizons):
        now, then = slice(None, -horizon), slice(horizon, None)
        moved = (batch.values[then] - batch.values[now]).float()
        target[now, ..., k] = (moved / unit[now, ..., k]).clamp(-FARTHEST, FARTHEST)
        is_whole[now, ..., k] = batch.present[now] & batch.scored[then] & (age[then] - age[now] == horizon)
    return target, is_whole


def window_loss(combiner: Combiner, seen: Observed, state: State) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """NLL + absolute error of a stretch, summed. -> loss, weight of what it sums, state of the cell after."""
    network = combiner.network
    if network is None:
        raise ValueError("Expected a combiner with a network to train, got experts alone")
    hidden, after = network.scan(seen.features, state, seen.steps, seen.is_seen)
    sighted = Sighted(seen.offsets, seen.log_errors, seen.log_horizon)
    loss = readings_loss(network.forecast(hidden, sighted), seen)
    return (loss * seen.weight).sum(), seen.weight.sum(), after


def readings_loss(forecast: StudentT, seen: Observed) -> Tensor:
    """The loss of each forecast. -> (T, B, C, K)."""
    location, log_scale, freedom = forecast
    widening = torch.ones_like(location)
    widening[..., 0] = seen.widening.unsqueeze(-1)
    error = seen.target - location
    nll = student_t_nll(error / (torch.exp(log_scale) * widening), log_scale, freedom).clamp_max(MAX_NLL)
    relative = error.abs() * torch.exp(-seen.log_errors[..., -1])  # to what the experts together are used to
    return nll + ABSOLUTE_ERROR_WEIGHT * relative.clamp_max(MAX_NLL)


def fresh_hidden(combiner: Combiner, rows: int, channels: int) -> dict[str, Tensor]:
    """The state of the cell of rows nobody has seen. -> name: (B, C, ...), or (B, ...) of joint channels."""
    columns = combiner.columns(channels)
    names = combiner.network.cell.state_shapes if combiner.network else {}
    return fresh_state(tuple(column for column in columns if column.name in names), rows)
