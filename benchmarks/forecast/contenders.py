"""Who forecasts by the project's own port: the experts of a tier, one by one and together, and trained forecasters."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from forecast.batch import Batch, Float64
from forecast.scores import Forecast
from models import scaler, tempo
from models.column import Column, State, fresh_state
from models.experts.bank import TOGETHER, Bank, Tier
from models.experts.record import FREEDOM, spread_of
from models.experts.sight import Sight
from models.forecasters import Forecaster
from models.forecasters.combiner import Combiner
from models.training.forecasting import MAX_GAP_STEPS, Reading, learn
from models.training.forecasting import Batch as Readings
from streamer.calendar import calendar_of
from streamer.native.quick import Quick

CHUNK = 128  # readings between two looks at which series have ended
TILE = 32  # rows
FORGETFUL = 64  # readings, after which a forecaster that shall not carry its state has it zeroed

Said = Iterator[tuple[str, int, Forecast]]  # name, first reading, forecasts


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a batch, whose rows are those that have not ended before it, filled up to whole tiles."""

    first: int
    alive: int
    readings: Readings  # one reading longer than the stretch, where there is one: to know how long it took

    @property
    def steps(self) -> range:
        """The readings of the stretch itself."""
        return range(min(CHUNK, len(self.readings.values)))


@dataclass(frozen=True, slots=True)
class Trained:
    """A forecaster, which may have to forget some of its columns every `FORGETFUL` readings."""

    name: str
    forecaster: Forecaster
    forgets: tuple[str, ...] = ()

    @torch.inference_mode()
    def say(self, batch: Batch) -> Said:
        """All its forecasts, chunk by chunk."""
        columns = (*tempo.columns(), *scaler.columns(1), *self.forecaster.columns(1))
        forgotten = tuple(column for column in columns if column.name in self.forgets)
        step = Quick(self.step, patience=0)
        state: State = {}
        for chunk in chunks(batch):
            state = of_rows(state, columns, chunk)
            parts = []
            for t in chunk.steps:
                if (chunk.first + t) % FORGETFUL == 0:
                    state = {**state, **fresh_state(forgotten, chunk.readings.values.shape[1])}
                (offset, scale, freedom), state = step(chunk.readings.at(t), state)
                parts.append((offset, _widened(scale, chunk, t, state), freedom))
            offset, scale, freedom = (torch.stack(part) for part in zip(*parts, strict=True))
            yield self.name, chunk.first, _forecast(batch, chunk, offset, scale, freedom)

    def step(self, reading: Reading, state: State) -> tuple[tuple[Tensor, ...], State]:
        """Offset from the last value, spread and freedom after one reading a row, (B, 1, K) each, and the state."""
        moment, learnt = learn(reading, state)
        after = {**learnt, **self.forecaster.advance(moment, learnt)}
        location, log_scale, freedom = self.forecaster.ahead(after)
        unit = scaler.floored_scale(after).unsqueeze(-1)
        return (location * unit, torch.exp(log_scale) * unit, freedom), after


@torch.inference_mode()
def experts(batch: Batch, horizons: tuple[int, ...], tier: Tier) -> Said:
    """The experts of a tier: ``TIER experts`` together, ``TIER best``, the best one so far, and ``TIER: NAME`` each."""
    panel = _Panel(Combiner(Bank(tier, horizons), None))
    columns = (*tempo.columns(), *scaler.columns(1), *panel.bank.columns(1))
    names = [name for name in panel.bank.experts if name != TOGETHER]
    step = Quick(panel.step, patience=0)
    state: State = {}
    for chunk in chunks(batch):
        state = of_rows(state, columns, chunk)
        parts = []
        for t in chunk.steps:
            (offset, scale, offsets, scales, log_errors), state = step(chunk.readings.at(t), state)
            widened = (_widened(spread, chunk, t, state) for spread in (scale, scales))
            parts.append((offset, offsets, log_errors, *widened))
        offset, offsets, log_errors, scale, scales = (torch.stack(part) for part in zip(*parts, strict=True))
        best = log_errors[..., : len(names)].argmin(-1, keepdim=True)
        said = {
            f"{tier} experts": (offset, scale),
            f"{tier} best": (offsets.gather(-1, best)[..., 0], scales.gather(-1, best)[..., 0]),
            **{f"{tier}: {name}": (offsets[..., e], scales[..., e]) for e, name in enumerate(names)},
        }
        for name, (offset, scale) in said.items():
            yield name, chunk.first, _forecast(batch, chunk, offset, scale, torch.full_like(scale, FREEDOM))


