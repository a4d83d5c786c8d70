"""A kernel on trial: it is compiled aside, and taken once it has had the same bits as the step many times."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor
from torch._C import Graph

from streamer.native.columns import PROBE_ROWS, Unreadable
from streamer.native.kernel import Kernel
from streamer.recording import Operations, traced

log = logging.getLogger("streamer")
_ASIDE = ThreadPoolExecutor(1, "kernels")  # compiling leaves the interpreter to others for nearly all the time


class Candidate:
    """What may become the step: a kernel that is compiled, tried, taken or given up."""

    def __init__(self, graph: Graph, are_rows: Sequence[bool], trials: int) -> None:
        """graph: a recording on `PROBE_ROWS` rows, are_rows: which inputs have them, trials: compared steps."""
        self._began = time.monotonic()
        self._kernel: Future[Kernel] = _ASIDE.submit(Kernel, graph, are_rows)
        self._left = trials
        self._is_given_up = False

    @staticmethod
    def of(step: Operations, inputs: Sequence[Tensor], are_rows: Sequence[bool], trials: int) -> "Candidate":
        """For inputs such as these, any number of rows.

        Raises:
            ValueError: the step does one thing or another by a value, which no recording could.
        """
        probes = tuple(
            given.new_zeros((PROBE_ROWS, *given.shape[1:])) if has_rows else given
            for given, has_rows in zip(inputs, are_rows, strict=True)
        )
        step(*probes)  # what is made once and kept is made now, and no part of the recording
        return Candidate(traced(step, probes).graph, are_rows, trials)

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


class Candidates:
    """Those of one step, by the kind of its inputs; each begins when its kind has come often."""

    def __init__(self) -> None:
        self._came: Counter[Hashable] = Counter()
        self._by_kind: dict[Hashable, Candidate] = {}

    def of(self, kind: Hashable, patience: int, begin: Callable[[], Candidate]) -> Candidate | None:
        """That of a kind, or None before the kind came for the ``patience``-th time."""
        candidate = self._by_kind.get(kind)
        if candidate is None:
            self._came[kind] += 1
            if self._came[kind] >= patience:
                candidate = self._by_kind[kind] = begin()
        return candidate

    @property
    def are_all_taken(self) -> bool:
        """Whether there is machine code for every kind that ever came."""
        return bool(self._by_kind) and all(
            kind in self._by_kind and self._by_kind[kind].is_taken for kind in self._came
        )

    def wait(self) -> None:
        """Until each that has begun is compiled, or known not to be."""
        for candidate in self._by_kind.values():
            candidate.wait()


def has_the_bits(ours: Tensor, theirs: Tensor) -> bool:
    """Whether two tensors are equal to the bit, where any nan is like any other."""
    if ours.shape != theirs.shape or not theirs.dtype.is_floating_point:
        return torch.equal(ours, theirs)
    whole = {2: torch.int16, 4: torch.int32, 8: torch.int64}[theirs.itemsize]
    are_equal = ours.contiguous().view(whole) == theirs.contiguous().view(whole)
    return bool((are_equal | (ours.isnan() & theirs.isnan())).all())
