"""A step of a benchmark as machine code, as a daemon has it: the same bits in a fraction of the time."""

from collections.abc import Callable

from torch import Tensor

from models.column import State
from models.training.forecasting import Reading
from streamer.native.columns import PROBE_ROWS, Unreadable
from streamer.native.kernel import Kernel
from streamer.recording import traced

Step = Callable[[Reading, State], tuple[tuple[Tensor, ...], State]]  # -> what is told of it, the state after


def quickened(step: Step, rows: tuple[Reading, State]) -> Step:
    """The step as machine code, or as it is where there is none for it (decision 39).

    rows: a reading and a state of any number of rows, of which the names and shapes alone count.
    """
    reading, before = rows
    names = tuple(before)

    def plain(*columns: Tensor) -> tuple[Tensor, ...]:
        inputs, state = Reading(*columns[: len(reading)]), dict(zip(names, columns[len(reading) :], strict=True))
        told, after = step(inputs, state)
        return *(after[name] for name in names), *told

    columns = (*reading, *before.values())
    probes = tuple(column.new_zeros((PROBE_ROWS, *column.shape[1:])) for column in columns)
    plain(*probes)  # what is made once and kept is made now, and no part of the recording
    try:
        kernel = Kernel(traced(plain, probes).graph, [True] * len(columns))
    except Unreadable:
        return step

    def quick(reading: Reading, state: State) -> tuple[tuple[Tensor, ...], State]:
        outputs = kernel(*reading, *(state[name] for name in names))
        return outputs[len(names) :], dict(zip(names, outputs, strict=False))

    return quick
