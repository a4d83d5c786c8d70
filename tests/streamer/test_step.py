"""The step: a recording has the bits of the detector itself, for every forecaster and whatever a reading is told."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from typing_extensions import override

from models.alarm import KINDS
from models.artifact import load, shipped
from models.calibration.bins import BINS
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.cells import CELLS
from models.column import fresh_state
from models.context import Context
from models.detector import Detector, DetectorOptions
from models.forecasters import Forecaster
from models.forecasters.spec import BASELINES, Spec, build
from models.outcome import Outcome
from models.rules import Direction, Rule
from models.transform import Transform
from streamer.layout import Layout
from streamer.recording import recorded
from streamer.step import Step
from tests.device import DEVICE

pytestmark = pytest.mark.device

ROWS, LENGTH = 64, 40
NEVER = LENGTH + 1
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


def assert_the_same(of: Detector, told: bool = False, pools: int = 1) -> None:
    layout = Layout(of.columns)
    block = layout.pack(fresh_state(of.columns, ROWS)).to(DEVICE)

    plain = through(Step(of, often=NEVER), layout, block, told, pools)
    replayed = through(Step(of, often=1), layout, block, told, pools)

    for ours, theirs in zip(replayed, plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", BY_SHIPPED)
def test_a_recording_has_the_bits_of_the_detector(name: str) -> None:
    assert_the_same(detector(load(shipped(*BY_SHIPPED[name])).forecaster))


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_recording_has_the_bits_of_every_cell(cell: str) -> None:
    torch.manual_seed(1)

    assert_the_same(detector(build(Spec(cell, 32, "combiner"))))


def test_a_recording_has_the_bits_of_joint_channels() -> None:
    torch.manual_seed(1)

    assert_the_same(detector(build(Spec("gru", 32, "combiner", joint=3)), channels=3))


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_a_recording_has_the_bits_of_every_baseline(name: str) -> None:
    assert_the_same(detector(BASELINES[name]()))


def test_a_recording_has_the_bits_of_further_horizons() -> None:
    assert_the_same(detector(load(shipped("gru")).forecaster.at((1, 12, 24)), channels=1))


def test_a_recording_has_the_bits_under_rules_mutes_and_pauses() -> None:
    rules = [Rule(direction=Direction.UP, min_absolute=0.5, highest=1e6)]

    assert_the_same(detector(load(shipped("gru")).forecaster, rules=rules), told=True)


@pytest.mark.skipif(DEVICE == "cuda", reason="there the steps above could not have been captured")
@pytest.mark.parametrize("name", BY_SHIPPED)
def test_a_step_on_a_gpu_neither_waits_for_it_nor_reads_from_the_host(name: str) -> None:
    horizons = (1,) if name == "recurrent" else (1, 12)
    of = detector(load(shipped(*BY_SHIPPED[name])).forecaster.at(horizons))
    layout, pool = Layout(of.columns), Pool.fresh(Budget())

    with FakeTensorMode(allow_non_fake_inputs=True), torch.inference_mode():  # a value that is asked for is an error
        gpu = of.to_empty(device="cuda")
        block, values, present, *rest = (
            torch.empty_like(column, device="cuda")
            for column in (
                layout.pack(fresh_state(of.columns, ROWS)),
                torch.empty((ROWS, 2), dtype=torch.float64),
                torch.empty((ROWS, 2), dtype=torch.bool),
                pool.table,
                pool.lines,
                *tellings(1, torch.Generator(), told=True),
            )
            if column is not None
        )
        given = block, values, present, Context(*rest[2:]), replace(pool, table=rest[0], lines=rest[1])
        step = Step(gpu, often=NEVER)
        step(*given)  # constants are made once
        with Devices() as devices:
            step(*given)

    assert devices.seen == {"cuda"}


class Devices(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down where the tensors lie that operations have to do with."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[str] = set()

    @override
    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        self.seen |= {leaf.device.type for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor)}
        return result


def test_a_recording_asks_for_no_size_does_nothing_twice_and_converts_no_number() -> None:
    def plain(x: Tensor) -> tuple[Tensor, ...]:
        rows = x.shape[0]
        return torch.exp(x).view(rows // 2, 2), torch.exp(x) * torch.exp(x) + 0.1, 1 - x, x > 0.3, x / 3

    recording = recorded(plain, (torch.randn(6),))

    with torch.profiler.profile() as done:
        recording(torch.randn(6))
    names = [event.name for event in done.events()]
    assert names.count("aten::exp") == 1
    assert not {"aten::size", "aten::item", "aten::_to_copy"} & {*names}


def test_a_recording_has_the_bits_of_two_pools() -> None:
    assert_the_same(detector(load(shipped("gru")).forecaster), pools=2)


def test_a_shape_that_comes_seldom_is_not_recorded_and_changes_nothing() -> None:
    of = detector(load(shipped("gru")).forecaster)
    layout = Layout(of.columns)
    block = layout.pack(fresh_state(of.columns, ROWS)).to(DEVICE)

    midway = through(Step(of, often=LENGTH // 2), layout, block)

    for ours, theirs in zip(midway, through(Step(of, often=NEVER), layout, block), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)


def test_what_goes_one_way_or_another_by_a_value_cannot_be_recorded() -> None:
    def by_a_value(x: Tensor) -> tuple[Tensor, ...]:
        return (x + 1 if x.sum() > 0 else x - 1,)

    with pytest.raises(ValueError, match=r"test_step.py:\d+: Expected a step that does the same whatever"):
        recorded(by_a_value, (torch.ones(3),))
