"""That the throughput benchmark runs, at sizes that measure nothing: no time is asserted here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- throughput: begin -->\n", "<!-- throughput: end -->"


def bench(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, f"{ROOT}/benchmarks/bench_throughput.py", "--without-kafka", "--repetitions", "1"]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_every_road_in_memory_is_measured_and_the_section_alone_is_written(cell: str, tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"
    results.write_text(f"# Before\n{BEGIN}old\n{END}\nafter\n")

    done = bench("--series", "1", "40", "--readings", "60", "--cell", cell, "--markdown", str(results))

    assert done.returncode == 0, done.stderr
    before, section, after = re.split("<!-- throughput: (?:begin|end) -->", results.read_text())
    assert (before, after) == ("# Before\n", "\nafter\n")
    assert section.strip() == done.stdout.strip()
    assert f"cell {cell}" in section
    for road in ("columns to scores", "memory, one result a record", "memory, bulk results"):
        rows = [
            [cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if f"| {road} " in line
        ]
        assert [row[1] for row in rows] == ["1", "40", "1", "40"], "expected both tables to have a row a size"
        assert [row[-1] for row in rows[:2]] == ["60", "80"], "expected every series to occur twice"


@pytest.mark.slow
def test_a_file_without_the_section_is_refused_and_kept(tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"
    results.write_text("# Results\n")

    done = bench("--series", "3", "--readings", "6", "--markdown", str(results))

    assert done.returncode == 2
    assert f"{results}: expected the lines" in done.stderr
    assert results.read_text() == "# Results\n"


def test_a_section_that_is_not_in_results_md_could_never_be_written() -> None:
    text = (ROOT / "RESULTS.md").read_text()

    assert text.index(BEGIN) < text.index(END)


def test_nothing_to_measure_is_told_at_once() -> None:
    done = bench("--series", "0")

    assert done.returncode == 2
    assert "expected --series, --readings and --repetitions of at least 1" in done.stderr
