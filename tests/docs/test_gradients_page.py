"""The page's tables and pictures come from what the generator kept, and can drift from nothing."""

import pytest

from docs.gradients.page import PAGE, PARTS, PICTURES, RESULTS, SOURCES, load, pictures, sections, with_sections

TEXT = PAGE.read_text(encoding="utf-8")


def test_every_part_was_measured() -> None:
    assert load().keys() == {part.name for part in PARTS}


def test_the_tables_are_those_of_the_results() -> None:
    assert with_sections(TEXT, sections(load())) == TEXT, "run `python -m docs.gradients --write`"


def test_the_pictures_are_those_of_the_results() -> None:
    drawn = pictures(load())

    kept = {path.name: path.read_text(encoding="utf-8") for path in PICTURES.glob("gradients-*.svg")}
    assert kept == drawn, "run `python -m docs.gradients --write`"
    assert [name for name in drawn if f"](pictures/{name})" not in TEXT] == []


def test_no_number_of_a_table_is_written_by_hand() -> None:
    made = "".join(sections(load()).values())

    tables = [line for line in TEXT.splitlines() if line.startswith("|")]

    assert tables
    assert [line for line in tables if line not in made] == []


@pytest.mark.parametrize("name", [*(part.name for part in PARTS), *SOURCES])
def test_a_page_without_the_marks_of_a_part_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"expected the marks of '{name}', got none"):
        with_sections(TEXT.replace(f"<!-- {name}: end -->", ""), {name: ""})


def test_the_machine_of_every_figure_is_named() -> None:
    assert RESULTS.exists()
    assert [name for name, measured in load().items() if "torch" not in measured.machine] == []
