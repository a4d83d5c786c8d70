"""A recording, read: what it computes for one row."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch._C import Graph, Node
from torch._C import Value as Named

from streamer.native import arithmetic, bounds, functions, gathering, moving, summing
from streamer.native.call import DTYPES, OPERATIONS, Call, Program
from streamer.native.code import TYPES, Code
from streamer.native.columns import Columns, Table, Unreadable

READ = (arithmetic, bounds, functions, gathering, moving, summing)  # importing them says what can be read
MOST_SCALARS = 64  # that all rows have; more are looked up in


class Computation(NamedTuple):
    """A recording that was read."""

    program: Program
    outputs: list[Columns]


def read(graph: Graph, are_rows: Sequence[bool]) -> Computation:
    """What a recording on `PROBE_ROWS` rows computes. are_rows: which of its inputs have rows; the others all share.

    Raises:
        Unreadable: it does what has no machine code.
    """
    program = Program(Code(), [], [])
    known: dict[str, Any] = {}
    for number, (name, has_rows) in enumerate(zip(graph.inputs(), are_rows, strict=True)):
        known[name.debugName()] = _input(program.code, number, name, has_rows)
    for node in graph.nodes():
        _read(program, node, known)
    (result,) = graph.outputs()
    outputs = [Call(program, torch.float32, ()).columns(one) for one in known[result.debugName()]]
    if any(one.axis != 0 for one in outputs):
        raise Unreadable("a result whose rows do not lie along its first axis")
    return Computation(program, outputs)


def _input(code: Code, number: int, name: Named, has_rows: bool) -> Columns | Table:
    type_: Any = name.type()  # whose stub lacks what tensors have
    sizes, dtype = type_.sizes(), DTYPES.get(type_.scalarType())
    if dtype is None:
        raise Unreadable(f"an input of {type_.scalarType()}")
    count = math.prod(sizes[1:] if has_rows else sizes)
    if not has_rows and count > MOST_SCALARS:
        return Table(("input", number), tuple(sizes), dtype)
    places = np.empty(count, dtype=object)
    for at in range(count):
        places[at] = code.add("load" if has_rows else "scalar", TYPES[dtype], about=(("input", number), at))
    return Columns(places.reshape((1, *sizes[1:]) if has_rows else sizes), dtype, 0 if has_rows else None)


def _read(program: Program, node: Node, known: dict[str, Any]) -> None:
    """What a node yields is known from here on."""
    kind, names = node.kind(), [name.debugName() for name in node.outputs()]
    if kind == "prim::Constant":
        known[names[0]] = node.output().toIValue()
        return
    given = [known[name.debugName()] for name in node.inputs()]
    if kind in ("prim::ListConstruct", "prim::TupleConstruct"):
        known[names[0]] = given
    elif kind in ("prim::ListUnpack", "prim::TupleUnpack"):
        known.update(zip(names, given[0], strict=True))
    elif kind in ("prim::NumToTensor", "aten::Int"):
        known[names[0]] = given[0]
    else:
        yielded = _yielded(program, node, given)
        known.update(zip(names, yielded if len(names) > 1 else [yielded], strict=True))


def _yielded(program: Program, node: Node, given: Sequence[Any]) -> Any:
    name = node.kind().removeprefix("aten::")
    if name not in OPERATIONS:
        raise Unreadable(f"{name} has no machine code")
    type_: Any = next(node.outputs()).type()
    is_tensor = type_.kind() == "TensorType"
    if is_tensor and (type_.sizes() is None or type_.scalarType() not in DTYPES):
        raise Unreadable(f"{name} yields {type_}")
    sizes, dtype = (type_.sizes(), DTYPES[type_.scalarType()]) if is_tensor else ([], DTYPES["Float"])
    call = Call(program, dtype, tuple(sizes))
    yielded = OPERATIONS[name](call, *given)
    return Columns(yielded, dtype, call.axis) if isinstance(yielded, np.ndarray) else yielded
