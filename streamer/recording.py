"""Recordings: the same operations in the same order, without the Python that called them (decision 26)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C import (
    Graph,
    _jit_pass_constant_propagation,
    _jit_pass_cse,
    _jit_pass_dce,
    _jit_pass_peephole,
)
from torch.jit import ScriptFunction, TracerWarning, optimized_execution, trace  # type: ignore[attr-defined]  # exported in silence

BY_A_SHAPE = ("Using len", "Iterating over")  # how the tracer warns of what would differ for another shape alone
WITH_A_NUMBER = frozenset(
    f"aten::{name}" for name in ("mul", "add", "sub", "rsub", "div", "gt", "ge", "lt", "le", "eq")
)  # what may meet a tensor with a number, which it then converts

Operations = Callable[..., tuple[Tensor, ...]]  # tensors to tensors


def recorded(operations: Operations, inputs: tuple[Tensor, ...]) -> Operations:
    """The same operations on tensors of the same shapes, without Python.

    Raises:
        ValueError: what is done depends on a value, and not on shapes alone.
    """
    recording = traced(operations, inputs)

    def replay(*inputs: Tensor) -> tuple[Tensor, ...]:
        with optimized_execution(False):  # an optimiser would make other operations of them
            outputs: tuple[Tensor, ...] = recording(*inputs)
        return outputs

    return replay


def traced(operations: Operations, inputs: tuple[Tensor, ...]) -> ScriptFunction[Any, tuple[Tensor, ...]]:
    """The operations on tensors of these shapes, written down.

    Raises:
        ValueError: what is done depends on a value, and not on shapes alone.
    """
    with warnings.catch_warnings(record=True) as said, optimized_execution(False):
        warnings.simplefilter("always")
        recording: ScriptFunction[Any, tuple[Tensor, ...]] = trace(operations, inputs, check_trace=False)
    by_a_value = [
        warning
        for warning in said
        if issubclass(warning.category, TracerWarning) and not str(warning.message).startswith(BY_A_SHAPE)
    ]
    if by_a_value:
        where, why = f"{by_a_value[0].filename}:{by_a_value[0].lineno}", by_a_value[0].message
        raise ValueError(f"{where}: Expected a step that does the same whatever the values, got: {why}")
    _fold(recording.graph)
    return recording


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
