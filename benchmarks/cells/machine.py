"""How fast a device is: the rate of a piece of work, and the two rates that bound every step."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, process_time

import torch

SIZE = {"cpu": 1024, "cuda": 8192}  # of the square matrices that are multiplied
COPIED_FLOATS = {"cpu": 1 << 24, "cuda": 1 << 28}


@dataclass(frozen=True, slots=True)
class Clock:
    """Times pieces of work on a device: the fastest of those that fit into ``seconds``, three at least.

    On the CPU it counts the time of the process, which others on the machine do not stretch.
    """

    device: torch.device
    seconds: float

    def rate(self, work: float, run: Callable[[], object], least: int = 3) -> float:
        """Work a second."""
        run()
        best, started, runs = float("inf"), perf_counter(), 0
        while runs < least or perf_counter() - started < self.seconds:
            best, runs = min(best, self._timed(run)), runs + 1
        return work / best

    def _timed(self, run: Callable[[], object]) -> float:
        started = self._now()
        run()
        return self._now() - started

    def _now(self) -> float:
        if self.device.type == "cpu":
            return process_time()
        torch.cuda.synchronize(self.device)
        return perf_counter()


@dataclass(frozen=True, slots=True)
class Peak:
    """What the device does at best, measured in this run."""

    flops: float  # a second, of a product of large float32 matrices
    bytes: float  # a second, read and written by a copy

    @staticmethod
    def of(clock: Clock) -> "Peak":
        """Measure it."""
        kind, device = clock.device.type, clock.device
        size = SIZE[kind]
        a, b = (torch.randn(size, size, device=device) for _ in range(2))
        product = torch.empty_like(a)
        source = torch.zeros(COPIED_FLOATS[kind], device=device)
        target = torch.empty_like(source)
        return Peak(
            clock.rate(2 * size**3, lambda: torch.mm(a, b, out=product)),
            clock.rate(8 * len(source), lambda: target.copy_(source)),
        )

    def share(self, rate: float, flops: float, moved_bytes: float, device: torch.device) -> float:
        """Of the rate that the work would have if only its operations took time; on a GPU, or only its bytes."""
        is_moved = device.type == "cuda"  # on one core, the products bound all but the smallest cells
        return rate * max(flops / self.flops, moved_bytes / self.bytes if is_moved else 0.0)
