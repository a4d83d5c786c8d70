"""Steps a second of every cell, beside torch's own cells, as a share of what the device does at best."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

import results_page
import torch
from torch import Tensor, nn

from cells.machine import Clock, Peak
from models.cells import CELLS, Attention, Cell

HIDDEN = (32, 64)
INPUTS = 32


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to step, and what it must at least compute and move a row."""

    name: str
    run: Callable[[], object]
    flops: float
    moved_bytes: float

    @staticmethod
    def of(name: str, run: Callable[[], object], module: nn.Module, state_floats: int) -> "Contender":
        """Count the products of its matrices, and x read, the state read, the state written."""
        weights = sum(parameter.numel() for parameter in module.parameters() if parameter.dim() == 2)
        looked_up = 4 * module.window * module.hidden if isinstance(module, Attention) else 0
        return Contender(name, run, 2.0 * weights + looked_up, 4.0 * (INPUTS + 2 * state_floats))


def state_floats(cell: Cell) -> int:
    """Numbers that a cell keeps of a row."""
    return sum(prod(shape) for shape in cell.state_shapes.values())


def contenders(x: Tensor, hidden: int) -> Iterator[Contender]:
    """Every cell, torch's own, and a GRU in the fewest calls. x: (B, F)."""
    for name, make in CELLS.items():
        cell = make(INPUTS, hidden).to(x.device)
        _, state = cell.step(x, cell.initial_state(len(x)))
        yield Contender.of(name, partial(cell.step, x, state), cell, state_floats(cell))
    h = x.new_zeros(len(x), hidden)
    rnn, lstm = nn.RNNCell(INPUTS, hidden).to(x.device), nn.LSTMCell(INPUTS, hidden).to(x.device)
    gru, whole = nn.GRUCell(INPUTS, hidden).to(x.device), nn.GRU(INPUTS, hidden).to(x.device)
    yield Contender.of("torch's RNNCell", partial(rnn, x, h), rnn, hidden)
    yield Contender.of("torch's LSTMCell", partial(lstm, x, (h, h)), lstm, 2 * hidden)
    yield Contender.of("torch's GRUCell", partial(gru, x, h), gru, hidden)
    yield Contender.of("GRUCell by addmm and sigmoid", partial(fused_step, gru, x, h), gru, hidden)
    yield Contender.of("torch's GRU, T = 1", partial(whole, x.unsqueeze(0), h.unsqueeze(0)), whole, hidden)


def fused_step(theirs: nn.GRUCell, x: Tensor, h: Tensor) -> Tensor:
    """The step of torch's cell in place, its tanh made of a sigmoid. x: (B, F), h: (B, H) -> (B, H)."""
    gates = 2 * h.shape[1]
    from_input = torch.addmm(theirs.bias_ih, x, theirs.weight_ih.T)
    from_hidden = torch.addmm(theirs.bias_hh, h, theirs.weight_hh.T)
    r, z = from_input[:, :gates].add_(from_hidden[:, :gates]).sigmoid_().chunk(2, dim=1)
    n = torch.addcmul(from_input[:, gates:], r, from_hidden[:, gates:]).mul_(2).sigmoid_().mul_(2).sub_(1)
    return n.lerp_(h, z)


def as_live(run: Callable[[], object], device: torch.device) -> Callable[[], object]:
    """What the daemon does with a step: on a GPU it launches all kernels of one at once."""
    if device.type == "cpu":
        return run
    run()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


@torch.inference_mode()
def step_table(batches: Sequence[int], clock: Clock, peak: Peak) -> list[str]:
    """Millions of steps a second and their share of the peak: a row a cell and size, a column a batch."""
    rows: dict[str, list[str]] = {}
    for hidden in HIDDEN:
        for batch in batches:
            x = torch.randn(batch, INPUTS, device=clock.device)
            for one in contenders(x, hidden):
                rate = clock.rate(batch, as_live(one.run, clock.device))
                row = rows.setdefault(f"{one.name}, {hidden}", [f"{one.flops:,.0f}", f"{one.moved_bytes:,.0f}"])
                share = peak.share(rate, one.flops, one.moved_bytes, clock.device)
                row.append(f"{rate / 1e6:.2f} ({share:.0%})")
    header = ["cell, hidden units", "operations", "bytes", *(f"batch {batch:,}" for batch in batches)]
    return results_page.table(header, [[name, *cells] for name, cells in rows.items()])
