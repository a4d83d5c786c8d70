"""Where the time of a batch goes: a stopwatch for its phases."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

Phase = Literal["poll", "decode", "order", "step", "deliver"]


class Phases:
    """Measures phases by a clock that is passed in, and hands every measurement on."""

    def __init__(self, clock: Callable[[], float], observe: Callable[[str, float], None]) -> None:
        self._clock = clock
        self._observe = observe

    @contextmanager
    def measure(self, phase: Phase) -> Iterator[None]:
        """Measure what happens inside the block."""
        began = self._clock()
        yield
        self._observe(phase, self._clock() - began)
