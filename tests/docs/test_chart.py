"""Charts as SVG."""

import math
import xml.etree.ElementTree as ET

import pytest

from docs.gradients.chart import Axis, Line, Panel, draw

ACROSS, UP = Axis("lag", (0, 10)), Axis("norm", (1e-3, 1, 1e3), is_logarithmic=True)


def lines(svg: str) -> list[dict[str, str]]:
    """The attributes of all lines, those of the legend last."""
    found = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}path")
    return [path.attrib for path in found if path.attrib["class"] == "line"]


@pytest.mark.parametrize(("value", "place"), [(1e-3, 0.0), (1.0, 0.5), (1e3, 1.0)])
def test_a_logarithmic_axis_gives_each_decade_the_same_room(value: float, place: float) -> None:
    assert UP.place(value) == pytest.approx(place)


@pytest.mark.parametrize("value", [0.0, -1.0, 1e4, math.nan, math.inf])
def test_what_lies_beyond_an_axis_has_no_place(value: float) -> None:
    assert math.isnan(UP.place(value))


def test_a_line_has_a_hole_where_it_leaves_the_axes() -> None:
    line = Line("a", [0, 5, 7, 10], [1, 1e9, 1, 1])

    drawn = lines(draw("holes", [Panel("one", ACROSS, UP, [line])]))[0]["d"]

    assert drawn.count("M") == 2
    assert drawn.count("L") == 1


def test_a_name_has_one_colour_in_all_panels_and_one_entry_in_the_legend() -> None:
    panel = Panel("one", ACROSS, UP, [Line("a & b", [0, 10], [1, 1]), Line("c", [0, 10], [1, 1])])

    svg = draw("colours", [panel, panel])

    strokes = [line["stroke"] for line in lines(svg)]
    assert len(strokes) == 6
    assert len(set(strokes)) == 2
    assert svg.count("a &amp; b") == 1
