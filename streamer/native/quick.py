"""A step on readings and named state, as training takes it: machine code once it has come often."""

from torch import Tensor

from models.cells.tiles import TILE_ROWS
from models.column import State
from models.training.forecasting import Reading, Step
from streamer.native.candidate import Candidate, Candidates

PATIENCE = 256  # steps of one kind, which take about as long as compiling does
TRIALS = 64  # further ones, on which the machine code is compared with the step


class Quick:
    """The same bits as the step, in a fraction of the time (decision 39); the step as it is where it has no code."""

    def __init__(self, step: Step, patience: int = PATIENCE, trials: int = TRIALS) -> None:
        """For tests: after how many steps of a kind it is compiled, and on how many it is tried."""
        self._step = step
        self._patience, self._trials = patience, trials
        self._candidates = Candidates()

    def __call__(self, reading: Reading, state: State) -> tuple[tuple[Tensor, ...], State]:
        """A reading a row, and what is remembered of the rows -> what is told of them, and the state after."""
        if reading.values.device.type != "cpu" or len(reading.values) % TILE_ROWS:
            return self._step(reading, state)
        names, inputs = tuple(state), (*reading, *state.values())
        candidate = self._candidate(reading, names, inputs)
        if candidate is not None and candidate.is_taken:
            outputs = candidate(*inputs)
            return outputs[len(names) :], dict(zip(names, outputs, strict=False))
        told, after = self._step(reading, state)
        if candidate is not None:
            candidate.try_on(inputs, (*(after[name] for name in names), *told))
        return told, after

    def _candidate(self, reading: Reading, names: tuple[str, ...], inputs: tuple[Tensor, ...]) -> Candidate | None:
        def plain(*inputs: Tensor) -> tuple[Tensor, ...]:
            read, remembered = Reading(*inputs[: len(reading)]), inputs[len(reading) :]
            told, after = self._step(read, dict(zip(names, remembered, strict=True)))
            return *(after[name] for name in names), *told

        def begin() -> Candidate:
            candidate = Candidate.of(plain, inputs, [True] * len(inputs), self._trials)
            candidate.wait()  # nobody waits for a step of training, and how often each form comes is always the same
            return candidate

        return self._candidates.of((names, *(column.shape[1:] for column in inputs)), self._patience, begin)
