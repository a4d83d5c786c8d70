"""The step of a detector from packed rows to packed rows: what keeps coming is recorded, and then compiled."""

from collections import Counter
from typing import NamedTuple

import torch
from torch import Tensor

from models.calibration.pool import Pool, Standard
from models.cells import padded_rows, whole_tiles
from models.context import Context
from models.detector import Detector
from models.outcome import Outcome
from streamer.cuda_graph import captured
from streamer.layout import Layout
from streamer.native.candidate import Candidate, Candidates
from streamer.recording import Operations, recorded

NEVER = 1 << 62
RECORDERS = {"cpu": recorded, "cuda": captured}
Shape = tuple[tuple[str, ...], tuple[torch.Size, ...]]  # what a context tells, and the shapes of all tensors


class Patience(NamedTuple):
    """After how many steps a faster form is made: one that costs what it saves in as many."""

    recorded: int  # of one shape
    compiled: int = NEVER  # of one kind, whatever their rows
    trials: int = 0  # in which the machine code is compared with the step


PATIENCE = {"cpu": Patience(64, compiled=500, trials=64), "cuda": Patience(3)}


class Step:
    """Judges and learns one reading a row.

    A step is more than a thousand operations on small tensors, and the Python between them takes longer than many of
    them do. A recording has the same operations in the same order without it, machine code computes them for eight
    rows at a time: both have the same bits.
    """

    def __init__(self, detector: Detector, patience: Patience | None = None) -> None:
        """patience: for tests and benchmarks; else it is the device's."""
        self.detector = detector
        self._layout = Layout(detector.columns)
        self._said = Layout(Outcome.columns(len(detector.options.transforms)))
        self._patience = patience
        self._came: Counter[Shape] = Counter()
        self._recordings: dict[Shape, Operations] = {}
        self._candidates = Candidates()

    def __call__(
        self, block: Tensor, values: Tensor, present: Tensor, context: Context, pool: Pool
    ) -> tuple[Outcome, Tensor]:
        """block: (B, words) of state, values: (B, C) float64, present: (B, C) -> outcome, the block after it.

        Raises:
            ValueError: the detector does one thing or another by a value, which no recording could.
        """
        said, after = self.packed(block, values, present, context, pool)
        return self.outcome(said), after

    def outcome(self, said: Tensor) -> Outcome:
        """What was said, where it lies. said: (B, words)."""
        return Outcome(**self._said.views(said))

    def has_opened(self, said: Tensor) -> bool:
        """Whether any alarm opened with what was said."""
        return bool(self._said.view(said, "opened").any())

    def packed(
        self, block: Tensor, values: Tensor, present: Tensor, context: Context, pool: Pool
    ) -> tuple[Tensor, Tensor]:
        """The same as a block, too, for whoever joins those of many steps: `outcome` tells what it says."""
        told = {name: column for name, column in context._asdict().items() if column is not None}
        inputs = (*self._layout.cut(block), values, present, pool.table, pool.lines, *told.values())
        count, candidate = self._layout.count, self._candidate(tuple(told), inputs)
        if candidate is not None and candidate.is_taken:
            said, after = self._said.empty(len(block)), self._layout.blank(len(block))
            candidate(*inputs, into=(*self._layout.cut(after), *self._said.cut(said)))
            return said, after
        outputs = self._operations((tuple(told), tuple(column.shape for column in inputs)), inputs)(*inputs)
        if candidate is not None:
            candidate.try_on(inputs, outputs)
        return self._said.paste(outputs[count:]), self._layout.paste(outputs[:count])

    def padded_rows(self, rows: int) -> int:
        """How many rows to fill up to: for recordings, which are of a shape, a size of the ladder, else whole tiles."""
        return whole_tiles(rows) if self._candidates.are_all_taken else padded_rows(rows)

    def settle(self) -> None:
        """Wait until what is being compiled is."""
        self._candidates.wait()

    def _candidate(self, told: tuple[str, ...], inputs: tuple[Tensor, ...]) -> Candidate | None:
        """What may be machine code for inputs of a kind, once that has come often."""
        values, _, table, lines, *rest = inputs[self._layout.count :]
        if len(lines) > 1:  # which of several pools is a row's is said by its place, as in benchmarks alone
            return None
        patience = self._patience or PATIENCE[values.device.type]

        def begin() -> Candidate:
            are_rows = [column is not table and column is not lines for column in inputs]
            return Candidate.of(lambda *probes: self._plain(told, *probes), inputs, are_rows, patience.trials)

        kind = told, values.shape[1:], table.shape, *(column.shape[1:] for column in rest)
        return self._candidates.of(kind, patience.compiled, begin)

    def _operations(self, shape: Shape, inputs: tuple[Tensor, ...]) -> Operations:
        """What turns inputs of a shape into outputs, one operation after the other."""
        recording = self._recordings.get(shape)
        if recording is not None:
            return recording

        def plain(*inputs: Tensor) -> tuple[Tensor, ...]:
            return self._plain(shape[0], *inputs)

        self._came[shape] += 1
        device = inputs[0].device.type
        if self._came[shape] >= (self._patience or PATIENCE[device]).recorded:
            self._recordings[shape] = RECORDERS[device](plain, inputs)
        return plain

    def _plain(self, told: tuple[str, ...], *inputs: Tensor) -> tuple[Tensor, ...]:
        """The step as the detector has it."""
        count = self._layout.count
        values, present, table, lines, *rest = inputs[count:]
        context = Context(**dict(zip(told, rest, strict=True)))
        state = self._layout.columns(inputs[:count])
        outcome, after = self.detector.step(values, present, context, state, Standard(table, lines))
        return *self._layout.stretches(after), *self._said.stretches(outcome._asdict())
