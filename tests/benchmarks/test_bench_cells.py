"""That the cells' benchmark runs, at a size that measures nothing: no time is asserted here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from models.cells import CELLS

ROOT = Path(__file__).resolve().parents[2]


def bench(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, f"{ROOT}/benchmarks/bench_cells.py", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def first_cells(section: str, heading: str) -> list[str]:
    """The first column of the table under a heading, without its head."""
    lines = section[section.index(heading) :].split("\n\n")[1].splitlines()
    return [line.split("|")[1].strip() for line in lines[2:]]


@pytest.mark.slow
def test_every_cell_is_measured_and_the_section_alone_is_written(tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"
    results.write_text("before\n<!-- cells-cpu: begin -->\nold\n<!-- cells-cpu: end -->\nafter\n")

    done = bench("--quick", "--markdown", str(results))

    assert done.returncode == 0, done.stderr
    before, section, after = re.split("<!-- cells-cpu: (?:begin|end) -->", results.read_text())
    assert (before, after) == ("before\n", "\nafter\n")
    task = first_cells(section, "The combiner at equal parameters")
    training = first_cells(section, "Training: ")
    steps = first_cells(section, "Millions of steps")
    assert [row.split(",")[0] for row in task] == ["experts alone", *CELLS]
    assert {row.split(",")[0] for row in training} > set(CELLS)
    assert set(steps) >= {f"{name}, {hidden}" for name in CELLS for hidden in (32, 64)}


def test_a_cell_that_there_is_not_is_told_at_once() -> None:
    done = bench("--cell", "mamba")

    assert done.returncode == 2
    assert "invalid choice: 'mamba'" in done.stderr


def test_what_is_no_matter_of_a_gpu_is_told_at_once() -> None:
    done = bench("--device", "cuda", "--part", "task")

    assert done.returncode == 2
    assert "--part: expected one of training, steps with --device cuda" in done.stderr
