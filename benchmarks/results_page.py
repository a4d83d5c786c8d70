"""The page of figures: its tables, the machine they were measured on, and the section that a benchmark may write."""

import argparse
import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[1] / "RESULTS.md"
_LIBRARIES = ("torch", "numpy", "kafka-python", "msgspec", "orjson")


def add_data(parser: argparse.ArgumentParser) -> None:
    """The option ``--data`` of a benchmark on real files."""
    folder = os.environ.get("STREAMER_DATA")
    parser.add_argument(
        "--data",
        type=Path,
        default=folder,
        required=folder is None,
        help="the archives' folder, else $STREAMER_DATA",
    )


def parsed(parser: argparse.ArgumentParser, section: str) -> argparse.Namespace:
    """The options of a benchmark. ``--markdown`` is among them: the section that it writes, or None.

    section: its name, in which "{device}" stands for the option of that name. A page without the section ends the
    benchmark before anything is measured.
    """
    parser.add_argument(
        "--markdown", type=Path, nargs="?", const=RESULTS, metavar="FILE", help="write the section of RESULTS.md"
    )
    options = parser.parse_args()
    if options.markdown is not None:
        try:
            options.markdown = Section.of(options.markdown, section.format_map(vars(options)))
        except (OSError, ValueError) as error:
            parser.error(str(error))
    return options


def load() -> str:
    """The last line of a section, to be asked for before anything is measured."""
    return f"Load average of the machine at the start: {os.getloadavg()[0]:.1f}.\n"


def tell(report: Iterable[str], section: "Section | None") -> None:
    """Print a report line by line as it is measured; where a section is asked for, write it there with `load`."""
    last, lines = load(), []
    for line in report:
        lines.append(line)
        print(line, flush=True)
    if section is not None:
        section.put("\n".join(lines) + "\n" + last)


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
    """The part of a file that one benchmark writes, between two comments that name it."""

    path: Path
    name: str
    before: str
    after: str

    @staticmethod
    def of(path: Path, name: str) -> "Section":
        """Find it.

        Raises:
            ValueError: the file has no such section.
        """
        before, has_begin, rest = path.read_text(encoding="utf-8").partition(_begin(name))
        _, has_end, after = rest.partition(_end(name))
        if not has_begin or not has_end:
            raise ValueError(
                f"{path}: expected the lines {_begin(name).strip()!r} and {_end(name)!r}, got no such section"
            )
        return Section(path, name, before, after)

    def put(self, text: str) -> None:
        """Write the file with this text in the section's place."""
        self.path.write_text(f"{self.before}{_begin(self.name)}{text}{_end(self.name)}{self.after}", encoding="utf-8")


def _begin(name: str) -> str:
    return f"<!-- {name}: begin -->\n"


def _end(name: str) -> str:
    return f"<!-- {name}: end -->"