@dataclass(frozen=True, slots=True)
class _Panel:
    """Experts without a network."""

    combiner: Combiner

    @property
    def bank(self) -> Bank:
        return self.combiner.bank

    def step(self, reading: Reading, state: State) -> tuple[tuple[Tensor, ...], State]:
        """Offset and spread of all together, (B, 1, K), of each, (B, 1, K, E), and each one's log errors; the state."""
        moment, learnt = learn(reading, state)
        sight = Sight.of(*moment, learnt)
        views, observed = self.bank.observe(sight, learnt)
        together = self.combiner.free(views)
        after = {**learnt, **observed}
        after = {**after, **self.bank.settle(sight, views, together, after)}
        unit = views.unit.unsqueeze(-1)
        of_all = (together.location * views.unit, torch.exp(together.log_scale) * views.unit)
        of_each = (views.offsets * unit, torch.exp(spread_of(views.log_errors)) * unit)
        return (*of_all, *of_each, views.log_errors), after


def chunks(batch: Batch) -> Iterator[Chunk]:
    """A batch in stretches of time, as tensors."""
    calendar = calendar_of("UTC").phases((batch.seconds * 1e9).astype(np.int64))  # the times are local already
    elapsed = np.diff(batch.seconds, axis=0, prepend=np.nan)
    for first in range(0, len(batch.values), CHUNK):
        alive = batch.alive(first)
        rows = np.minimum(np.arange(-(-alive // TILE) * TILE), alive - 1)
        times = slice(first, first + CHUNK + 1)
        values = torch.from_numpy(batch.values[times][:, rows]).unsqueeze(-1)
        present = np.arange(first, first + len(values))[:, None] < batch.lengths[rows]
        yield Chunk(
            first,
            alive,
            Readings(
                values=values,
                present=torch.from_numpy(present).unsqueeze(-1),
                scored=torch.from_numpy(present).unsqueeze(-1),
                elapsed=torch.from_numpy(elapsed[times][:, rows]).float(),
                calendar=torch.from_numpy(calendar[times][:, rows]),
            ),
        )


def of_rows(state: State, columns: tuple[Column, ...], chunk: Chunk) -> State:
    """The state of the rows that are left, or that of series nobody has seen."""
    rows = chunk.readings.values.shape[1]
    return {name: column[:rows] for name, column in state.items()} if state else fresh_state(columns, rows)


def _widened(scale: Tensor, chunk: Chunk, t: int, state: State) -> Tensor:
    """The spread, that of the next reading widened by the time it took, as the detector has it. (B, 1, K, ...)."""
    following = min(t + 1, len(chunk.readings.elapsed) - 1)
    steps = tempo.elapsed_steps(chunk.readings.elapsed[following], state).clamp(1, MAX_GAP_STEPS).sqrt()
    scale = scale.clone()
    scale[:, 0, 0] *= steps.view(-1, *[1] * (scale.dim() - 3))
    return scale


def _forecast(batch: Batch, chunk: Chunk, offset: Tensor, scale: Tensor, freedom: Tensor) -> Forecast:
    """What was said of one channel, as values. offset, scale, freedom: (S, B, 1, K) -> (S, alive, K) each."""
    last = batch.values[chunk.first : chunk.first + len(offset), : chunk.alive, None]
    return Forecast(last + _rows(chunk, offset), _rows(chunk, scale), _rows(chunk, freedom))


def _rows(chunk: Chunk, said: Tensor) -> Float64:
    """Of the series alone, without the rows that fill up the tiles. (S, B, 1, K) -> (S, alive, K)."""
    rows: Float64 = said[:, : chunk.alive, 0].double().numpy()
    return rows
