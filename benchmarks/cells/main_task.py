"""The main task with each cell: how good are the forecasts of the combiner on streams that it has not seen?"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from cells.lectures import FEATURES, HORIZONS, Lectures, parameter_count
from cells.machine import Clock
from cells.steps import state_floats
from models.forecasters.network import Network
from models.heads import StudentT
from models.skill import crps
from models.tail import StudentTail
from models.training.forecasting import Observed
from models.training.task import Walk

STEP_ROWS = 1024
HEADER = ("cell, hidden units", "parameters", "bytes a series", "µs a step", *(f"CRPS, h = {h}" for h in HORIZONS))
Forecasts = Iterable[tuple[Observed, StudentT]]  # window by window


@torch.inference_mode()
def experts_row(lectures: Lectures) -> list[str]:
    """The experts alone."""
    found = ratios(_of_experts(walk) for walk in lectures.held_out())
    return ["experts alone", "0", "", "", *(f"{ratio:.4f}" for ratio in found)]


def task_row(name: str, hidden: int, lectures: Lectures, clock: Clock) -> list[str]:
    """A cell, taught from every seed of the plan."""
    networks = [lectures.taught(name, hidden, seed) for seed in range(lectures.plan.seeds)]
    with torch.inference_mode():
        found = [ratios(_of_network(network, walk) for walk in lectures.held_out()) for network in networks]
        cell, x = networks[0].cell, torch.randn(STEP_ROWS, FEATURES)
        rate = clock.rate(STEP_ROWS, partial(cell.step, x, cell.initial_state(STEP_ROWS)))
    return [
        f"{name}, {hidden}",
        f"{parameter_count(networks[0]):,}",
        f"{4 * state_floats(cell):,}",
        f"{1e6 / rate:.2f}",
        *(_spread(of_horizon) for of_horizon in zip(*found, strict=True)),
    ]


def ratios(walks: Iterable[Forecasts]) -> list[float]:
    """CRPS over that of the last value, of the median series. -> one for each horizon."""
    tail, of_walks = StudentTail(), []
    for forecasts in walks:
        score = reference = torch.zeros(())
        for seen, (location, log_scale, freedom) in forecasts:
            spread = torch.exp(log_scale)
            spread[..., 0] *= seen.widening.unsqueeze(-1)
            error = seen.target - location
            p = 10.0 ** -tail(error / spread, freedom).double()
            counts = seen.weight > 0
            score = score + (crps(error.double(), spread.double(), freedom.double(), p) * counts).sum(0)
            reference = reference + (seen.target.double().abs() * counts).sum(0)
        ratio = (score / reference).flatten(0, 1)  # (B C, K)
        of_walks.append(ratio.masked_fill(reference.flatten(0, 1) == 0, torch.nan))
    median: list[float] = torch.cat(of_walks).nanquantile(0.5, dim=0).tolist()
    return median


def _of_network(network: Network, walk: Walk[Observed]) -> Iterator[tuple[Observed, StudentT]]:
    state: dict[str, Tensor] = {}
    for seen in walk:
        _, rows, channels, _ = seen.features.shape
        state = state or {n: torch.zeros(rows, *shape) for n, shape in network.state_shapes(channels).items()}
        hidden, state = network.scan(seen.features, state, seen.steps, seen.is_seen)
        yield seen, network.forecast(hidden, seen.sighted)


def _of_experts(walk: Walk[Observed]) -> Iterator[tuple[Observed, StudentT]]:
    for seen in walk:
        yield seen, seen.sighted.together()


def _spread(figures: Sequence[float]) -> str:
    """Mean, least and most of the seeds'."""
    return f"{sum(figures) / len(figures):.4f} ({min(figures):.4f} to {max(figures):.4f})"
