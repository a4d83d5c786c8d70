"""A drift is written and counted once, read of in the log, and told again by nobody who steps in silence."""

import logging
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from connectors.drifts import Drifts
from connectors.ports import Assigned
from streamer import config, epoch
from streamer.metrics import Metrics
from tests.connectors.columns_samples import FIRST_TIMESTAMP, drifts_of
from tests.streamer.rig import CONFIG, FIRST, Rig, batch

QUIET, LOUD = 480, 240  # readings
READINGS_AN_EPOCH = 16


def settings(**choices: object) -> config.Config:
    raw = msgspec.to_builtins(CONFIG)
    raw["groups"][0] |= {"forecaster": "ewma", **choices}
    return config.parse(raw, "test")


def script() -> list[object]:
    """Readings of one series that are far out now and then, later on."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=QUIET + LOUD)
    values[QUIET:] *= np.where(rng.random(LOUD) < 0.3, 30, 1)
    return [Assigned((FIRST,)), batch(FIRST, 0, values[:QUIET].tolist()), batch(FIRST, QUIET, values[QUIET:].tolist())]


@pytest.fixture(autouse=True)
def short_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch, "MAX_READINGS", READINGS_AN_EPOCH)


def test_a_drift_is_written_counted_and_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="streamer"):
        rig = Rig(script(), settings=settings()).turn(3)

    written: list[Drifts] = rig.written(Drifts)
    detectors = [detector for drifts in written for detector in drifts.detector]
    minute = 60_000_000_000
    began = min(int(drifts.timestamp[0]) for drifts in written) // minute % 1440
    assert detectors.count("adwin") >= 1
    assert QUIET < began < QUIET + 8 * READINGS_AN_EPOCH
    assert rig.metric('streamer_drifts_total{detector="adwin",group="pumps"}') == detectors.count("adwin")
    assert rig.metric('streamer_drift_timestamp_seconds{detector="adwin",group="pumps"}') > 1.7e9
    assert "group pumps, " in caplog.text
    assert "the errors have changed, says adwin" in caplog.text


def test_whoever_catches_up_tells_nobody() -> None:
    first = Rig(script(), settings=settings()).turn(3)

    second = Rig(script(), first.committed, first.contents, settings=settings()).turn(3)

    assert first.written(Drifts) != []
    assert second.written(Drifts) == []
    assert second.metric('streamer_drifts_total{detector="adwin",group="pumps"}') == 0
    seen, expected = (next(iter(rig.groups[0].partitions.values())).drift.saved for rig in (second, first))
    assert all(np.array_equal(seen[name], expected[name]) for name in expected)


def test_without_detectors_there_is_no_drift() -> None:
    rig = Rig(script(), settings=settings(drift={"adwin": None, "page_hinkley": None})).turn(3)

    assert rig.written(Drifts) == []


def test_historical_drifts_reach_no_metric() -> None:
    metrics = Metrics(groups=["plant"])

    metrics.drift.noticed(replace(drifts_of(["adwin", "page_hinkley"]), live_from=FIRST_TIMESTAMP + 1))

    page = metrics.render(openmetrics=False).decode()
    assert 'streamer_drifts_total{detector="adwin",group="plant"} 0.0' in page
    assert 'streamer_drifts_total{detector="page_hinkley",group="plant"} 1.0' in page
    assert 'streamer_drift_timestamp_seconds{detector="adwin"' not in page
    assert 'streamer_drift_error_ratio{detector="page_hinkley",group="plant"} 0.125' in page
