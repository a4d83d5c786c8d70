"""The step of a detector from packed rows to packed rows; a shape that keeps coming is recorded, and replayed."""

from collections import Counter

import torch
from torch import Tensor

from models.calibration.pool import Pool, Standard
from models.context import Context
from models.detector import Detector
from models.outcome import Outcome
from streamer.cuda_graph import captured
from streamer.layout import Layout
from streamer.recording import Operations, recorded

OFTEN = {"cpu": 64, "cuda": 3}  # steps of one shape, then it is recorded: that costs what it saves in as many
RECORDERS = {"cpu": recorded, "cuda": captured}
Shape = tuple[tuple[str, ...], tuple[torch.Size, ...]]  # what a context tells, and the shapes of all tensors


class Step:
    """Judges and learns one reading a row.

    A step is more than a thousand operations on small tensors, and the Python between them takes longer than many of
    them do. A recording has the same operations in the same order without it, and so the same bits. ``often`` is for
    tests: how many steps of a shape there are before it is recorded, where it is not for the device to say.
    """

    def __init__(self, detector: Detector, often: int | None = None) -> None:
        self._detector = detector
        self._layout = Layout(detector.columns)
        self._often = often
        self._came: Counter[Shape] = Counter()
        self._recordings: dict[Shape, Operations] = {}

    def __call__(
        self, block: Tensor, values: Tensor, present: Tensor, context: Context, pool: Pool
    ) -> tuple[Outcome, Tensor]:
        """block: (B, words) of state, values: (B, C) float64, present: (B, C) -> outcome, the block after it.

        Raises:
            ValueError: the detector does one thing or another by a value, which no recording could.
        """
        told = {name: column for name, column in context._asdict().items() if column is not None}
        inputs = (*self._layout.cut(block), values, present, pool.table, pool.lines, *told.values())
        outputs = self._operations((tuple(told), tuple(column.shape for column in inputs)), inputs)(*inputs)
        count = self._layout.count
        return Outcome(*outputs[count:]), self._layout.paste(outputs[:count])

    def _operations(self, shape: Shape, inputs: tuple[Tensor, ...]) -> Operations:
        """What turns inputs of a shape into outputs."""
        recording = self._recordings.get(shape)
        if recording is not None:
            return recording

        def plain(*inputs: Tensor) -> tuple[Tensor, ...]:
            return self._plain(shape[0], *inputs)

        self._came[shape] += 1
        device = inputs[0].device.type
        if self._came[shape] >= (self._often or OFTEN[device]):
            self._recordings[shape] = RECORDERS[device](plain, inputs)
        return plain

    def _plain(self, told: tuple[str, ...], *inputs: Tensor) -> tuple[Tensor, ...]:
        """The step as the detector has it."""
        count = self._layout.count
        values, present, table, lines, *rest = inputs[count:]
        context = Context(**dict(zip(told, rest, strict=True)))
        state = self._layout.columns(inputs[:count])
        outcome, after = self._detector.step(values, present, context, state, Standard(table, lines))
        return *self._layout.stretches(after), *outcome
