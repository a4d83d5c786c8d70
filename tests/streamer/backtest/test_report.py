"""That the report stands alone, and shows each series with its band, scores, alarms and labelled windows."""

from pathlib import Path

import numpy as np
import pytest

from connectors.errors import ConfigError
from streamer.backtest.accuracy import Accuracy
from streamer.backtest.report import EVENT, MOST_CHANNELS, MOST_POINTS, MOST_SERIES, Measured, page, picture, write
from tests.streamer.backtest.histories import history, opening

LABELS = np.isin(np.arange(100), np.arange(50, 60))


def measured(series: str, *places: int) -> Measured:
    one = history(series, openings=tuple(opening(at) for at in places))
    return one, Accuracy.of(one, LABELS), LABELS


def test_the_page_loads_nothing_from_elsewhere_and_has_all_series() -> None:
    html = page("a & b", [measured("pump <1>"), measured("fan", 52)], is_labelled=True)

    assert "<title>a &amp; b</title>" in html
    assert "<td>pump &lt;1&gt;</td>" in html
    assert 'id="series-0"' in html
    assert 'id="series-1"' in html
    assert "<script src" not in html
    assert "<link" not in html.split("</script>", 1)[1]


def test_a_picture_has_value_band_scores_alarms_and_labelled_windows() -> None:
    one, _, labels = measured("pump", 52)

    drawn = picture(one, labels)

    assert [trace.name for trace in drawn.data if trace.name] == ["expected", "value", "anomaly score", "novelty"]
    np.testing.assert_array_equal(drawn.data[3].y, one.value[:, 0])
    rectangles = [shape for shape in drawn.layout.shapes if shape.type == "rect"]
    (alarm,) = [shape for shape in drawn.layout.shapes if shape.type == "line" and shape.yref == "paper"]
    assert [(shape.x0[:16], shape.x1[:16], shape.fillcolor) for shape in rectangles] == [
        ("2026-01-01T00:50", "2026-01-01T00:59", EVENT)
    ]
    assert alarm.x0.startswith("2026-01-01T00:52")
    assert [shape.y0 for shape in drawn.layout.shapes if shape.type == "line" and shape.yref != "paper"] == [1]


def test_of_a_long_series_the_extremes_are_drawn() -> None:
    one = history(readings=50_000)
    one.value[31_234] = 99

    drawn = picture(one, np.zeros(50_000, dtype=bool))

    assert len(drawn.data[3].y) <= MOST_POINTS
    assert 99 in drawn.data[3].y


def test_of_many_channels_those_that_left_their_band_are_drawn() -> None:
    one = history(channels=9)
    one.value[10:20, 7] = 50

    drawn = picture(one, LABELS)

    names = [axis.title.text for axis in drawn.select_yaxes()]
    assert len(names) == MOST_CHANNELS + 2
    assert "c7" in names


def test_of_many_series_those_with_most_alarms_have_a_picture() -> None:
    many = [measured(f"s{n}", *([3] if n == 29 else [])) for n in range(30)]

    html = page("many", many, is_labelled=False)

    assert 'id="series-29"' in html
    assert f"{30 - MOST_SERIES} series with fewer alarms have no picture" in html


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--report: Expected a file that can be written"):
        write(tmp_path / "no" / "report.html", "title", [], is_labelled=False)
