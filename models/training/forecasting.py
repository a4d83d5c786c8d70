"""What a forecaster is trained on: the readings of many series as their experts see them, and the loss of a window."""

from collections.abc import Callable, Iterator
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
from models.skill import crps, tail
from models.training.streams import Streams

NLL_WEIGHT, FURTHER_NLL_WEIGHT = 1.0, 0.1  # of the next reading, which is judged by its tails, and of those beyond it
SCORE_WEIGHT = 3.0  # of the CRPS over that of the experts
MAX_NLL, MAX_SCORE = 20.0, 50.0  # of one reading: an unforeseeable jump teaches no more than this
FARTHEST_ERROR = 1e4  # spreads: beyond, a score is as good as this
LEAST_USUAL = 0.2  # of the usual error, which experts are taken to score who are never wrong
TINY = 1e-3  # units
MAX_GAP_STEPS = 64.0


class Reading(NamedTuple):
    """One reading of each of B rows."""

    values: Tensor  # (B, C) float64
    present: Tensor  # (B, C)
    elapsed: Tensor  # (B,) float32 seconds, NaN at a first reading
    calendar: Tensor  # (B, 2) float32 phases of the day and of the week


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

    def at(self, t: int) -> Reading:
        """The readings of one moment."""
        return Reading(self.values[t], self.present[t], self.elapsed[t], self.calendar[t])

    def readings(self) -> Iterator[tuple[Tensor, Tensor, Context]]:
        """What a detector is told of each reading: values, present and context, of B rows."""
        for values, present, *when in zip(self.values, self.present, self.elapsed, self.calendar, strict=True):
            yield values, present, Context.of(*when)


Step = Callable[[Reading, State], tuple[tuple[Tensor, ...], State]]  # -> what is told of it, the state after
Quicken = Callable[[Step], Step]  # the same to the bit, in less time


def as_it_is(step: Step) -> Step:
    """No quicker."""
    return step


class Observed(NamedTuple):
    """A stretch of a batch as a network sees it: nothing of it depends on the weights. T steps."""

    features: Tensor  # (T, B, C, F)
    offsets: Tensor  # (T, B, C, K, E), and what else the head sees
    log_errors: Tensor  # (T, B, C, K, E)
    log_horizon: Tensor  # (T, 1, 1, K)
    log_shares: Tensor  # (T, B, C, K, E)
    log_recent: Tensor  # (T, B, C, K)
    steps: Tensor  # (T, B) elapsed, in the series' own intervals
    is_seen: Tensor  # (T, B)
    target: Tensor  # (T, B, C, K) the change to the reading forecast, in units of the horizon
    widening: Tensor  # (T, B) of the spread of the next reading, over a gap
    weight: Tensor  # (T, B, C, K) 0 where there is nothing to learn
    theirs: Tensor  # (T, B, C, K) the mean CRPS of the experts without a network, over the whole walk

    @property
    def sighted(self) -> Sighted:
        """What the head sees."""
        return Sighted(self.offsets, self.log_errors, self.log_horizon, self.log_shares, self.log_recent)


@torch.no_grad()
def observe(combiner: Combiner, batch: Batch, step: Step | None = None) -> Observed:
    """Take a whole batch through the experts, once for whatever training goes over it.

    step: that of `Seeing` the combiner, where there is a quicker one.
    """
    step = step or Seeing(combiner)
    length, rows, channels = batch.values.shape
    columns = (*tempo.columns(), *scaler.columns(channels), *combiner.bank.columns(channels))
    told = told_of(batch, step, fresh_state(columns, rows, batch.values.device))
    features, offsets, log_errors, log_shares, log_recent, steps, is_seen, unit, age = told
    log_horizon = combiner.log_horizon.expand(length, 1, 1, -1)
    target, is_whole = targets(batch, combiner.horizons, unit, age)
    of_head = (offsets, log_errors, log_horizon, log_shares, log_recent)
    whole = Observed(features, *of_head, steps, is_seen, target, widening(steps), is_whole.float(), theirs=target)
    return whole._replace(theirs=_usual_score(whole).expand_as(target))


@dataclass(frozen=True, slots=True)
class Seeing:
    """What a network is shown of a reading, reading after reading."""

    combiner: Combiner

    def __call__(self, reading: Reading, state: State) -> tuple[tuple[Tensor, ...], State]:
        """-> features and what the head sees, steps elapsed, whether there is a reading, units, ages."""
        combiner = self.combiner
        moment, learnt = learn(reading, state)
        sight = Sight.of(*moment, learnt)
        views, observed = combiner.bank.observe(sight, learnt)
        after = {**learnt, **observed}
        features, (offsets, log_errors, _, log_shares, log_recent) = combiner.observation(moment, sight, views, after)
        told = (features, offsets, log_errors, log_shares, log_recent, moment.steps, moment.present.any(1))
        settled = combiner.bank.settle(sight, views, combiner.free(views), learnt)
        return (*told, views.unit, sight.age), {**after, **settled}


