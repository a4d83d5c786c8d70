"""How the gradient of a plain recurrent network grows or fades with the lag: by slope times spectral radius."""

import math
from statistics import fmean

import msgspec
import torch
from torch import Generator, Tensor

from docs.gradients.chart import Axis, Line, Panel, draw
from docs.gradients.tables import number, table
from models.cells.rnn import RNN, Activation

HIDDEN, ROWS, LAGS, WARM_UP = 128, 32, 100, 50
FIRST, LAST = 10, 80  # lags between which the factor is taken: past the first turns, before float64 ends


class Case(msgspec.Struct, frozen=True):
    """An activation, a spectral radius of the recurrent matrix, and the size of the input, which saturates."""

    activation: Activation
    radius: float
    input_size: float = 0.01

    @property
    def name(self) -> str:
        """For legends."""
        return f"{self.activation}, radius {self.radius:g}{', large input' if self.input_size > 1 else ''}"


CASES = (
    *(Case("tanh", 0.9), Case("relu", 1.27), Case("sigmoid", 3.6)),  # three radii, one product
    *(Case("relu", 1.5), Case("tanh", 1.5), Case("tanh", 1.5, 3.0), Case("sigmoid", 1.5)),  # one radius
    *(Case("relu", 1.7), Case("relu", 2.0), Case("tanh", 3.0, 3.0)),  # above one
)


class Growth(msgspec.Struct, frozen=True):
    """What was measured in one case; one number a seed."""

    case: Case
    slope: list[float]  # root mean square of the activation's slope, on the way
    factor: list[float]  # by which the norm of the gradient changes in one step of lag
    norms: list[float]  # by lag from 0, the mean over the seeds in the logarithm


def measure(seeds: range) -> list[Growth]:
    """Follow a gradient back from the last step, in each case."""
    found = []
    for case in CASES:
        slopes, curves = zip(*(follow(case, seed) for seed in seeds), strict=True)
        factors = [math.exp(math.log(float(norm[LAST] / norm[FIRST])) / (LAST - FIRST)) for norm in curves]
        norms = torch.stack(curves).log().mean(0).exp()
        found.append(Growth(case, list(slopes), factors, norms.tolist()))
    return found


def follow(case: Case, seed: int) -> tuple[float, Tensor]:
    """Step a drawn network through noise. -> its slope, the norm of a unit gradient by lag (LAGS + 1,)."""
    generator = Generator().manual_seed(seed)
    cell = drawn(case, generator)
    state, states = cell.initial_state(ROWS), []
    for x in torch.randn(WARM_UP + LAGS + 1, ROWS, 1, dtype=torch.float64, generator=generator):
        _, state = cell.step(x, state)
        state["hidden"].retain_grad()
        states.append(state["hidden"])
    direction = torch.randn(ROWS, HIDDEN, dtype=torch.float64, generator=generator)
    (states[-1] * direction / direction.norm(dim=-1, keepdim=True)).sum().backward()
    norms = torch.stack([h.grad.norm(dim=-1) for h in reversed(states[WARM_UP:]) if h.grad is not None])
    slope = slopes(case.activation, torch.stack(states[WARM_UP:]).detach())
    return float(slope.pow(2).mean().sqrt()), norms.log().mean(-1).exp()


def drawn(case: Case, generator: Generator) -> RNN:
    """A network with a Gaussian recurrent matrix of this spectral radius, resting where its activation is steepest."""
    cell = RNN(1, HIDDEN, activation=case.activation).double()
    recurrent = torch.randn(HIDDEN, HIDDEN, dtype=torch.float64, generator=generator)
    recurrent *= case.radius / torch.linalg.eigvals(recurrent).abs().max()
    with torch.no_grad():
        cell.recurrent.weight.copy_(recurrent)
        cell.recurrent.bias.copy_(-recurrent.sum(0) / 2 if case.activation == "sigmoid" else torch.zeros(HIDDEN))
        cell.input.weight.copy_(case.input_size * torch.randn(1, HIDDEN, dtype=torch.float64, generator=generator))
        cell.input.bias.zero_()
    return cell


def slopes(activation: Activation, h: Tensor) -> Tensor:
    """The slope of the activation by its value. (...) -> (...)."""
    return {"tanh": 1 - h**2, "sigmoid": h * (1 - h), "relu": (h > 0).double()}[activation]


def growth_table(rows: list[Growth]) -> str:
    """Slope, radius, their product and the factor, the mean over the seeds; and what is left at the last lag."""
    body = []
    for row in rows:
        slope = fmean(row.slope)
        numbers = (row.case.radius, slope, row.case.radius * slope, fmean(row.factor), row.norms[-1])
        body.append([row.case.activation, number(row.case.input_size), *map(number, numbers)])
    header = ["activation", "input", "radius", "slope", "product", "factor a step", f"norm at lag {LAGS}"]
    return table(header, body)


def growth_chart(rows: list[Growth]) -> str:
    """The norm over the lag; and the factor over the product, which it follows, and over the radius alone."""
    lag = Axis("lag, steps", (0, 25, 50, 75, 100))
    norm = Axis("norm of the gradient", (1e-20, 1e-10, 1, 1e10, 1e20), is_logarithmic=True)
    curves = [Line(row.case.name, range(len(row.norms)), row.norms) for row in rows]
    points = [(row.case.radius * fmean(row.slope), row.case.radius, fmean(row.factor)) for row in rows]
    by_product, by_radius = sorted(points), sorted(points, key=lambda point: point[1:])
    factors = [
        Line("over slope times radius", [point[0] for point in by_product], [point[2] for point in by_product]),
        Line("over the radius alone", [point[1] for point in by_radius], [point[2] for point in by_radius]),
        Line("factor = product", (0, 2), (0, 2)),
    ]
    across = Axis("slope times radius, or the radius alone", (0, 1, 2, 3, 4))
    factor = Axis("factor a step of lag", (0, 0.5, 1, 1.5, 2))
    panels = [
        Panel("What is left of a gradient", lag, norm, curves),
        Panel("It is the product", across, factor, factors),
    ]
    return draw("Norm of a gradient over the lag, and its factor a step over slope times spectral radius", panels)
