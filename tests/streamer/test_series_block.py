"""The rows of single series on the page, read back by the Prometheus client's own parsers."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from connectors.columns import Ahead
from streamer.series_block import FAMILIES, SeriesBlock, SeriesSnapshot


def snapshot(series: int = 3, channels: tuple[str, ...] = ("flow", "heat"), group: str = "pumps") -> SeriesSnapshot:
    random = np.random.default_rng(series)
    names = tuple(f"pump-{number}" for number in range(series))
    value, forecast, lower, upper = random.normal(size=(4, series, len(channels)))
    score, score_max = random.random((2, series))
    return SeriesSnapshot(group, channels, names, value, forecast, lower, upper, score, score_max, score_max / 10)


def render(snapshots: list[SeriesSnapshot], openmetrics: bool) -> bytes:
    return SeriesBlock().render(snapshots, openmetrics)


def parse_openmetrics(page: str) -> list[Metric]:
    return list(openmetrics_parser.text_string_to_metric_families(page))  # type: ignore[no-untyped-call]


def rows(page: bytes) -> dict[tuple[str, ...], float]:
    """Every row of a page by name and label values, as the client's parser reads it. Doubles are an error."""
    samples = [sample for family in text_string_to_metric_families(page.decode()) for sample in family.samples]
    found = {(sample.name, *sample.labels.values()): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def test_the_page_says_what_the_snapshot_holds() -> None:
    shot = snapshot()

    found = rows(render([shot], openmetrics=False))

    for name, column, labels, _ in FAMILIES:
        numbers = getattr(shot, column)
        for row, series in enumerate(shot.series):
            if labels == ("group", "series"):
                assert found.pop((name, "pumps", series)) == numbers[row]
            else:
                for place, channel in enumerate(shot.channels):
                    assert found.pop((name, "pumps", series, channel)) == numbers[row, place]
    assert not found


@pytest.mark.parametrize("series", [0, 1, 1_000])
def test_a_page_of_any_size_has_every_row(series: int) -> None:
    assert len(rows(render([snapshot(series)], openmetrics=False))) == series * (4 * 2 + 3)


def test_openmetrics_ends_with_its_end_mark_once() -> None:
    page = render([snapshot(), snapshot(group="fans")], openmetrics=True)

    families = parse_openmetrics(page.decode())

    assert page.count(b"# EOF\n") == 1
    assert [family.name for family in families] == [family.name for family in FAMILIES]
    assert all(family.type == "gauge" for family in families)


def test_rows_of_one_metric_stand_together_whatever_the_number_of_groups() -> None:
    page = render([snapshot(), snapshot(group="fans")], openmetrics=False)

    assert page.count(b"# TYPE ") == len(FAMILIES)
    assert len(rows(page)) == 2 * 3 * (4 * 2 + 3)


def test_a_missing_number_leaves_its_row_out() -> None:
    shot = snapshot()
    shot.value[1, 0] = np.nan
    shot.anomaly_score[2] = np.nan

    found = rows(render([shot], openmetrics=False))

    assert ("streamer_series_value", "pumps", "pump-1", "flow") not in found
    assert ("streamer_series_anomaly_score", "pumps", "pump-2") not in found
    assert len(found) == 3 * (4 * 2 + 3) - 2


def test_a_metric_without_any_row_leaves_its_heading_out() -> None:
    shot = snapshot()
    shot.forecast[:] = np.nan

    assert b"# TYPE streamer_series_forecast gauge" not in render([shot], openmetrics=False)


def test_pages_of_changing_fleets_never_mix() -> None:
    block = SeriesBlock()
    fleets = [[snapshot(3)], [snapshot(4), snapshot(group="fans")], [snapshot(3, ("flow", "noise"))], [snapshot(3)]]

    for fleet in fleets:
        assert block.render(fleet, openmetrics=True) == render(fleet, openmetrics=True)


def test_series_that_left_the_page_are_not_kept_in_memory() -> None:
    class Name(str):
        """A name whose end can be seen."""

        __slots__ = ("__weakref__",)

    block = SeriesBlock()
    leaving = snapshot(1)
    name = Name("pump-0")
    seen = weakref.ref(name)
    block.render([replace(leaving, series=(name,))], openmetrics=False)
    del name

    block.render([leaving], openmetrics=False)

    gc.collect()
    assert seen() is None


def test_a_second_page_of_the_same_series_has_the_new_numbers() -> None:
    block = SeriesBlock()
    before = snapshot()
    after = replace(before, anomaly_score=before.anomaly_score + 1)
    block.render([before], openmetrics=False)

    found = rows(block.render([after], openmetrics=False))

    assert found["streamer_series_anomaly_score", "pumps", "pump-0"] == after.anomaly_score[0]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5, unique=True))
@settings(deadline=None)
def test_any_name_survives_as_a_label(names: list[str]) -> None:
    one = np.ones((len(names), 1))
    shot = SeriesSnapshot(names[0], (names[-1],), tuple(names), one, one, one, one, one[:, 0], one[:, 0], one[:, 0])

    page = render([shot], openmetrics=True).decode()

    family = parse_openmetrics(page)[0]
    assert [sample.labels for sample in family.samples] == [
        {"group": names[0], "series": name, "channel": names[-1]} for name in names
    ]


def test_a_group_that_looks_further_names_the_horizon_of_each_forecast() -> None:
    near, far = snapshot(group="fans"), snapshot()
    further = np.arange(12.0).reshape(3, 2, 2)
    far = replace(far, ahead=Ahead((12, 24), further, further - 1, further + 1))

    found = rows(render([near, far], openmetrics=False))

    for row, series in enumerate(far.series):
        for place, channel in enumerate(far.channels):
            labels = ("pumps", series, channel)
            assert found["streamer_series_forecast", *labels, "1"] == far.forecast[row, place]
            for number, horizon in enumerate(("12", "24")):
                assert found["streamer_series_forecast", *labels, horizon] == further[row, place, number]
                assert found["streamer_series_forecast_lower", *labels, horizon] == further[row, place, number] - 1
                assert found["streamer_series_forecast_upper", *labels, horizon] == further[row, place, number] + 1
            assert ("streamer_series_value", *labels) in found
            assert ("streamer_series_forecast", "fans", series, channel) in found
    assert len(found) == 3 * (4 * 2 + 3) + 3 * ((1 + 3 * 3) * 2 + 3)


def test_a_horizon_that_came_to_the_page_is_not_written_into_the_lines_of_before() -> None:
    block, shot = SeriesBlock(), snapshot()
    before = block.render([shot], openmetrics=False)
    further = np.ones((3, 2, 1))

    block.render([replace(shot, ahead=Ahead((12,), further, further, further))], openmetrics=False)

    assert block.render([shot], openmetrics=False) == before
