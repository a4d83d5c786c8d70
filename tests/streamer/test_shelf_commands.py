"""Promoting and rolling back: what is in force, what is left to go back to, and what is refused."""

from pathlib import Path

import pytest

from connectors.errors import ConfigError
from connectors.shelf import Shelf
from models.artifact import load, save, shipped
from streamer.artifacts import artifact_of, shelf_of
from streamer.config import GroupOptions
from streamer.shelf_commands import promote, rollback
from tests.streamer.heirs import settings
from tests.streamer.rivals import rival

KEPT = 3


def group(folder: Path) -> GroupOptions:
    return settings(folder).groups[0]


def saved(folder: Path, size: float = 0.02, cell: str = "gru") -> Path:
    path = folder / f"{size}.safetensors"
    save(rival(cell, size), path)
    return path


def test_the_first_one_stands_behind_the_shipped_one_to_go_back_to(tmp_path: Path) -> None:
    ours, shelf = group(tmp_path / "shelf"), Shelf(tmp_path / "shelf")
    path = saved(tmp_path)

    turned = promote(ours, path, KEPT)

    before, now = f"000001-{load(shipped('gru')).name}", f"000002-{load(path).name}"
    assert turned == (now, before)
    assert shelf.titles() == [before, now]
    assert artifact_of(ours).name == load(path).name


def test_going_back_goes_one_back_at_a_time(tmp_path: Path) -> None:
    ours, shelf = group(tmp_path / "shelf"), Shelf(tmp_path / "shelf")
    for size in (0.02, 0.04):
        promote(ours, saved(tmp_path, size), KEPT)
    first, second, third = shelf.titles()

    turns = [rollback(ours, None), rollback(ours, None)]

    assert turns == [(second, third), (first, second)]
    assert artifact_of(ours).name == load(shipped("gru")).name
    assert shelf.titles() == [first, second, third]


def test_going_back_is_to_what_was_in_force_and_not_to_what_was_gone_back_from(tmp_path: Path) -> None:
    ours, shelf = group(tmp_path / "shelf"), Shelf(tmp_path / "shelf")
    promote(ours, saved(tmp_path, 0.02), KEPT)
    rollback(ours, None)
    promote(ours, saved(tmp_path, 0.04), KEPT)
    first, _, third = shelf.titles()

    assert rollback(ours, None) == (first, third)


def test_going_back_may_name_where_to(tmp_path: Path) -> None:
    ours, shelf = group(tmp_path / "shelf"), Shelf(tmp_path / "shelf")
    for size in (0.02, 0.04):
        promote(ours, saved(tmp_path, size), KEPT)
    first, _, third = shelf.titles()

    assert rollback(ours, first).title == first
    assert rollback(ours, third).title == third
    assert shelf.current() == third


def test_there_is_nothing_before_the_first(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Expected one of no artifacts, got none"):
        rollback(group(tmp_path), None)


def test_a_title_that_is_not_there_is_refused(tmp_path: Path) -> None:
    ours = group(tmp_path / "shelf")
    promote(ours, saved(tmp_path), KEPT)

    with pytest.raises(ConfigError, match=r"Expected one of 000001-gru.*, 000002-gru.*, got 000009-x"):
        rollback(ours, "000009-x")


def test_what_is_damaged_is_not_gone_back_to(tmp_path: Path) -> None:
    ours, shelf = group(tmp_path / "shelf"), Shelf(tmp_path / "shelf")
    now, before = promote(ours, saved(tmp_path), KEPT)
    assert before is not None
    shelf.path(before).write_bytes(b"torn")

    with pytest.raises(ConfigError, match="Expected a safetensors artifact"):
        rollback(ours, None)

    assert shelf.current() == now


@pytest.mark.parametrize(("cell", "told"), [("lstm", "Expected cell 'gru', got 'lstm'")])
def test_an_artifact_of_another_cell_is_not_promoted(cell: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told):
        promote(group(tmp_path / "shelf"), saved(tmp_path, cell=cell), KEPT)

    assert Shelf(tmp_path / "shelf").current() is None


def test_a_group_whose_artifact_is_a_file_has_no_shelf(tmp_path: Path) -> None:
    path = saved(tmp_path)
    ours = group(path)

    assert shelf_of(ours) is None
    with pytest.raises(ConfigError, match=r"artifact of group 'pumps': Expected a shelf, a directory, got .*0\.02"):
        promote(ours, path, KEPT)
