"""A step on readings and named state, as training takes it: machine code once it has come often."""

from collections import Counter

from torch import Tensor

from models.cells.tiles import TILE_ROWS
from models.column import State
from models.training.forecasting import Reading, Step
from streamer.native.columns import PROBE_ROWS, Unreadable
from streamer.native.kernel import Kernel
from streamer.recording import traced

PATIENCE = 256  # steps, which take about as long as compiling does
Kind = tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]  # what is remembered, and what of each column a row has


class Quick:
    """The same bits as the step, in a fraction of the time (decision 39); the step as it is where it has no code."""

    def __init__(self, step: Step, patience: int = PATIENCE) -> None:
        """patience: steps of one kind, whatever their rows, after which it is compiled."""
        self._step = step
        self._patience = patience
        self._came: Counter[Kind] = Counter()
        self._codes: dict[Kind, Step] = {}

    def __call__(self, reading: Reading, state: State) -> tuple[tuple[Tensor, ...], State]:
        """A reading a row, and what is remembered of the rows -> what is told of them, and the state after."""
        if reading.values.device.type != "cpu" or len(reading.values) % TILE_ROWS:
            return self._step(reading, state)
        kind = tuple(state), tuple(column.shape[1:] for column in (*reading, *state.values()))
        code = self._codes.get(kind)
        if code is None:
            self._came[kind] += 1
            if self._came[kind] <= self._patience:
                return self._step(reading, state)
            code = self._codes[kind] = _compiled(self._step, reading, state)
        return code(reading, state)


def _compiled(step: Step, reading: Reading, before: State) -> Step:
    """The step as machine code for rows of this kind, or as it is where there is none for it."""
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

    def code(reading: Reading, state: State) -> tuple[tuple[Tensor, ...], State]:
        outputs = kernel(*reading, *(state[name] for name in names))
        return outputs[len(names) :], dict(zip(names, outputs, strict=False))

    return code
