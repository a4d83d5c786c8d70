"""Steps of the detector on readings of all kinds, and detectors of all kinds."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from models.alarm import KINDS
from models.calibration.bins import BINS
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.context import Context
from models.detector import Detector, DetectorOptions
from models.forecasters import Forecaster
from models.outcome import Outcome
from models.rules import Rule
from models.transform import Transform
from streamer.layout import Layout
from streamer.native.vectors import CAPABILITIES
from streamer.step import NEVER, Patience, Step
from tests.device import DEVICE

ROWS, LENGTH = 64, 40
CALLED = Patience(NEVER)
RECORDED = Patience(1)
WHERE_COMPILED = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() not in CAPABILITIES, reason="there a step goes on as its recording"
)
BY_SHIPPED = {
    "gru": ("gru", "combiner", "compact"),
    "lstm": ("lstm", "combiner", "compact"),
    "gru rich": ("gru", "combiner", "rich"),
    "lstm rich": ("lstm", "combiner", "rich"),
    "recurrent": ("gru", "recurrent", "compact"),
    "experts": ("gru", "experts", "compact"),
}


def detector(forecaster: Forecaster, channels: int = 2, rules: Sequence[Rule] = ()) -> Detector:
    kinds = (Transform.NONE, Transform.RATE, Transform.DIFFERENCE)[:channels]
    made = Detector(forecaster, DetectorOptions(transforms=kinds, rules=tuple(rules)))
    return made.eval().requires_grad_(False).to(DEVICE)


def tellings(number: int, generator: torch.Generator, told: bool) -> Context:
    """What a step is told: a first reading, gaps, readings of one instant, midnight, and all that may be asked."""
    elapsed = torch.full((ROWS,), torch.nan) if number == 0 else torch.rand(ROWS, generator=generator) * 2_000
    elapsed[:8] = 0.0 if number else torch.nan
    phase = torch.tensor([number * 0.07 % 1.0, number * 0.01 % 1.0]).expand(ROWS, 2).contiguous()
    chance = torch.rand(ROWS, generator=generator)
    context = Context(elapsed, phase, (chance.unsqueeze(1) > 0.5).long() * told, chance > 0.8)
    if not told:
        return context
    return context._replace(learns=chance < 0.7, tolerance=1 + torch.rand(ROWS, len(KINDS), generator=generator))


def through(step: Step, layout: Layout, block: Tensor, told: bool = False, pools: int = 1) -> list[Tensor]:
    """Everything that comes of some dozens of steps: noise, spikes, values that stand still, channels that are away."""
    generator = torch.Generator().manual_seed(5)
    channels = layout.views(block)["age"].shape[1]
    even, falling = torch.ones(BINS, dtype=torch.int64, device=DEVICE), torch.arange(BINS, 0, -1, device=DEVICE)
    epochs = [Pool.fresh(Budget(), falling, pools), Pool.fresh(Budget(100), even, pools)]
    came: list[Tensor] = []
    with torch.inference_mode():
        for number in range(LENGTH):
            values = torch.randn(ROWS, channels, dtype=torch.float64, generator=generator) + 20
            values[:4], values[4:8] = 3.0, values[4:8] * 1e6 ** float(number % 9 == 0)
            present = torch.rand(ROWS, channels, generator=generator) > 0.1
            told_columns = tellings(number, generator, told)._asdict().items()
            context = Context(**{name: column.to(DEVICE) for name, column in told_columns if column is not None})
            outcome, block = step(block, values.to(DEVICE), present.to(DEVICE), context, epochs[number % 2])
            came += [*outcome, block]
    assert Outcome(*came[-1 - len(Outcome._fields) : -1]).is_judged.any()
    return came


def assert_equal(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
