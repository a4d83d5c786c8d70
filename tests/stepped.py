"""A detector's step on named columns, without the Python in between: what takes minutes as it is takes seconds."""

from functools import lru_cache

from torch import Tensor

from models.calibration.pool import Pool
from models.column import State
from models.context import Context
from models.detector import Detector
from models.outcome import Outcome
from streamer.layout import Layout
from streamer.step import Patience, Step

SOON = Patience(16, compiled=400, trials=8)


class Stepped:
    """The same bits as the detector's own (tests/streamer/test_step.py). What a test changes of a model comes first."""

    def __init__(self, detector: Detector, patience: Patience = SOON) -> None:
        self._layout, self._step = Layout(detector.columns), Step(detector, patience)

    def __call__(
        self, values: Tensor, present: Tensor, context: Context, state: State, pool: Pool
    ) -> tuple[Outcome, dict[str, Tensor]]:
        outcome, after = self._step(self._layout.pack(state), values, present, context, pool)
        return outcome, self._layout.views(after)


@lru_cache(maxsize=64)
def stepped(detector: Detector, patience: Patience) -> Stepped:
    """That of a detector which is stepped again and again."""
    return Stepped(detector, patience)
