"""That the checkpoint benchmark runs, at a size that measures nothing: no time is asserted here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def bench(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, f"{ROOT}/benchmarks/bench_checkpoint.py", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_small_fleets_are_measured_and_the_section_alone_is_written(tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"
    results.write_text("before\n<!-- checkpoint: begin -->\nold\n<!-- checkpoint: end -->\nafter\n")

    done = bench("--most", "10000", "--repetitions", "1", "--warm-up", "1", "--markdown", str(results))

    assert done.returncode == 0, done.stderr
    before, section, after = re.split("<!-- checkpoint: (?:begin|end) -->", results.read_text())
    assert (before, after) == ("before\n", "\nafter\n")
    assert section.strip() == done.stdout.strip()
    rows = [line for line in section.splitlines() if line.startswith("| 10,000, ")]
    assert [line.split("|")[1].strip() for line in rows] == ["10,000, gru, 1 channel", "10,000, lstm, 1 channel"] * 2


def test_nothing_to_measure_is_told_at_once() -> None:
    done = bench("--repetitions", "0")

    assert done.returncode == 2
    assert "expected --repetitions of at least 1" in done.stderr
