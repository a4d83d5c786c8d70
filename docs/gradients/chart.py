"""Line charts as SVG: panels side by side, which share the legend of their lines."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

PANEL_WIDTH, PANEL_HEIGHT, TOP, LEFT, BETWEEN = 400, 260, 72, 64, 72
COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"),
    *("#8c6d31", "#7f3fbf", "#7f7f7f", "#b42318", "#17becf", "#556b2f", "#9467bd"),
)
LEGEND_COLUMNS, LEGEND_ROW = 4, 20
STYLE = """
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#4b5563}
.title{font-size:15px;font-weight:600;fill:#1f2937}
.grid{stroke:#e5e7eb}.line{fill:none;stroke-width:1.6}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A named line, with a hole where it leaves the axes."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from the first tick to the last."""

    name: str
    ticks: Sequence[float]
    is_logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value lies, from 0 at the first tick to 1 at the last; NaN beyond them."""
        if not self.ticks[0] <= value <= self.ticks[-1]:
            return math.nan
        first, at, last = (
            math.log10(number) if self.is_logarithmic else number for number in (self.ticks[0], value, self.ticks[-1])
        )
        return (at - first) / (last - first)


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes and the lines over them."""

    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line]


def draw(description: str, panels: Sequence[Panel]) -> str:
    """The chart as SVG. A name has one colour in all panels."""
    names = list(dict.fromkeys(line.name for panel in panels for line in panel.lines))
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}
    width = LEFT + len(panels) * (PANEL_WIDTH + BETWEEN) - BETWEEN + 24
    legend_top = TOP + PANEL_HEIGHT + 64
    height = legend_top + math.ceil(len(names) / LEGEND_COLUMNS) * LEGEND_ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="t">',
        f'<title id="t">{escape(description)}</title>',
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff" stroke="#e5e7eb"/>',
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, LEFT + number * (PANEL_WIDTH + BETWEEN), colours)
    for number, (name, colour) in enumerate(colours.items()):
        row, column = divmod(number, LEGEND_COLUMNS)
        x, y = LEFT + column * (width - LEFT) // LEGEND_COLUMNS, legend_top + row * LEGEND_ROW
        parts.append(f'<path class="line" stroke="{colour}" d="M{x} {y - 4}h18"/>')
        parts.append(f'<text x="{x + 24}" y="{y}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, left: int, colours: dict[str, str]) -> list[str]:
    bottom, right = TOP + PANEL_HEIGHT, left + PANEL_WIDTH
    parts = [
        f'<text class="title" x="{left}" y="28">{escape(panel.title)}</text>',
        f'<text x="{left}" y="{TOP - 12}">{escape(panel.y.name)}</text>',
        f'<text x="{(left + right) / 2}" y="{bottom + 38}" text-anchor="middle">{escape(panel.x.name)}</text>',
    ]
    for tick in panel.y.ticks:
        y = bottom - panel.y.place(tick) * PANEL_HEIGHT
        parts.append(f'<path class="grid" d="M{left} {y:.1f}H{right}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{_number(tick)}</text>')
    for tick in panel.x.ticks:
        x = left + panel.x.place(tick) * PANEL_WIDTH
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{_number(tick)}</text>')
    for line in panel.lines:
        path = _path(line, panel, left)
        parts.append(f'<path class="line" stroke="{colours[line.name]}" d="{path}"/>')
    return parts


def _path(line: Line, panel: Panel, left: int) -> str:
    path, is_drawing = [], False
    for x, y in zip(line.x, line.y, strict=True):
        across, up = panel.x.place(x), panel.y.place(y)
        if math.isnan(across + up):
            is_drawing = False
            continue
        command = "L" if is_drawing else "M"
        path.append(f"{command}{left + across * PANEL_WIDTH:.1f} {TOP + (1 - up) * PANEL_HEIGHT:.1f}")
        is_drawing = True
    return "".join(path)


def _number(value: float) -> str:
    """Short: powers of ten far from 1 as such."""
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:g}"
