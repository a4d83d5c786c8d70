"""That the simulation of calibration gives every series its hours, bets on them, and runs."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from calibration.fleet import HOUR_READINGS, Fleet, Size
from calibration.residuals import SCENARIOS

from models import hours
from models.calibration import verdict
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.calibration.verdict import Evidence
from models.hours import Hour

ROOT = Path(__file__).resolve().parents[2]
SIZE = Size(series=64, partitions=1)
TURNS = 4 * HOUR_READINGS


def fleet() -> Fleet:
    return Fleet(SIZE, "exact", Budget(readings_per_alarm=1e4), seed=0)


def test_the_hour_of_every_series_ends_once_an_hour_at_a_turn_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Hour] = []
    judge = verdict.judge

    def listening(evidence: Evidence, *rest: Any) -> Any:
        told.append(evidence.hour)
        return judge(evidence, *rest)

    monkeypatch.setattr(verdict, "judge", listening)
    one = fleet()
    for _ in range(TURNS):
        one.turn()

    is_over = torch.stack([hour.is_over[:, 0] for hour in told])  # (turns, series)
    scores = torch.stack([hour.score[:, 0] for hour in told])
    assert (is_over.sum(0) == TURNS // HOUR_READINGS).all()
    assert is_over.sum(1).max() <= 2  # of 64 series in 60 minutes
    of_hours = scores.T[is_over.T].view(SIZE.series, -1)
    assert all(len(row.unique()) == len(row) for row in of_hours)
    assert 0.8 < of_hours.std() < 1.2  # normal scores


def test_an_hour_far_off_is_bet_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened() -> int:
        one = fleet()
        return sum(int(one.turn()[0][:, 1].sum()) for _ in range(3 * HOUR_READINGS))

    usual = opened()
    monkeypatch.setattr(hours, "normal_score", lambda innovation: torch.full_like(innovation, 5.0))

    assert opened() > usual + SIZE.series // 2


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_is_tried_on_a_copy_leaves_the_fleet_as_it_was(scenario: str) -> None:
    def later(of: Fleet) -> tuple[list[torch.Tensor], Pool]:
        """All that opens within more than an hour, and the pool behind it."""
        return [of.turn()[0] for _ in range(HOUR_READINGS + 5)], of.pool

    one = Fleet(SIZE, scenario, Budget(readings_per_alarm=1e4), seed=0)
    one.turn()
    tried = [later(one.copy()) for _ in range(2)]

    opened, pool = later(one)

    for of_copy, its_pool in tried:
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(of_copy, opened, strict=True))
        assert torch.equal(its_pool.open, pool.open)


def test_the_benchmark_runs() -> None:
    script = ROOT / "benchmarks" / "bench_calibration.py"
    run = subprocess.run([sys.executable, script, "--quick"], capture_output=True, text=True, timeout=110, check=True)

    rates = re.findall(r"\| (\d+\.\d\d) \|", run.stdout)
    assert "| exact" in run.stdout
    assert all(float(rate) < 5 for rate in rates)
