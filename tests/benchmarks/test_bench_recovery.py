"""That the recovery benchmark runs, at sizes that measure nothing: no time is asserted here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def bench(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, f"{ROOT}/benchmarks/bench_recovery.py", "--repetitions", "1", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_recovery_in_memory_is_measured_and_the_section_alone_is_written(tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"
    results.write_text("before\n<!-- recovery: begin -->\nold\n<!-- recovery: end -->\nafter\n")

    done = bench("--without-kafka", "--series", "50", "--silent", "200", "--markdown", str(results))

    assert done.returncode == 0, done.stderr
    before, section, after = re.split("<!-- recovery: (?:begin|end) -->", results.read_text())
    assert (before, after) == ("before\n", "\nafter\n")
    assert section.strip() == done.stdout.strip()
    [row] = [line for line in section.splitlines() if line.startswith("| memory ")]
    assert row.split("|")[2].strip() == "50"


def test_nothing_to_measure_is_told_at_once() -> None:
    done = bench("--silent", "0")

    assert done.returncode == 2
    assert "expected --series, --silent and --repetitions of at least 1" in done.stderr
