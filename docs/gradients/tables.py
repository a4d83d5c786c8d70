"""Tables of the page: Markdown that reads well as text, with numbers of few digits."""

from collections.abc import Sequence
from statistics import median


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with the first column to the left, all others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [
        [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]
        for cells in (header, rule, *rows)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float | None) -> str:
    """Three digits; None is what was not finite."""
    if value is None:
        return "not finite"
    return f"{value:.0e}" if value and not 1e-3 <= abs(value) < 1e4 else f"{value:.3g}"


def spread(values: Sequence[float]) -> str:
    """The median, and the range of the seeds where there are several."""
    if len(values) == 1:
        return number(values[0])
    return f"{number(median(values))} ({number(min(values))} to {number(max(values))})"
