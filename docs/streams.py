"""Draws docs/pictures/streams.svg: a stream of each family that the shipped weights were trained on."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.training.streams import draw
from models.training.streams.clock import Clock
from models.training.streams.families import FAMILIES

PICTURE = Path(__file__).parent / "pictures" / "streams.svg"
READINGS, INTERVAL_SECONDS = 400, 1800.0
COLUMNS, ROWS_OF_DRAWN = 4, 2
CELL_WIDTH, CELL_HEIGHT, LINE_HEIGHT, MARGIN = 236, 92, 56, 16
STYLE = """
text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#4b5563}
polyline{fill:none;stroke:#1f4e8c;stroke-width:1}.drawn{stroke:#9a5b13}
"""


def picture(seed: int = 5) -> str:
    """The families on one clock, and below them streams as they are drawn in the end, as SVG."""
    rng = np.random.default_rng(seed)
    clock = Clock(np.array([INTERVAL_SECONDS]), INTERVAL_SECONDS * np.arange(float(READINGS))[:, None])
    panels = [_panel(kind.name, kind.make(rng, clock)[:, 0], "") for kind in FAMILIES]
    drawn = draw(rng, READINGS, COLUMNS * ROWS_OF_DRAWN)
    values = np.where(drawn.present, drawn.values, np.nan)[:, :, 0].T
    panels += [_panel("mixed, with units and flaws", value, "drawn") for value in values]
    width = COLUMNS * CELL_WIDTH + MARGIN
    height = -(-len(panels) // COLUMNS) * CELL_HEIGHT + MARGIN
    placed = (
        f'<g transform="translate({MARGIN + column * CELL_WIDTH} {MARGIN + row * CELL_HEIGHT})">{panel}</g>'
        for (row, column), panel in ((divmod(n, COLUMNS), panel) for n, panel in enumerate(panels))
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="t">',
            '<title id="t">A synthetic stream of each family</title>',
            f"<style>{STYLE}</style>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff" stroke="#e5e7eb"/>',
            *placed,
            "</svg>\n",
        ]
    )


def _panel(name: str, values: NDArray[np.float64], kind: str) -> str:
    """One line under its name, NaN where it is broken. values: (T,)."""
    low, high = np.nanmin(values), np.nanmax(values)
    y = 14 + (high - values) / max(high - low, 1e-12) * LINE_HEIGHT
    x = np.arange(len(values)) / len(values) * (CELL_WIDTH - MARGIN)
    pieces = np.split(np.arange(len(values)), np.flatnonzero(np.isnan(values)))
    lines = (
        f'<polyline class="{kind}" points="{_points(x[piece], y[piece])}"/>'
        for piece in (piece[~np.isnan(values[piece])] for piece in pieces)
        if len(piece)
    )
    return f'<text y="6">{name.replace("_", " ")}</text>{"".join(lines)}'


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    print(f"written: {PICTURE}")
