"""The shelf of artifacts: one is in force, the newest stay, and a crash leaves a pointer to a whole one."""

import tempfile
from contextlib import closing, suppress
from itertools import product
from pathlib import Path

import pytest

from connectors.errors import StoreError
from connectors.shelf import POINTER, Shelf
from tests.connectors.power import CutDisk, PowerCut

KEPT = 2


def test_an_empty_shelf_has_nothing_in_force(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "absent")

    assert (shelf.current(), shelf.titles()) == (None, [])


def test_what_was_promoted_last_is_in_force() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shelf = Shelf(Path(folder) / "above" / "shelf")
        shelf.promote("gru-a", b"A", KEPT)

        title = shelf.promote("gru-b", b"B", KEPT)

        assert shelf.current() == title == "000002-gru-b"
        assert shelf.load(title) == b"B"


def test_the_newest_stay_for_a_roll_back(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)

    for artifact in "abcd":
        shelf.promote(artifact, artifact.encode(), KEPT)

    assert shelf.titles() == ["000003-c", "000004-d"]


def test_rolling_back_points_at_what_is_there_and_removes_nothing(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    first, second = (shelf.promote(artifact, artifact.encode(), KEPT) for artifact in "ab")

    shelf.point(first)

    assert (shelf.current(), shelf.titles()) == (first, [first, second])


def test_what_is_in_force_is_not_removed_however_old_it_is(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    first, second, third = (shelf.promote(artifact, artifact.encode(), 3) for artifact in "abc")

    again = shelf.promote("a", b"a", KEPT)

    assert (again, shelf.current()) == (first, first)
    assert shelf.titles() == [first, third]
    assert second not in shelf.titles()


def test_what_was_in_force_stays_and_not_what_was_gone_back_from(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    first, second = (shelf.promote(artifact, artifact.encode(), KEPT) for artifact in "ab")
    shelf.point(first)

    third = shelf.promote("c", b"c", KEPT)

    assert (shelf.current(), shelf.former()) == (third, [first])
    assert shelf.titles() == [first, third]
    assert second not in shelf.titles()


def test_what_is_promoted_again_can_be_gone_back_from(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    first, second = (shelf.promote(artifact, artifact.encode(), KEPT) for artifact in "ab")

    shelf.promote("a", b"a", KEPT)

    assert (shelf.current(), shelf.former()) == (first, [second])


def test_what_is_not_there_any_more_cannot_be_gone_back_to(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    first, second, third = (shelf.promote(artifact, artifact.encode(), 3) for artifact in "abc")
    shelf.path(second).unlink()

    assert (shelf.current(), shelf.former()) == (third, [first])


def test_only_what_is_there_can_be_put_in_force(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.promote("a", b"a", KEPT)

    with pytest.raises(StoreError, match="expected one of 000001-a, got '000007-z'"):
        shelf.point("000007-z")


def test_a_pointer_that_names_no_artifact_is_told(tmp_path: Path) -> None:
    (tmp_path / POINTER).write_text("../elsewhere\n")

    with pytest.raises(StoreError, match=r"expected the title of an artifact, got '\.\./elsewhere'"):
        Shelf(tmp_path).current()


def test_a_note_is_replaced_as_a_whole(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert shelf.note("retrain.json") is None

    shelf.put_note("retrain.json", b"a longer one")
    shelf.put_note("retrain.json", b"short")

    assert shelf.note("retrain.json") == b"short"


def test_a_power_cut_at_any_call_leaves_a_pointer_to_a_whole_artifact(tmp_path: Path) -> None:
    """For every call, before and after it, with names that the system had synced by itself and without."""
    for cut, is_done, has_new_names in product(range(calls_uncut(tmp_path)), (False, True), (False, True)):
        base = Path(tempfile.mkdtemp(dir=tmp_path))
        (base / "disk").mkdir()
        with closing(CutDisk(base / "disk", cut, is_done)) as disk:
            told = promote_three(disk, base)
            disk.copy_what_is_left(base / "left", has_new_names=has_new_names)

        left = Shelf(base / "left")
        current = left.current()
        assert current is not None or not told
        if current is not None:
            assert left.load(current) == current.partition("-")[2].encode() * 100
            assert current >= max(told, default="")


def calls_uncut(folder: Path) -> int:
    base = Path(tempfile.mkdtemp(dir=folder))
    (base / "disk").mkdir()
    with closing(CutDisk(base / "disk", 10**9, is_done=True)) as disk:
        assert promote_three(disk, base) == {"000001-a", "000002-b", "000003-c"}
        return disk.calls


def promote_three(disk: CutDisk, base: Path) -> set[str]:
    """Promote three artifacts, as far as the disk goes along. -> what was said to be in force."""
    shelf, told = Shelf(base / "disk", disk), set()
    with suppress(PowerCut):
        for artifact in "abc":
            told.add(shelf.promote(artifact, artifact.encode() * 100, KEPT))
    return told
