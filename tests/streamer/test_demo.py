"""The demo: the whole pipeline on real data without a service, as a process and by its findings."""

import re
import subprocess
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import yaml

from docs.readme_parts import TABLE_CHARACTERS, part
from docs.water_flow import INCIDENTS, PICTURE, Judged, draw, judge
from streamer.demo.synthetic import SERIES
from tests.end_to_end.process import STREAMER, DaemonProcess, run, until

CELLS = ("gru", "lstm")
REAL = {"pipeline", "office", "portfolio", "apple", "brent", "bitcoin", "airline"}
README = Path(__file__).parents[2] / "README.md"
REPLAY_SECONDS = 300.0
AS_TEXT = {"COLUMNS": str(TABLE_CHARACTERS), "NO_COLOR": "1"}
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class DemoProcess(DaemonProcess):
    """``streamer demo`` without an end of its own, on a free port."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "demo", folder, **AS_TEXT)
        self._command = [str(STREAMER), "demo", "--port", "0", "--cell", "lstm"]


@pytest.fixture(scope="module", params=CELLS)
def judged(request: pytest.FixtureRequest) -> Judged:
    """The water's flow by the demo's own configuration."""
    return judge(request.param)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    """A demo that has replayed the real series and goes on with the synthetic ones."""
    with DemoProcess(tmp_path_factory.mktemp("demo")) as demo:
        until(lambda: "injected faults" in demo.log or demo.process.poll() is not None, "the table", REPLAY_SECONDS)
        yield demo


@pytest.fixture(scope="module")
def once() -> "subprocess.CompletedProcess[str]":
    """A demo that ends by itself."""
    return run("demo", "--once", "--port", "0", "--cell", "gru", **AS_TEXT)


@pytest.fixture(scope="module", params=CELLS)
def printed(request: pytest.FixtureRequest) -> str:
    """What a demo by each cell has printed: the one that ended, and the live one."""
    by: dict[str, Callable[[], str]] = {
        "gru": lambda: request.getfixturevalue("once").stdout,
        "lstm": lambda: request.getfixturevalue("live").log,
    }
    return by[request.param]()


LARGE = [one for one in INCIDENTS if one != (327, 329)]  # all but the three readings of a little pumping


def rows(table: str) -> dict[str, tuple[int, int, int, float]]:
    """Of each series of a printed table: readings, anomalies, alarms, worst score."""
    lines = [re.split(r"  +", line) for line in table.splitlines() if not line.startswith(" ")]
    data = [cells for cells in lines if len(cells) >= 6 and cells[3].isdecimal()]
    return {
        series: (int(readings.replace(",", "")), int(anomalies), int(alarms), float(score))
        for _, series, readings, anomalies, alarms, score, *_ in data
    }


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_run_once_ends_well(once: "subprocess.CompletedProcess[str]") -> None:
    assert once.returncode == 0, once.stderr


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_there_is_a_row_for_every_real_series(printed: str) -> None:
    assert rows(printed).keys() == REAL | {f"{SERIES} series"}


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("printed", ["gru"], indirect=True)
def test_the_readme_shows_the_table_that_the_demo_prints(printed: str) -> None:
    shown, now = rows(part(README.read_text(), "demo")), rows(printed)

    assert shown.keys() == now.keys(), "run `make docs`"
    for series, (readings, anomalies, alarms, score) in shown.items():
        readings_now, anomalies_now, alarms_now, score_now = now[series]
        assert readings == readings_now, "run `make docs`"
        if series in REAL:  # on another kind of machine a score that is just above the line may be just below it
            assert abs(anomalies - anomalies_now) <= 1, "run `make docs`"
            assert abs(alarms - alarms_now) <= 1, "run `make docs`"
        assert score == pytest.approx(score_now, abs=0.02), "run `make docs`"


@pytest.mark.parametrize("incident", LARGE)
def test_each_large_incident_opens_an_alarm(judged: Judged, incident: tuple[int, int]) -> None:
    first, last = incident

    assert ((judged.opened >= first) & (judged.opened <= last)).any(), f"alarms opened at {judged.opened.tolist()}"


def test_at_most_three_alarms_open_elsewhere(judged: Judged) -> None:
    within = [(judged.opened >= first) & (judged.opened <= last) for first, last in INCIDENTS]

    assert len(judged.opened[~np.logical_or.reduce(within)]) <= 3


@pytest.mark.parametrize("judged", ["gru"], indirect=True)
def test_the_incidents_are_those_that_the_data_show(judged: Judged) -> None:
    normal = np.median(judged.value)
    furthest = [judged.value[first : last + 1][np.abs(judged.value[first : last + 1] - normal).argmax()]
                for first, last in INCIDENTS]  # fmt: skip

    assert [flow < normal / 2 for flow in furthest] == [True, True, False, True]
    assert furthest[2] > normal + 5, "the third one is a small peak"


def test_nothing_is_set_for_any_group_but_where_its_channels_are_and_a_budget_of_the_water() -> None:
    config = yaml.safe_load((resources.files("streamer.demo") / "demo.yaml").read_text())
    groups = {group["name"]: group for group in config["groups"]}

    assert groups["water"].pop("alarm") == {"readings_per_alarm": 168}
    assert all(group.keys() == {"name", "topics", "format", "channels", "cell"} for group in groups.values())
    assert {group["cell"] for group in groups.values()} == {"${CELL:-gru}"}
    assert groups["water"]["channels"] == ["flow"]


@pytest.mark.parametrize("judged", ["gru"], indirect=True)
def test_the_picture_in_the_readme_is_what_the_code_draws_now(judged: Judged) -> None:
    committed, now = PICTURE.read_text(), draw(judged)

    assert NUMBER.sub("#", committed) == NUMBER.sub("#", now), "run `make docs`"
    places, places_now = (np.array(NUMBER.findall(picture), dtype=float) for picture in (committed, now))
    np.testing.assert_allclose(places, places_now, atol=1.0, err_msg="run `make docs`")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_live_demo_has_metrics_of_every_series(live: DemoProcess) -> None:
    def series() -> set[str]:
        return set(
            re.findall(r'^streamer_series_anomaly_score\{.*series="([^"]+)"', live.ask("/metrics")[1], re.MULTILINE)
        )

    shown = live.until(lambda: series() if len(series()) >= len(REAL) + SERIES else None, "all series on the page")

    assert shown >= REAL
    assert len([name for name in shown if name.startswith("synthetic-")]) == SERIES


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_live_demo_goes_on_with_the_synthetic_series_and_shows_its_page(live: DemoProcess) -> None:
    def scored() -> float:
        page = live.ask("/metrics")[1]
        return float(re.findall(r'^streamer_readings_scored_total\{group="synthetic"\} (\S+)', page, re.MULTILINE)[0])

    before = scored()
    live.until(lambda: scored() > before, "another tick")

    status, page = live.ask("/")
    assert status == 200
    assert "<title>" in page


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_live_demo_leaves_when_it_is_told_to(live: DemoProcess) -> None:
    assert live.leave() == 0
    assert "left: everything that was read is delivered" in live.log
