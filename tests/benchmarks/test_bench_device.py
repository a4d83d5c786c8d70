"""That the benchmark of devices runs, at a size that measures nothing: no time is asserted here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.device import DEVICE

ROOT = Path(__file__).resolve().parents[2]
DEVICES = ["cpu", *(["cuda"] if DEVICE == "cuda" else [])]
SMALL = ("--rows", "32", "64", "--series", "10", "--readings", "20", "--repetitions", "1", "--seconds", "0")


@pytest.mark.slow
@pytest.mark.device
def test_every_device_is_measured_and_the_section_alone_is_written(tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"
    results.write_text("before\n<!-- device: begin -->\nold\n<!-- device: end -->\nafter\n")

    command = [sys.executable, f"{ROOT}/benchmarks/bench_device.py", *SMALL, "--markdown", str(results)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    before, section, after = re.split("<!-- device: (?:begin|end) -->", results.read_text())
    assert (before, after) == ("before\n", "\nafter\n")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("|")]
    assert [row[0] for row in rows[2:4]] == ["32", "64"]
    assert all(float(cell) > 0 for row in rows[2:4] for cell in row[1:])
    assert rows[4] == ["road", "series", *DEVICES]
    assert [row[:2] for row in rows[6:]] == [["columns to scores", "10"], ["memory, bulk results", "10"]]
