"""The step of a detector from packed rows to packed rows; a shape that keeps coming is recorded, and replayed."""

import warnings
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor
from torch._C import (
    Graph,
    _jit_pass_constant_propagation,
    _jit_pass_cse,
    _jit_pass_dce,
    _jit_pass_peephole,
)
from torch.jit import TracerWarning, optimized_execution, trace  # type: ignore[attr-defined]  # exported in silence

from models.calibration.pool import Pool, Standard
from models.context import Context
from models.detector import Detector
from models.outcome import Outcome
from streamer.layout import Layout

OFTEN = 64  # steps of one shape after which it is recorded: a recording costs about what it then saves in as many
BY_A_SHAPE = ("Using len", "Iterating over")  # how the tracer warns of what would differ for another shape alone
WITH_A_NUMBER = frozenset(
    f"aten::{name}" for name in ("mul", "add", "sub", "rsub", "div", "gt", "ge", "lt", "le", "eq")
)  # what may meet a tensor with a number, which it then converts

Operations = Callable[..., tuple[Tensor, ...]]  # tensors to tensors
Shape = tuple[tuple[str, ...], tuple[torch.Size, ...]]  # what a context tells, and the shapes of all tensors


class Step:
    """Judges and learns one reading a row.

    A step is more than a thousand operations on small tensors, and the Python between them takes longer than many of
    them do. A recording has the same operations in the same order without it, and so the same bits; of two that are the
    same it has one, and of what a shape decides nothing is left.
    """

    def __init__(self, detector: Detector, often: int = OFTEN) -> None:
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
        if self._came[shape] >= self._often:
            self._recordings[shape] = recorded(plain, inputs)
        return plain

    def _plain(self, told: tuple[str, ...], *inputs: Tensor) -> tuple[Tensor, ...]:
        """The step as the detector has it."""
        count = self._layout.count
        values, present, table, lines, *rest = inputs[count:]
        context = Context(**dict(zip(told, rest, strict=True)))
        state = self._layout.columns(inputs[:count])
        outcome, after = self._detector.step(values, present, context, state, Standard(table, lines))
        return *self._layout.stretches(after), *outcome


def recorded(operations: Operations, inputs: tuple[Tensor, ...]) -> Operations:
    """The same operations on tensors of the same shapes, without the Python that called them (decision 26).

    Raises:
        ValueError: what is done depends on a value, and not on shapes alone.
    """
    with warnings.catch_warnings(record=True) as said, optimized_execution(False):
        warnings.simplefilter("always")
        recording = trace(operations, inputs, check_trace=False)
    by_a_value = [
        warning
        for warning in said
        if issubclass(warning.category, TracerWarning) and not str(warning.message).startswith(BY_A_SHAPE)
    ]
    if by_a_value:
        where, why = f"{by_a_value[0].filename}:{by_a_value[0].lineno}", by_a_value[0].message
        raise ValueError(f"{where}: Expected a step that does the same whatever the values, got: {why}")
    _fold(recording.graph)

    def replay(*inputs: Tensor) -> tuple[Tensor, ...]:
        with optimized_execution(False):  # an optimiser would make other operations of them
            outputs: tuple[Tensor, ...] = recording(*inputs)
        return outputs

    return replay


def _fold(graph: Graph) -> None:
    """Make constants of sizes and of what follows from them, and one of operations that are the same, in place.

    These are single passes of the optimiser that is off, which touch no arithmetic.
    """
    _jit_pass_peephole(graph)
    _jit_pass_constant_propagation(graph)
    _convert_numbers(graph)
    _jit_pass_cse(graph)
    _jit_pass_dce(graph)


def _convert_numbers(graph: Graph) -> None:
    """Make the numbers that single precision meets single ones, in place: each operation would convert them anew."""
    for node in graph.nodes():
        if node.kind() not in WITH_A_NUMBER:
            continue
        tensor, number = (node.inputsAt(place) for place in range(2))
        is_single = tensor.type().kind() == "TensorType" and tensor.type().scalarType() == "Float"
        if is_single and isinstance(number.toIValue(), int | float):
            single = torch.tensor(number.toIValue(), dtype=torch.float32)
            constant = graph.create("prim::Constant", [], 1).t_("value", single).insertBefore(node).output()
            constant.inferTypeFrom(single)
            node.replaceInput(1, constant)
