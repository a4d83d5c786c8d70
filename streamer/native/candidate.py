"""A kernel on trial: it is compiled aside, and taken once it has had the same bits as the step many times."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor
from torch._C import Graph

from streamer.native.columns import Unreadable
from streamer.native.kernel import Kernel

log = logging.getLogger("streamer")
_ASIDE = ThreadPoolExecutor(1, "kernels")  # compiling leaves the interpreter to others for nearly all the time


class Candidate:
    """What may become the step: a kernel that is compiled, tried, taken or given up."""

    def __init__(self, graph: Graph, are_rows: Sequence[bool], trials: int) -> None:
        """graph: a recording on `PROBE_ROWS` rows, trials: steps that it is compared on."""
        self._began = time.monotonic()
        self._kernel: Future[Kernel] = _ASIDE.submit(Kernel, graph, are_rows)
        self._left = trials
        self._is_given_up = False

    @property
    def is_taken(self) -> bool:
        """Whether it had the same bits in every trial."""
        return not self._left and not self._is_given_up

    def __call__(self, *inputs: Tensor, into: Sequence[Tensor] = ()) -> tuple[Tensor, ...]:
        """What the recording yields, by the kernel; the first of it in tensors that are given."""
        return self._kernel.result()(*inputs, into=into)

    def wait(self) -> None:
        """Until it is compiled, or known that it cannot be."""
        self._kernel.exception()

    def try_on(self, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
        """Compare the kernel on the inputs of one step with what came of them, if it is compiled by now."""
        if self._is_given_up or not self._kernel.done():
            return
        error = self._kernel.exception()
        if isinstance(error, Unreadable):
            self._give_up(f"no machine code for this step, which goes on as its recording: {error}", logging.INFO)
        elif error is not None:  # ours or the compiler's: nobody is to be left without scores for it
            self._give_up(f"a step could not be compiled, and goes on as its recording: {error!r}", logging.WARNING)
        elif not all(map(has_the_bits, self(*inputs), outputs)):
            self._give_up("machine code of a step has other bits than the step, and is left alone", logging.WARNING)
        else:
            self._left -= 1
            if not self._left:
                log.info("a step is machine code now, %.1f s after it was begun", time.monotonic() - self._began)

    def _give_up(self, why: str, level: int) -> None:
        self._is_given_up = True
        log.log(level, "%s", why)


def has_the_bits(ours: Tensor, theirs: Tensor) -> bool:
    """Whether two tensors are equal to the bit, where any nan is like any other."""
    if ours.shape != theirs.shape or not theirs.dtype.is_floating_point:
        return torch.equal(ours, theirs)
    whole = {2: torch.int16, 4: torch.int32, 8: torch.int64}[theirs.itemsize]
    are_equal = ours.contiguous().view(whole) == theirs.contiguous().view(whole)
    return bool((are_equal | (ours.isnan() & theirs.isnan())).all())
