"""The wall clock may jump as it likes: no output but the mark `historical` knows of it."""

import ast
import time
from pathlib import Path

import numpy as np
import pytest

from connectors.columns import Results
from streamer.partition import Partition
from tests.streamer.fleets import WHERE, judge, walk

ROOT = Path(__file__).parents[2]
READS_IT = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
MAY = {
    "streamer/demo/run.py",  # its readings begin now
    "streamer/wiring.py",  # what is history is about now
    "streamer/feedback_cli.py",  # when somebody said so, for people
    "streamer/shelf_cli.py",  # when a retraining was, for people
    "streamer/life_metrics.py",  # when a configuration was read again, for people
    "streamer/state_metrics.py",  # when a checkpoint was written, for people
}


def names_of_clocks(file: Path) -> set[str]:
    attributes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Attribute)]
    return {".".join(ast.unparse(node).split(".")[-2:]) for node in attributes} & READS_IT


def test_no_code_reads_the_wall_clock_but_where_it_is_wanted() -> None:
    files = [file for package in ("streamer", "connectors", "models") for file in (ROOT / package).rglob("*.py")]

    assert {str(file.relative_to(ROOT)) for file in files if names_of_clocks(file)} == MAY


def numbers(results: list[Results]) -> bytes:
    return b"".join(
        np.ascontiguousarray(getattr(one, name)).tobytes()
        for one in results
        for name in ("anomaly_score", "forecast", "lower", "upper", "is_anomalous")
    )


def test_a_jump_of_the_wall_clock_changes_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = walk(400, series=20)
    undisturbed, jumping = Partition(judge(), WHERE), Partition(judge(), WHERE)
    expected = [*undisturbed.advance(readings.take(slice(200))).results]
    expected += undisturbed.advance(readings.take(slice(200, None))).results

    scored = [*jumping.advance(readings.take(slice(200))).results]
    for clock in ("time", "time_ns"):
        monkeypatch.setattr(time, clock, lambda: 9_999_999_999)
    scored += jumping.advance(readings.take(slice(200, None))).results

    assert numbers(scored) == numbers(expected)
