"""The line from Hopfield to attention names, for each idea, the file that implements it or why none does."""

import re
from pathlib import Path

import pytest

from models.cells import CELLS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "background.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
IDEAS = [[cell.strip() for cell in row.strip("|").split("|")] for row in ROWS]
LINK = re.compile(r"\]\(([^)]+)\)")


@pytest.mark.parametrize("idea", IDEAS, ids=lambda idea: f"{idea[0]} {idea[1][:20]}")
def test_an_idea_has_a_file_that_exists_or_a_reason_why_none_does(idea: list[str]) -> None:
    here = idea[-1]

    files = LINK.findall(here)

    assert [file for file in files if not (DOCS / file).is_file()] == []
    assert files or re.match(r"none: \w+", here)


def test_the_line_goes_from_hopfield_to_attention() -> None:
    named = ["Hopfield", "Boltzmann", "Jordan", "Elman", "LSTM", "GRU", "attention"]

    assert [name for name in named if not any(name in idea[1] for idea in IDEAS)] == []


def test_every_cell_has_its_place() -> None:
    files = {(DOCS / file).resolve().stem for idea in IDEAS for file in LINK.findall(idea[-1])}

    assert CELLS.keys() - files == set()
