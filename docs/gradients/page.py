"""The measured parts of docs/gradients.md: how each is made, kept in results.json, and written into the page."""

import inspect
import platform
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from docs.gradients import by_hand, clipping, lags, reach, shape, slopes, truncation

FOLDER = Path(__file__).parent
PAGE, RESULTS, PICTURES = FOLDER.with_suffix(".md"), FOLDER / "results.json", FOLDER.parent / "pictures"
DEFAULT_LAG, DEFAULT_STEPS, DIGITS = 100, 500, 4
Row = TypeVar("Row", bound=msgspec.Struct)


class Measured(msgspec.Struct):
    """What is kept of a part."""

    machine: str
    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """A table of the page, and its picture where it has one."""

    name: str
    row: type[Row]
    seeds: range
    measure: Callable[[range], Iterable[Row]]
    table: Callable[[list[Row]], str]
    chart: Callable[[list[Row]], str] | None = None

    def written(self, measured: Measured) -> str:
        """The table, and how it came about."""
        seeds = "seed 0" if len(self.seeds) == 1 else f"seeds 0 to {len(self.seeds) - 1}"
        return f"{self.table(self.rows(measured))}\n\n*`make gradients`, {seeds}, on {measured.machine}.*"

    def drawn(self, measured: Measured) -> str | None:
        """The picture as SVG."""
        return self.chart and self.chart(self.rows(measured))

    def rows(self, measured: Measured) -> list[Row]:
        """What was kept, as it was measured."""
        return [msgspec.convert(row, self.row) for row in measured.rows]


Results = dict[str, Measured]
AT_DEFAULT_LAG = partial(lags.measure, DEFAULT_LAG, DEFAULT_STEPS, lags.CONTENDERS)
PARTS: tuple[Part[Any], ...] = (
    Part(
        "truncation",
        truncation.Bias,
        range(2),
        truncation.measure_bias,
        truncation.bias_table,
        truncation.bias_chart,
    ),
    Part("windows", truncation.Training, range(1), truncation.measure_training, truncation.training_table),
    Part("slopes", slopes.Growth, range(3), slopes.measure, slopes.growth_table, slopes.growth_chart),
    Part("clipping", clipping.Course, range(2), clipping.measure, clipping.course_table, clipping.course_chart),
    Part("reach", reach.Reach, range(1), reach.measure, reach.reach_table, reach.reach_chart),
    Part(
        "lags",
        lags.Attempt,
        range(1),
        partial(lags.measure, DEFAULT_LAG, DEFAULT_STEPS, lags.CONTENDERS),
        lags.attempt_table,
    ),
    Part("shape", shape.Shape, range(2), shape.measure, shape.shape_table),
)
SOURCES: dict[str, Callable[..., Any]] = {"elman": by_hand.elman_backward, "lstm": by_hand.lstm_backward}


def load() -> Results:
    """What was measured before; empty where there is nothing."""
    return msgspec.json.decode(RESULTS.read_bytes(), type=Results) if RESULTS.exists() else {}


def save(results: Results) -> None:
    """Keep what was measured, a row a line."""
    parts = []
    for name, measured in results.items():
        rows = ",\n".join(_json(row) for row in measured.rows)
        parts.append(f'{_json(name)}: {{"machine": {_json(measured.machine)}, "rows": [\n{rows}\n]}}')
    RESULTS.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def rounded(rows: Iterable[msgspec.Struct]) -> list[dict[str, Any]]:
    """Rows as JSON has them, rounded to `DIGITS`."""
    return [_rounded(msgspec.to_builtins(row)) for row in rows]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value


def machine() -> str:
    """The processor, Python and torch."""
    cpuinfo = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.exists() else []
    processor = names[0] if names else platform.processor() or platform.machine()
    return f"one core of {processor}, Python {platform.python_version()}, torch {version('torch')}"


def sections(results: Results) -> dict[str, str]:
    """What stands between which marks of the page."""
    tables = {part.name: part.written(results[part.name]) for part in PARTS if part.name in results}
    return tables | {name: f"```python\n{inspect.getsource(code)}```" for name, code in SOURCES.items()}


def pictures(results: Results) -> dict[str, str]:
    """File name -> SVG."""
    drawn = {part.name: part.drawn(results[part.name]) for part in PARTS if part.name in results}
    return {f"gradients-{name}.svg": picture for name, picture in drawn.items() if picture}


def with_sections(page: str, found: dict[str, str]) -> str:
    """The page with each section between its marks.

    Raises:
        ValueError: the page lacks the marks of one.
    """
    for name, text in found.items():
        begin, end = f"<!-- {name}: begin -->\n", f"\n<!-- {name}: end -->"
        before, has_begin, rest = page.partition(begin)
        _, has_end, after = rest.partition(end)
        if not has_begin or not has_end:
            raise ValueError(f"docs/gradients.md: expected the marks of {name!r}, got none")
        page = f"{before}{begin}{text}{end}{after}"
    return page
