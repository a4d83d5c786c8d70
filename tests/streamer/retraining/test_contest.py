"""The contest weighs both on the same later readings, each series alike, and the verdict is by the rules."""

from pathlib import Path

import numpy as np
import pytest

from models.artifact import load, shipped
from streamer.retraining.contest import Contest, Figures, Rivals, fight
from streamer.retraining.options import RetrainingOptions
from streamer.retraining.report import judge
from streamer.training.series import Series
from tests.streamer.retraining.readings import configuration
from tests.streamer.rivals import rival

RULES = RetrainingOptions(min_readings=100, min_improvement_ratio=0.02, max_coverage_loss=0.01)


def fleet(scales: list[float], length: int = 150, seed: int = 0) -> list[Series]:
    random = np.random.default_rng(seed)
    return [
        Series(
            f"s{number}",
            np.arange(length) * 60_000_000_000 + number,
            np.cumsum(random.normal(size=(length, 1)), axis=0) * scale,
            np.ones((length, 1), dtype=bool),
        )
        for number, scale in enumerate(scales)
    ]


def fought(tmp_path: Path, series: list[Series], later: int = 100, lead: int = 1000) -> Contest:
    rivals = Rivals(load(shipped("gru", "recurrent")), rival("gru", 0.6, "recurrent"))
    return fight(rivals, configuration(tmp_path).groups[0], series, later * 60_000_000_000, lead)


def test_weights_that_are_worse_are_seen_to_be(tmp_path: Path) -> None:
    contest = fought(tmp_path, fleet([1.0] * 5))

    assert contest.judged == 5 * 50
    assert contest.improvement_ratio < -0.02


def test_the_unit_of_a_series_does_not_matter(tmp_path: Path) -> None:
    one, other = fought(tmp_path, fleet([1.0] * 4)), fought(tmp_path, fleet([1.0, 1e-3, 1e6, 50.0]))

    assert other.champion.crps == pytest.approx(one.champion.crps, rel=1e-3)
    assert other.challenger.crps == pytest.approx(one.challenger.crps, rel=1e-3)


def test_one_against_itself_is_a_draw(tmp_path: Path) -> None:
    artifact = load(shipped("gru"))

    contest = fight(Rivals(artifact, artifact), configuration(tmp_path).groups[0], fleet([1.0] * 3), 0, 0)

    assert contest.champion == contest.challenger
    assert contest.improvement_ratio == 0.0


def test_what_comes_before_leads_up_and_is_not_judged(tmp_path: Path) -> None:
    cold, led = fought(tmp_path, fleet([1.0] * 3), lead=0), fought(tmp_path, fleet([1.0] * 3), lead=100)

    assert (cold.judged, led.judged) == (3 * 49, 3 * 50)  # a first reading has no forecast


def contest_of(crps: float, coverage: float, judged: int = 1000) -> Contest:
    return Contest(Figures(1.0, 0.97, 3), Figures(crps, coverage, 3), judged, 10)


@pytest.mark.parametrize(
    ("contest", "is_promoted", "why"),
    [
        (contest_of(0.97, 0.97), True, "its CRPS is better by 3.00%, and its band 0.00% farther off"),
        (contest_of(0.97, 0.995), True, "its CRPS is better by 3.00%"),
        (contest_of(0.99, 0.97), False, "its CRPS is better by 1.00%, of 2.00% wanted"),
        (contest_of(1.3, 0.97), False, "its CRPS is better by -30.00%"),
        (contest_of(0.5, 0.95), False, "its band is 2.00% farther off, of 1.00% allowed"),
        (contest_of(0.5, 0.97, judged=99), False, "99 readings were judged, of 100 that decide"),
        (contest_of(float("nan"), 0.97), False, "its CRPS is better by nan%"),
    ],
)
def test_the_verdict_is_by_the_rules(contest: Contest, is_promoted: bool, why: str) -> None:
    verdict = judge(contest, target_ratio=0.99, rules=RULES)

    assert verdict.is_promoted == is_promoted
    assert verdict.why.startswith(why)
