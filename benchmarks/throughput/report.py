"""What was measured, as tables for people: the terminal's and the section of RESULTS.md are the same text."""

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from streamer.metrics import PHASES
from throughput.meter import Sample

_BEGIN, _END = "<!-- throughput: begin -->\n", "<!-- throughput: end -->"
_LIBRARIES = ("torch", "numpy", "kafka-python", "msgspec", "orjson")


@dataclass(frozen=True, slots=True)
class Measurement:
    """The repetitions of one road at one number of series."""

    road: str
    series: int
    target: int | None  # readings per CPU second
    samples: Sequence[Sample]

    @property
    def rates(self) -> list[float]:
        """Readings per CPU second, rising."""
        return sorted(sample.readings / sample.cpu_seconds for sample in self.samples)

    def summary(self) -> list[str]:
        """A row of the table of rates."""
        rates = self.rates
        target = "" if self.target is None else f"{self.target:,} ({median(rates) / self.target:.2f} of it reached)"
        return [
            self.road,
            f"{self.series:,}",
            f"{median(rates):,.0f}",
            f"{rates[0]:,.0f} to {rates[-1]:,.0f}",
            target,
            f"{self.samples[0].readings:,}",
        ]

    def stages(self) -> list[str]:
        """A row of the table of stages: microseconds a reading, the median of each over the repetitions."""
        costs = [self._microseconds([sample.phase_seconds[phase] for sample in self.samples]) for phase in PHASES]
        costs.append(self._microseconds([sample.rest_seconds for sample in self.samples]))
        costs.append(self._microseconds([sample.wall_seconds for sample in self.samples]))
        costs.append(self._microseconds([sample.cpu_seconds for sample in self.samples]))
        return [self.road, f"{self.series:,}", *(f"{cost:.2f}" for cost in costs)]

    def _microseconds(self, seconds: Sequence[float]) -> float:
        return median(cost / sample.readings for cost, sample in zip(seconds, self.samples, strict=True)) * 1e6


def section(measurements: Sequence[Measurement], cell: str, kafka: str) -> str:
    """Both tables with what must be known to read them. ``kafka`` is the broker, empty where there was none."""
    rates = ["road", "series", "readings per CPU second", "spread", "target", "readings a repetition"]
    stages = ["road", "series", *PHASES, "rest", "wall", "CPU"]
    return "\n".join(
        [
            f"{machine()}{f', {kafka}' if kafka else ''}; cell {cell}, 32 hidden units, one channel.",
            "",
            f"Median of {len(measurements[0].samples)} repetitions, CPU time of the whole process:",
            "",
            *table(rates, [measurement.summary() for measurement in measurements]),
            "",
            "Where the time goes, in µs a reading. Phases are wall time: `poll` and `deliver` wait for the broker, all",
            "of them for the client's threads and whatever else the machine runs. `rest` is accounting, the exporter",
            "and what no phase covers.",
            "",
            *table(stages, [measurement.stages() for measurement in measurements]),
            "",
        ]
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table that reads well as text: the first column to the left, all others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [
        [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]
        for cells in (header, rule, *rows)
    ]
    return [f"| {' | '.join(line)} |" for line in lines]


def machine() -> str:
    """The processor and the libraries."""
    cpuinfo = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.exists() else []
    processor = f"{names[0]}, {len(names)} cores" if names else platform.processor() or platform.machine()
    libraries = ", ".join(f"{library} {version(library)}" for library in _LIBRARIES)
    return f"{processor}; Python {platform.python_version()}, {libraries}"


@dataclass(frozen=True, slots=True)
class Section:
    """The part of a file that this benchmark writes, between two comments."""

    path: Path
    before: str
    after: str

    @staticmethod
    def of(path: Path) -> "Section":
        """Find it.

        Raises:
            ValueError: the file has no such section.
        """
        before, has_begin, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
        _, has_end, after = rest.partition(_END)
        if not has_begin or not has_end:
            raise ValueError(f"{path}: expected the lines {_BEGIN.strip()!r} and {_END!r}, got no such section")
        return Section(path, before, after)

    def put(self, text: str) -> None:
        """Write the file with this text in the section's place."""
        self.path.write_text(f"{self.before}{_BEGIN}{text}{_END}{self.after}", encoding="utf-8")
