"""Draws a scene as SVG: readings in their band, the score with its line, the novelty, and the alarms that opened."""

import numpy as np
from numpy.typing import NDArray

from docs.detection.scenes import Scene, Told

WIDTH, LEFT, RIGHT = 960, 56, 944
VALUE, SCORE, NOVELTY = (58.0, 218.0), (254.0, 334.0), (370.0, 420.0)  # top and bottom of each panel
HEIGHT = 446
HIGHEST_SCORE = 3.0
MARGIN = 0.06  # of the range of the readings

STYLE = """
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#4b5563}
.title{font-size:15px;font-weight:600;fill:#1f2937}
.frame{fill:none;stroke:#e5e7eb}.band{fill:#c9dcf2}.value{fill:none;stroke:#1f4e8c;stroke-width:1.1}
.score,.novelty{fill:none;stroke:#4b5563;stroke-width:1.1}.line{stroke:#b42318;stroke-dasharray:5 4}
.spike{fill:#b42318}.change{fill:#7c3aed}
"""

Float64 = NDArray[np.float64]


def draw(scene: Scene, told: Told) -> str:
    """The picture of what is shown of a scene."""
    first, last = scene.shown.start, scene.shown.stop
    x = np.linspace(LEFT, RIGHT, last - first)
    lower, upper, value = (column[scene.shown] for column in (told.lower, told.upper, told.value))
    low, high = float(np.nanmin(value)), float(np.nanmax(value))
    limits = low - MARGIN * (high - low), high + MARGIN * (high - low)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t">',
        f'<title id="t">{scene.title}: readings, forecast band, anomaly score and novelty</title>',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff" stroke="#e5e7eb"/>',
        *_legend(scene),
        *(_frame(name, *panel) for name, panel in (("", VALUE), ("anomaly score", SCORE), ("novelty", NOVELTY))),
        _band(x, _placed(lower, limits, VALUE), _placed(upper, limits, VALUE)),
        _curve("value", x, _placed(value, limits, VALUE)),
        _curve("score", x, _placed(told.score[scene.shown], (0.0, HIGHEST_SCORE), SCORE)),
        _curve("novelty", x, _placed(told.novelty[scene.shown], (0.0, 1.0), NOVELTY)),
        *_line(),
    ]
    for reading, kind in told.opened:
        if first <= reading < last:
            parts.append(f'<path class="{kind}" d="M{x[reading - first]:.1f} {VALUE[0] + 12}l-5 -9h10z"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(scene: Scene) -> list[str]:
    return [
        f'<text class="title" x="{LEFT}" y="28">{scene.title}</text>',
        '<rect class="band" x="540" y="18" width="14" height="12"/><text x="560" y="28">forecast band, 99 %</text>',
        '<path class="spike" d="M720 29l-5 -9h10z"/><text x="731" y="28">spike opened</text>',
        '<path class="change" d="M836 29l-5 -9h10z"/><text x="847" y="28">change opened</text>',
    ]


def _frame(name: str, top: float, bottom: float) -> str:
    place = f'x="{LEFT}" y="{top:g}" width="{RIGHT - LEFT}" height="{bottom - top:g}"'
    return f'<rect class="frame" {place}/><text x="{LEFT}" y="{top - 6:g}">{name}</text>'


def _line() -> list[str]:
    y = float(_placed(np.array(1.0), (0.0, HIGHEST_SCORE), SCORE))
    return [
        f'<path class="line" d="M{LEFT} {y:.1f}H{RIGHT}"/>',
        f'<text x="{RIGHT - 4}" y="{y - 5:.1f}" text-anchor="end">1 is the line</text>',
    ]


def _band(x: Float64, lower: Float64, upper: Float64) -> str:
    known = ~np.isnan(lower)
    around = np.concatenate((x[known], x[known][::-1])), np.concatenate((upper[known], lower[known][::-1]))
    return f'<polygon class="band" points="{_points(*around)}"/>'


def _curve(name: str, x: Float64, y: Float64) -> str:
    return f'<polyline class="{name}" points="{_points(x, y)}"/>'


def _placed(values: Float64, limits: tuple[float, float], panel: tuple[float, float]) -> Float64:
    """Heights in a panel, held inside it. (N,) -> (N,)."""
    (low, high), (top, bottom) = limits, panel
    placed: Float64 = bottom - (np.clip(values, low, high) - low) / (high - low) * (bottom - top)
    return placed


def _points(x: Float64, y: Float64) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
