"""That the benchmark of explanations runs, and makes the faults that it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from explanations.faults import FAULTS, Fault, spike, stuck, swapped
from explanations.machines import Machines

ROOT = Path(__file__).resolve().parents[2]
START = 40


def made(fault: Fault, channel: int) -> tuple[torch.Tensor, Machines]:
    machines = Machines.drawn(START + fault.readings, 32, seed=3)
    return fault.made_in(machines, START, torch.full((32,), channel)), machines


def test_a_fault_is_in_its_channel_alone() -> None:
    for fault in FAULTS:
        spoilt, machines = made(fault, channel=2)

        is_other = (spoilt != machines.values[START:]).any(0)
        assert is_other[:, 2].all(), fault
        assert not is_other[:, [0, 1, 3]].any(), fault


def test_sizes_are_standard_deviations_of_the_channel() -> None:
    spoilt, machines = made(spike(2.0), channel=0)
    whole = Machines.drawn(4000, 32, seed=3)

    torch.testing.assert_close(spoilt[0, :, 0] - machines.values[START, :, 0], 2 * machines.deviation[:, 0])
    torch.testing.assert_close(whole.values.std(0) / whole.deviation, torch.ones(32, 4).double(), atol=0.35, rtol=0)


def test_a_stuck_channel_says_its_last_value_and_a_swapped_one_what_another_says() -> None:
    still, before = made(stuck(30), channel=1)
    foreign, machines = made(swapped(), channel=1)

    assert (still[:, :, 1] == before.values[START - 1, :, 1]).all()
    standard = (machines.values[START:, :, 1] - machines.level[:, 1]) / machines.deviation[:, 1]
    said = (foreign[:, :, 1] - machines.level[:, 1]) / machines.deviation[:, 1]
    torch.testing.assert_close(said, standard.roll(1, 1))


@pytest.mark.slow
def test_every_fault_is_tried_and_the_section_alone_is_written(tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"
    results.write_text("before\n<!-- explanations: begin -->\nold\n<!-- explanations: end -->\nafter\n")
    command = [sys.executable, f"{ROOT}/benchmarks/bench_explanations.py", "--quick", "--markdown", str(results)]

    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)

    assert done.returncode == 0, done.stderr
    before, section, after = re.split("<!-- explanations: (?:begin|end) -->", results.read_text())
    assert (before, after) == ("before\n", "\nafter\n")
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("|")][2:]
    assert [(kind.strip(), size.strip()) for kind, size in rows] == [(fault.kind, fault.size) for fault in FAULTS]
