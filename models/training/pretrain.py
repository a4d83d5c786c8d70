"""Makes the shipped artifacts by one seeded command: ``python -m models.training.pretrain``.

Windows of a long stream are trained one after the other with the state carried over (truncated backpropagation through
time): weights trained on windows that start from zero drift when a stream is older than a window.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models import scaler, tempo
from models.artifact import SHIPPED, Artifact, Origin, save, versions
from models.column import State, fresh_state
from models.forecasters import Moment, Spec
from models.forecasters.recurrent import RecurrentForecaster
from models.heads import student_t_nll
from models.pool import BIN_WIDTH, BINS
from models.tail import StudentTail
from models.training.streams import Streams, draw

SHIPPED_CELLS = ("gru", "lstm")
ROUNDS = 60
ABSOLUTE_ERROR_WEIGHT = 0.5
MAX_NLL = 20.0  # of one reading: an unforeseeable jump teaches no more than this


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights."""

    cell: str
    hidden: int = 32
    seed: int = 7
    streams: int = 512
    length: int = 1024
    window: int = 64
    rounds: int = ROUNDS  # fresh streams each
    learning_rate: float = 3e-3


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of streams on their way through time. C channels a row."""

    values: Tensor  # (T, B, C) float64
    present: Tensor  # (T, B, C)
    scored: Tensor  # (T, B, C)
    elapsed: Tensor  # (T, B) float32
    calendar: Tensor  # (T, B, 2) float32

    @staticmethod
    def of(streams: Streams) -> "Batch":
        """The same streams as tensors, their phases as sines and cosines."""
        return Batch(
            torch.from_numpy(streams.values),
            torch.from_numpy(streams.present),
            torch.from_numpy(streams.scored),
            torch.from_numpy(streams.elapsed_seconds).float(),
            torch.from_numpy(streams.calendar).float(),
        )


def batches(recipe: Recipe, rng: np.random.Generator, rounds: int) -> Iterator[Batch]:
    """Fresh streams for every round: single channels and correlated groups of four in turn."""
    for number in range(rounds):
        channels = 1 if number % 3 else 4
        yield Batch.of(draw(rng, recipe.length, recipe.streams // channels, channels))


def advance(
    forecaster: RecurrentForecaster, batch: Batch, t: int, state: State
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """One reading a row, as the detector does it. -> standardised error z (B, C), is_judged (B, C), state after."""
    present, values = batch.present[t], batch.values[t]
    steps = tempo.elapsed_steps(batch.elapsed[t], state)
    location, log_scale, _ = forecaster.forecast(state)
    scale = scaler.floored_scale(state)
    widened = steps.clamp(1, 64).sqrt().unsqueeze(1)
    difference = torch.where(present & (state["age"] > 0), values - state["last"], 0.0).float()
    z = (difference / scale - location) / (torch.exp(log_scale) * widened)
    learnt = {**state, **tempo.update(batch.elapsed[t], state), **scaler.update(values, present, state)}
    learnt.update(forecaster.advance(Moment(difference, present, steps, batch.calendar[t]), learnt))
    return z, batch.scored[t] & scaler.is_known(state, scale), learnt


def window_loss(
    forecaster: RecurrentForecaster, batch: Batch, start: int, stop: int, state: State
) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean over the judged readings of NLL + half the absolute error, in scales. -> loss, state after the window."""
    total, count = torch.zeros(()), torch.zeros(())
    for t in range(start, stop):
        _, log_scale, freedom = forecaster.forecast(state)
        z, is_judged, state = advance(forecaster, batch, t, state)
        nll = student_t_nll(z, log_scale, freedom.clamp_min(1)).clamp_max(MAX_NLL)
        error = (z * torch.exp(log_scale)).abs().clamp_max(MAX_NLL)
        total = total + torch.where(is_judged, nll + ABSOLUTE_ERROR_WEIGHT * error, 0.0).sum()
        count = count + is_judged.sum()
    return total / count.clamp_min(1), dict(state)


def fresh(forecaster: RecurrentForecaster, rows: int, channels: int) -> dict[str, Tensor]:
    """The state of rows nobody has seen."""
    columns = (*tempo.columns(), *scaler.columns(channels), *forecaster.columns(channels))
    return fresh_state(columns, rows)


def train(recipe: Recipe) -> RecurrentForecaster:
    """Train from the seed, printing the loss of every round."""
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    forecaster = RecurrentForecaster(recipe.cell, recipe.hidden)
    optimiser = torch.optim.AdamW(forecaster.parameters(), lr=recipe.learning_rate, weight_decay=1e-4)
    windows = recipe.length // recipe.window
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.rounds * windows, pct_start=0.05
    )
    for number, batch in enumerate(batches(recipe, rng, recipe.rounds)):
        state = fresh(forecaster, *batch.values.shape[1:])
        losses = []
        for start in range(0, recipe.length, recipe.window):
            loss, state = window_loss(forecaster, batch, start, start + recipe.window, state)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(forecaster.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            state = {name: column.detach() for name, column in state.items()}
            losses.append(float(loss.detach()))
        print(f"round {number + 1}/{recipe.rounds}: loss {np.mean(losses):.4f}", flush=True)
    return forecaster.eval()


@torch.inference_mode()
def evaluate(forecaster: RecurrentForecaster, recipe: Recipe) -> tuple[Tensor, dict[str, float]]:
    """Surprise counts and figures on streams of another seed. -> int64 (BINS,), metrics."""
    rng = np.random.default_rng(recipe.seed + 1)
    tail, counts, nll = StudentTail(), torch.zeros(BINS, dtype=torch.int64), []
    for batch in batches(recipe, rng, 3):
        state = fresh(forecaster, *batch.values.shape[1:])
        for t in range(recipe.length):
            _, log_scale, freedom = forecaster.forecast(state)
            z, is_judged, state = advance(forecaster, batch, t, state)
            nll.append(student_t_nll(z, log_scale, freedom)[is_judged])
            bins = (tail(z, freedom)[is_judged] / BIN_WIDTH).long().clamp(0, BINS - 1)
            counts += torch.bincount(bins, minlength=BINS)
    beyond = counts.flip(0).cumsum(0).flip(0) / counts.sum()
    return counts, {
        "nll": float(torch.cat(nll).clamp_max(MAX_NLL).mean()),
        "share_beyond_p_1e-2": float(beyond[round(2 / BIN_WIDTH)]),
        "share_beyond_p_1e-4": float(beyond[round(4 / BIN_WIDTH)]),
    }


def main() -> None:
    """Train the cells that are asked for and write their artifacts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", choices=SHIPPED_CELLS, action="append", help="one or more; without it, all")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the folder to write <cell>.safetensors to")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of fresh streams; fewer for a trial")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for cell in arguments.cell or SHIPPED_CELLS:
        recipe = Recipe(cell=cell, rounds=arguments.rounds)
        forecaster = train(recipe)
        prior, metrics = evaluate(forecaster, recipe)
        origin = Origin(asdict(recipe), metrics, {}, versions())
        artifact = Artifact(Spec(cell=cell, hidden=recipe.hidden), forecaster, prior, origin)
        print(save(artifact, arguments.out / f"{cell}.safetensors"), metrics)


if __name__ == "__main__":
    main()