def told_of(batch: Batch, step: Step, state: State) -> list[Tensor]:
    """What a step tells of every reading of a batch, from a state on. -> (T, B, ...) each."""
    told: list[tuple[Tensor, ...]] = []
    for t in range(len(batch.values)):
        of_reading, state = step(batch.at(t), state)
        told.append(of_reading)
    return [torch.stack(column) for column in zip(*told, strict=True)]


def widening(steps: Tensor) -> Tensor:
    """How much wider the next reading's spread is, over the gap before it. steps: (T, B) elapsed -> (T, B)."""
    return torch.cat((steps[1:], torch.ones_like(steps[:1]))).clamp(1, MAX_GAP_STEPS).sqrt()


def learn(reading: Reading, state: State) -> tuple[Moment, dict[str, Tensor]]:
    """Scale, level and interval after one reading a row, as the detector learns them. -> moment, state."""
    values, present, elapsed, calendar = reading
    steps = tempo.elapsed_steps(elapsed, state)
    learnt = {**state, **tempo.update(elapsed, state), **scaler.update(values, present, state)}
    difference = (values - state["last"]).float().masked_fill(~present | (state["age"] == 0), 0.0)
    return Moment(difference, present, steps, calendar), learnt


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
    """The loss of a stretch, summed. -> loss, weight of what it sums, state of the cell after."""
    network = combiner.network
    if network is None:
        raise ValueError("Expected a combiner with a network to train, got experts alone")
    hidden, after = network.scan(seen.features, state, seen.steps, seen.is_seen)
    loss = readings_loss(network.forecast(hidden, seen.sighted), seen)
    return (loss * seen.weight).sum(), seen.weight.sum(), after


def readings_loss(forecast: StudentT, seen: Observed) -> Tensor:
    """NLL, and CRPS over what the experts without a network score on the whole series. -> (T, B, C, K).

    So every series counts by the share of its score that there is to win, however hard it is to forecast.
    """
    z = (seen.target - forecast.location) / _spread(forecast, seen)
    nll = student_t_nll(z, forecast.log_scale, forecast.freedom)
    weight = torch.full((nll.shape[-1],), FURTHER_NLL_WEIGHT, device=nll.device)
    weight[0] = NLL_WEIGHT
    return weight * nll.clamp_max(MAX_NLL) + SCORE_WEIGHT * (_score(forecast, seen) / seen.theirs).clamp_max(MAX_SCORE)


def _usual_score(seen: Observed) -> Tensor:
    """The mean CRPS of the experts alone, which their usual error keeps from being nothing. -> (B, C, K)."""
    usual = _mean(torch.exp(seen.log_errors[..., -1]), seen) * LEAST_USUAL
    return torch.maximum(_mean(_score(seen.sighted.together(), seen), seen), usual).clamp_min(TINY)


def _spread(forecast: StudentT, seen: Observed) -> Tensor:
    """What it is, that of the next reading widened over the gap before it. -> (T, B, C, K)."""
    widening = torch.ones_like(forecast.log_scale)
    widening[..., 0] = seen.widening.unsqueeze(-1)
    return torch.exp(forecast.log_scale) * widening


def _score(forecast: StudentT, seen: Observed) -> Tensor:
    """The CRPS of each forecast, in units. -> (T, B, C, K)."""
    spread = _spread(forecast, seen)
    z = ((seen.target - forecast.location) / spread).clamp(-FARTHEST_ERROR, FARTHEST_ERROR)
    p = 10.0 ** -tail(z.device)(z, forecast.freedom)
    return crps(z * spread, spread, forecast.freedom, p)


def _mean(scores: Tensor, seen: Observed) -> Tensor:
    """Over time, of what counts. (T, B, C, K) -> (B, C, K)."""
    return (scores * seen.weight).sum(0) / seen.weight.sum(0).clamp_min(1)


def fresh_hidden(combiner: Combiner, rows: int, channels: int) -> dict[str, Tensor]:
    """The state of the cell of rows nobody has seen. -> name: (B, C, ...), or (B, ...) of joint channels."""
    columns = combiner.columns(channels)
    names = combiner.network.cell.state_shapes if combiner.network else {}
    return fresh_state(tuple(column for column in columns if column.name in names), rows)
