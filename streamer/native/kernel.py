"""A kernel: a recorded step as machine code for any number of rows."""

import ctypes
from collections.abc import Sequence

import llvmlite.binding as llvm
import numpy as np
import torch
from torch import _C, Tensor
from torch._C import Graph

from models.cells.tiles import TILE_ROWS
from streamer.native.assembly import symbols
from streamer.native.columns import Unreadable
from streamer.native.plan import Plan, Source
from streamer.native.reader import read
from streamer.native.vectors import BYTES, CAPABILITIES, LANES
from streamer.native.writer import written


def linked() -> ctypes.CDLL:
    """Torch's library, whose functions the code calls.

    Raises:
        Unreadable: torch is not made for what this writes code for.
    """
    capability = torch.backends.cpu.get_cpu_capability()
    if capability not in CAPABILITIES:
        raise Unreadable(f"torch computes with {capability}, expected {' or '.join(CAPABILITIES)}")
    library = ctypes.CDLL(_C.__file__)
    try:
        for name in symbols():
            llvm.add_symbol(name, ctypes.cast(getattr(library, name), ctypes.c_void_p).value)
    except AttributeError as error:
        raise Unreadable(f"torch lacks a function: {error}") from error
    return library


class Kernel:
    """A step on tensors: what its recording yields, bit for bit."""

    def __init__(self, graph: Graph, are_rows: Sequence[bool]) -> None:
        """graph: a recording on `PROBE_ROWS` rows, are_rows: which of its inputs have rows.

        Raises:
            Unreadable: it does what has no machine code, or this machine has none.
        """
        self._library = linked()
        step = read(graph, are_rows)
        self._outputs, self._products, self._tables = step.outputs, step.program.products, step.program.tables
        self._plan = Plan(step)
        self._sources = self._all_sources(len(are_rows))
        self._engine = _compiled(written(self._plan, self._sources))
        signature = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * 4)
        self._stages = [
            signature(self._engine.get_function_address(f"stage{number}")) for number in range(len(self._plan.stages))
        ]

    def _all_sources(self, inputs: int) -> list[Source]:
        return [
            *(("input", number) for number in range(inputs)),
            *(("table", number) for number in range(len(self._tables))),
            *(("given", number) for number in range(len(self._products))),
            *(("product", number) for number in range(len(self._products))),
            *(("output", number) for number in range(len(self._outputs))),
        ]

    def __call__(self, *inputs: Tensor, into: Sequence[Tensor] = ()) -> tuple[Tensor, ...]:
        """The inputs of the recording with any number of rows that whole tiles have -> its outputs.

        into: tensors that the first outputs are written to, (B, N) with the numbers of a row side by side.
        """
        rows = len(inputs[0])
        inputs = tuple(map(_in_rows, inputs))
        outputs = (*into, *(columns.made(rows) for columns in self._outputs[len(into) :]))
        givens = [torch.empty((rows * len(given), given.shape[1])) for given, *_ in self._products]
        products = [
            torch.empty((len(given) // TILE_ROWS, TILE_ROWS, len(product.bias)))
            for given, product in zip(givens, self._products, strict=True)
        ]
        tensors = (*inputs, *self._tables, *givens, *products, *outputs)
        addresses = np.array([tensor.data_ptr() for tensor in tensors], dtype=np.int64)
        strides = np.array([_row_bytes(tensor, rows) for tensor in tensors], dtype=np.int64)
        kept = torch.empty(self._plan.kept_bytes * rows // LANES + BYTES, dtype=torch.uint8)
        aside = torch.empty(self._plan.aside_bytes + BYTES, dtype=torch.uint8)
        for number, stage in enumerate(self._stages):
            if number:
                self._multiply(number - 1, givens, products)
            stage(rows, addresses.ctypes.data, strides.ctypes.data, kept.data_ptr(), aside.data_ptr())
        return outputs

    def _multiply(self, stage: int, givens: Sequence[Tensor], products: Sequence[Tensor]) -> None:
        """The matrix products that wait for a stage."""
        for product, given, result in zip(self._products, givens, products, strict=True):
            if product.stage == stage:
                tiles = given.view(len(result), TILE_ROWS, -1)
                weight, bias = product.weight.expand(len(result), -1, -1), product.bias.expand(*result.shape)
                torch.baddbmm(bias, tiles, weight, out=result)


def _in_rows(tensor: Tensor) -> Tensor:
    """The tensor with the numbers of a row side by side."""
    if tensor.dim() < 2 or (tensor.dim() == 2 and tensor.stride(1) == 1):
        return tensor
    return tensor.contiguous()


def _row_bytes(tensor: Tensor, rows: int) -> int:
    """From one row to the next; the rows of what is not in one piece lie along its first axis."""
    numbers = tensor.numel() // rows if tensor.is_contiguous() else tensor.stride(0)
    return numbers * tensor.element_size()


def _compiled(assembly: str) -> llvm.ExecutionEngine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(assembly)
    module.verify()
    features = llvm.get_host_cpu_features().flatten()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=1
    )
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine
