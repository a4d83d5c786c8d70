"""Kernels: machine code has the bits of the detector, for every forecaster that has it, and is tried beforehand."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from models.artifact import load, shipped
from models.calibration.bins import BINS
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import fresh_state
from models.context import Context
from models.detector import Detector, DetectorOptions
from models.forecasters.spec import BASELINES, Spec, build
from models.rules import Direction, Rule
from models.transform import Transform
from streamer.layout import Layout
from streamer.native import kernel
from streamer.native.kernel import Kernel
from streamer.step import NEVER, Patience, Step
from tests.streamer.steps import BY_SHIPPED, CALLED, ROWS, WHERE_COMPILED, assert_equal, detector, through

pytestmark = WHERE_COMPILED

AT_ONCE = Patience(NEVER, compiled=2, trials=3)  # the first step makes what a detector makes once
READ = {"rnn", "lstm", "gru", "min_gru", "rg_lru"}


def steps_of(of: Detector, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many steps the detector itself has taken: the length of the list."""
    taken: list[int] = []
    step = of.step

    def counted(*given: Any) -> Any:
        taken.append(1)
        return step(*given)

    monkeypatch.setattr(of, "step", counted)
    return taken


def assert_compiled(of: Detector, monkeypatch: pytest.MonkeyPatch, told: bool = False) -> None:
    layout = Layout(of.columns)
    block = layout.pack(fresh_state(of.columns, ROWS))
    step = Step(of, AT_ONCE)
    through(step, layout, block, told)
    step.settle()
    taken = steps_of(of, monkeypatch)

    ours = through(step, layout, block, told)

    assert len(taken) <= AT_ONCE.trials
    assert_equal(ours, through(Step(of, CALLED), layout, block, told))


@pytest.mark.parametrize("name", BY_SHIPPED)
def test_machine_code_has_the_bits_of_the_detector(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    channels = 1 if "rich" in name else 2

    assert_compiled(detector(load(shipped(*BY_SHIPPED[name])).forecaster, channels), monkeypatch)


@pytest.mark.skipif(torch.backends.cpu.get_cpu_capability() != "AVX512", reason="there are no narrower vectors left")
def test_machine_code_of_narrower_vectors_has_the_bits_of_the_detector_too() -> None:
    named = f"{__file__}::{test_machine_code_has_the_bits_of_the_detector.__name__}[gru]"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", named]
    narrower = os.environ | {"ATEN_CPU_CAPABILITY": "avx2"}

    run = subprocess.run(command, env=narrower, capture_output=True, text=True, check=False)

    assert "1 passed" in run.stdout, run.stdout


@pytest.mark.parametrize("cell", sorted(READ))
def test_machine_code_has_the_bits_of_every_cell_that_has_it(cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)

    assert_compiled(detector(build(Spec(cell, 32, "combiner"))), monkeypatch)


def test_machine_code_has_the_bits_of_an_average(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_compiled(detector(BASELINES["ewma"]()), monkeypatch)


@pytest.mark.parametrize("transform", list(Transform))
def test_machine_code_has_the_bits_of_every_transform(transform: Transform, monkeypatch: pytest.MonkeyPatch) -> None:
    of = Detector(load(shipped("gru")).forecaster, DetectorOptions(transforms=(transform,)))

    assert_compiled(of.eval().requires_grad_(False), monkeypatch)


def test_machine_code_has_the_bits_of_joint_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)

    assert_compiled(detector(build(Spec("gru", 32, "combiner", joint=3)), channels=3), monkeypatch)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_machine_code_has_the_bits_of_further_horizons(cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_compiled(detector(load(shipped(cell)).forecaster.at((1, 12, 24)), channels=1), monkeypatch)


def test_machine_code_has_the_bits_under_rules_mutes_and_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [Rule(direction=Direction.UP, min_absolute=0.5, highest=1e6)]

    assert_compiled(detector(load(shipped("gru")).forecaster, rules=rules), monkeypatch, told=True)


def given(of: Detector, rows: int) -> tuple[Tensor, Tensor, Tensor, Context]:
    """A block, values, what is present and a context of so many rows."""
    generator = torch.Generator().manual_seed(rows)
    block = Layout(of.columns).pack(fresh_state(of.columns, rows))
    values = torch.randn((rows, 1), dtype=torch.float64, generator=generator)
    context = Context.of(torch.full((rows,), 60.0), torch.rand((rows, 2), generator=generator))
    return block, values, torch.ones((rows, 1), dtype=torch.bool), context


@torch.inference_mode()
def taken(of: Detector) -> Step:
    """A step that is machine code by now."""
    step, pool = Step(of, AT_ONCE), Pool.fresh(Budget())
    for _ in range(AT_ONCE.compiled + AT_ONCE.trials):
        step(*given(of, ROWS), pool)
        step.settle()
    return step


@torch.inference_mode()
def test_one_kernel_is_for_any_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    of, pool = detector(load(shipped("gru")).forecaster, channels=1), Pool.fresh(Budget())
    step = taken(of)

    for rows in (32, 256, 2048):
        (expected, after), seen = Step(of, CALLED)(*given(of, rows), pool), steps_of(of, monkeypatch)
        outcome, block = step(*given(of, rows), pool)
        assert not seen
        assert_equal([*outcome, block], [*expected, after])


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: build(Spec("attention", 32, "combiner")), "rsqrt has no machine code"),
        (lambda: build(Spec("lru", 32, "combiner")), "complex has no machine code"),
        (BASELINES["half_space_trees"], "an input of Byte"),
        (BASELINES["seasonal_quantile"], "cummax has no machine code"),
    ],
)
def test_a_step_without_machine_code_goes_on_and_says_why(
    make: Callable[[], Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    torch.manual_seed(1)
    of = detector(make())
    layout = Layout(of.columns)
    block = layout.pack(fresh_state(of.columns, ROWS))
    step = Step(of, AT_ONCE)

    with caplog.at_level(logging.INFO, "streamer"):
        through(step, layout, block)
        step.settle()
        ours = through(step, layout, block)

    assert f"no machine code for this step, which goes on as its recording: {why}" in caplog.text
    assert caplog.text.count("no machine code for this step") == 1
    assert_equal(ours, through(Step(of, CALLED), layout, block))


@torch.inference_mode()
@pytest.mark.parametrize("pools", [2, 3])
def test_rows_of_several_pools_are_not_compiled(pools: int, caplog: pytest.LogCaptureFixture) -> None:
    of, pool = detector(load(shipped("gru")).forecaster, channels=1), Pool.fresh(Budget(), pools=pools)
    step = Step(of, AT_ONCE)

    with caplog.at_level(logging.INFO, "streamer"):
        for _ in range(AT_ONCE.compiled + AT_ONCE.trials):
            outcome, block = step(*given(of, 192), pool)
            step.settle()

    assert not caplog.text
    expected, after = Step(of, CALLED)(*given(of, 192), pool)
    assert_equal([*outcome, block], [*expected, after])


@torch.inference_mode()
def test_the_kernel_of_one_pool_is_not_for_rows_of_two() -> None:
    of = detector(load(shipped("gru")).forecaster, channels=1)
    pools = Pool.fresh(Budget(), torch.arange(BINS, 0, -1), 2)
    pools = replace(pools, lines=pools.lines * torch.tensor([[1.0], [0.1]]))
    layout = Layout(of.columns)
    *_, known = through(Step(of, CALLED), layout, layout.pack(fresh_state(of.columns, ROWS)))
    _, values, present, context = given(of, ROWS)

    outcome, block = taken(of)(known, values, present, context, pools)

    expected, after = Step(of, CALLED)(known, values, present, context, pools)
    assert expected.is_judged.any()
    assert_equal([*outcome, block], [*expected, after])


@torch.inference_mode()
def test_a_kernel_with_other_bits_is_left_alone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, pool = detector(load(shipped("gru")).forecaster, channels=1), Pool.fresh(Budget())
    right = Kernel.__call__
    calls: list[int] = []

    def wrong_once(of: Kernel, *inputs: Tensor, **given: Any) -> tuple[Tensor, ...]:
        outputs = right(of, *inputs, **given)
        calls.append(1)
        if len(calls) == AT_ONCE.trials:
            outputs[1][5, 7] += 1e-6  # one number of one row's state
        return outputs

    monkeypatch.setattr(Kernel, "__call__", wrong_once)
    with caplog.at_level(logging.WARNING, "streamer"):
        step = taken(of)
        outcome, block = step(*given(of, 32), pool)

    assert len(calls) == AT_ONCE.trials
    assert "machine code of a step has other bits than the step, and is left alone" in caplog.text
    expected, after = Step(of, CALLED)(*given(of, 32), pool)
    assert_equal([*outcome, block], [*expected, after])


def test_a_compiler_that_fails_takes_no_scores_away(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> None:
        raise RuntimeError("LLVM IR parsing error")

    monkeypatch.setattr(kernel, "_compiled", broken)
    of, pool = detector(load(shipped("gru")).forecaster, channels=1), Pool.fresh(Budget())

    with caplog.at_level(logging.WARNING, "streamer"), torch.inference_mode():
        outcome, block = taken(of)(*given(of, 32), pool)
        expected, after = Step(of, CALLED)(*given(of, 32), pool)

    assert "a step could not be compiled, and goes on as its recording: RuntimeError('LLVM IR parsing" in caplog.text
    assert_equal([*outcome, block], [*expected, after])


def test_where_torch_computes_otherwise_there_is_no_kernel(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")

    with caplog.at_level(logging.INFO, "streamer"):
        taken(detector(load(shipped("gru")).forecaster, channels=1))

    assert "torch computes with DEFAULT, expected AVX2 or AVX512" in caplog.text
