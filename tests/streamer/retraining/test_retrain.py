"""A challenger takes the champion's place where it is better on later readings, and the shelf says why."""

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from connectors.errors import ConfigError
from connectors.shelf import Shelf
from models.artifact import load, shipped
from streamer.config import Config
from streamer.metrics import Metrics
from streamer.retraining.contest import Contest, fight
from streamer.retraining.report import NOTE, Report, Verdict
from streamer.retraining.retrain import retrain
from streamer.shelf_watch import ShelfWatch
from tests.faults.world import Inline
from tests.streamer.heirs import promoted
from tests.streamer.retraining.readings import LENGTH, SERIES, configuration
from tests.streamer.rivals import rival

CELLS = ["gru", "lstm"]


class Clock:
    """Goes on by ten seconds whenever it is looked at."""

    def __init__(self) -> None:
        self.now = 1_767_700_000.0

    def __call__(self) -> float:
        self.now += 10.0
        return self.now


@pytest.mark.parametrize("cell", CELLS)
def test_a_challenger_that_is_better_is_promoted(cell: str, tmp_path: Path) -> None:
    poor = rival(cell, 0.6, "recurrent")
    promoted(tmp_path / "shelf", poor)

    report = retrain(configuration(tmp_path, cell, {"epochs": 3}), Clock())

    shelf = Shelf(tmp_path / "shelf")
    title = shelf.current()
    assert report.verdict.is_promoted, report.verdict.why
    assert report.contest.improvement_ratio > 0
    assert (report.champion, title) == (poor.name, f"000002-{report.challenger}")
    assert title is not None
    assert load(shelf.path(title)).name == report.challenger
    assert shelf.titles()[0] == f"000001-{poor.name}"  # to go back to


def test_a_challenger_of_weights_that_are_in_force_no_more_is_not_promoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody promotes others while it is trained."""
    promoted(tmp_path / "shelf", rival("gru", 0.6, "recurrent"))

    def beside(*given: Any) -> Contest:
        promoted(tmp_path / "shelf", rival("gru", 0.02, "recurrent"))
        return fight(*given)

    monkeypatch.setattr("streamer.retraining.retrain.fight", beside)

    report = retrain(configuration(tmp_path, "gru", {"epochs": 3}), Clock())

    title = Shelf(tmp_path / "shelf").current()
    assert report.contest.improvement_ratio > 0.1
    assert report.verdict == Verdict(False, f"it is better, but {title} was put in force meanwhile")
    assert (title or "").startswith("000002-")


class Kept(NamedTuple):
    """A retraining that has changed nothing, and where."""

    report: Report
    config: Config
    shelf: Shelf


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("kept")
    config = configuration(folder, training={"learning_rate": 1e-9}, later_ratio=0.25)
    return Kept(retrain(config, Clock()), config, Shelf(folder / "shelf"))


def test_a_challenger_that_is_no_better_is_not(kept: Kept) -> None:
    report = kept.report

    assert not report.verdict.is_promoted
    assert report.verdict.why.startswith("its CRPS is better by ")
    assert report.champion == load(shipped("gru")).name
    assert kept.shelf.current() is None


def test_everything_is_on_the_shelf_and_says_the_same(kept: Kept) -> None:
    report, newest = kept.report, kept.shelf.note(NOTE)
    [page, told] = [next((kept.shelf.root / "reports").glob(f"*.{suffix}")) for suffix in ("md", "json")]

    assert newest is not None
    assert msgspec.json.decode(newest, type=Report) == report == msgspec.json.decode(told.read_bytes(), type=Report)
    assert page.name == "2026-01-06T114650Z.md"
    assert f"| champion | {report.champion} | {report.contest.champion.crps:.4f} |" in page.read_text()
    assert "# Retraining of pumps: not promoted" in page.read_text()
    assert report.duration_seconds == 10.0


def test_what_is_judged_is_later_than_what_is_trained_on(kept: Kept) -> None:
    report = kept.report

    assert report.readings == LENGTH * SERIES
    assert report.readings_trained == LENGTH * SERIES * 3 // 4
    assert report.contest.judged == LENGTH * SERIES // 4
    assert report.contest.series == SERIES
    assert report.first < report.later < report.last


def test_a_file_without_readings_is_told(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    (tmp_path / "pumps.csv").write_text("series,time,value\n")

    with pytest.raises(ConfigError, match="retraining: Expected readings in the window, got none"):
        retrain(config, Clock())


def test_a_group_without_a_shelf_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    bare = msgspec.structs.replace(config, groups=[msgspec.structs.replace(config.groups[0], artifact=None)])

    with pytest.raises(ConfigError, match="artifact of group 'pumps': Expected a shelf, a directory, got None"):
        retrain(bare, Clock())


def test_the_daemon_tells_how_the_last_one_went(kept: Kept) -> None:
    report, metrics = kept.report, Metrics(["pumps"])
    watch = ShelfWatch(kept.config.groups, metrics, lambda: 0.0, Inline(), look_seconds=0.0)

    news = [*watch.news(), *watch.news()]

    page = metrics.render(openmetrics=False).decode()
    assert news == []
    assert f'streamer_retraining_timestamp_seconds{{group="pumps"}} {report.started_timestamp_seconds:.9e}'[:60] in page
    assert 'streamer_retraining_duration_seconds{group="pumps"} 10.0' in page
    assert 'streamer_retraining_promoted{group="pumps"} 0.0' in page
    for model, figures in (("champion", report.contest.champion), ("challenger", report.contest.challenger)):
        assert f'streamer_retraining_crps{{group="pumps",model="{model}"}} {figures.crps}' in page


def test_a_report_that_cannot_be_read_is_told_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config, metrics = configuration(tmp_path), Metrics(["pumps"])
    Shelf(tmp_path / "shelf").put_note(NOTE, b"{}")
    watch = ShelfWatch(config.groups, metrics, lambda: 0.0, Inline(), look_seconds=0.0)

    for _ in range(4):
        watch.news()

    assert caplog.text.count("expected the report of a retraining") == 1
    assert 'streamer_artifact_failures_total{group="pumps"} 1.0' in metrics.render(openmetrics=False).decode()


def test_a_report_that_cannot_be_read_keeps_no_artifact_away(tmp_path: Path) -> None:
    config, better = configuration(tmp_path), rival("gru", 0.02)
    Shelf(tmp_path / "shelf").put_note(NOTE, b"{}")
    watch = ShelfWatch(config.groups, Metrics(["pumps"]), lambda: 0.0, Inline(), look_seconds=0.0)
    promoted(tmp_path / "shelf", better)

    news = [*watch.news(), *watch.news()]

    assert [(one.group, one.artifact.name) for one in news] == [("pumps", better.name)]


def test_a_retraining_that_judges_nothing_keeps_the_champion_and_can_be_read(tmp_path: Path) -> None:
    config, metrics = configuration(tmp_path, later_ratio=0.001, lead_readings=0), Metrics(["pumps"])

    report = retrain(config, Clock())

    assert (report.contest.judged, report.contest.champion.crps) == (0, None)
    assert report.verdict == Verdict(False, "0 readings were judged, of 50 that decide")
    assert msgspec.json.decode(Shelf(tmp_path / "shelf").note(NOTE) or b"", type=Report) == report
    watch = ShelfWatch(config.groups, metrics, lambda: 0.0, Inline(), look_seconds=0.0)
    assert [*watch.news(), *watch.news()] == []
    page = metrics.render(openmetrics=False).decode()
    assert 'streamer_retraining_crps{group="pumps",model="champion"} NaN' in page
