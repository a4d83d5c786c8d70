"""The step: a recording has the bits of the detector itself, for every forecaster and whatever a reading is told."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from typing_extensions import override

from models.artifact import load, shipped
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.cells import CELLS
from models.column import fresh_state
from models.context import Context
from models.detector import Detector
from models.forecasters.spec import BASELINES, Spec, build
from models.rules import Direction, Rule
from streamer.layout import Layout
from streamer.recording import recorded
from streamer.step import Patience, Step
from tests.device import DEVICE
from tests.streamer.steps import (
    BY_SHIPPED,
    CALLED,
    LENGTH,
    RECORDED,
    ROWS,
    assert_equal,
    detector,
    tellings,
    through,
)

pytestmark = pytest.mark.device


def assert_the_same(of: Detector, told: bool = False, pools: int = 1) -> None:
    layout = Layout(of.columns)
    block = layout.pack(fresh_state(of.columns, ROWS)).to(DEVICE)

    plain = through(Step(of, CALLED), layout, block, told, pools)

    assert_equal(through(Step(of, RECORDED), layout, block, told, pools), plain)


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
        step = Step(gpu, CALLED)
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

    midway = through(Step(of, Patience(LENGTH // 2)), layout, block)

    assert_equal(midway, through(Step(of, CALLED), layout, block))


def test_what_goes_one_way_or_another_by_a_value_cannot_be_recorded() -> None:
    def by_a_value(x: Tensor) -> tuple[Tensor, ...]:
        return (x + 1 if x.sum() > 0 else x - 1,)

    with pytest.raises(ValueError, match=r"test_step.py:\d+: Expected a step that does the same whatever"):
        recorded(by_a_value, (torch.ones(3),))
