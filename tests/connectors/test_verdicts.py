"""The directory of verdicts: the last word on each alarm, whole, whoever wrote it."""

from pathlib import Path

import pytest
from typing_extensions import override

from connectors.disk import PARTIAL, Disk
from connectors.errors import StoreError
from connectors.verdicts import Verdicts
from tests.connectors.verdict_samples import verdict_of


def test_every_alarm_has_a_verdict_of_its_own(tmp_path: Path) -> None:
    ours, theirs = Verdicts(tmp_path / "feedback"), Verdicts(tmp_path / "feedback")
    one, other = verdict_of("a1", note="cleaning"), verdict_of("b2", "true")

    paths = [ours.put(other), theirs.put(one)]

    assert ours.all() == [one, other]
    assert [path.name for path in paths] == ["b2.json", "a1.json"]


def test_the_last_word_on_an_alarm_counts(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path)
    verdicts.put(verdict_of("a1", "false"))

    verdicts.put(verdict_of("a1", "true"))

    assert verdicts.all() == [verdict_of("a1", "true")]


def test_a_verdict_is_taken_back_by_removing_its_file(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path)
    verdicts.put(verdict_of("a1"))

    verdicts.put(verdict_of("b2")).unlink()

    assert verdicts.all() == [verdict_of("a1")]


def test_where_nobody_has_said_anything_there_is_none(tmp_path: Path) -> None:
    assert Verdicts(tmp_path / "none").all() == []


def test_what_a_killed_writer_left_is_no_verdict(tmp_path: Path) -> None:
    (tmp_path / f"a1.json.0123{PARTIAL}").write_bytes(b'{"alarm_id"')

    assert Verdicts(tmp_path).all() == []


def test_no_identity_leads_out_of_the_directory(tmp_path: Path) -> None:
    path = Verdicts(tmp_path / "feedback").put(verdict_of("../a1"))

    assert path.parent == tmp_path / "feedback"
    assert [one.name for one in tmp_path.iterdir()] == ["feedback"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "expected a verdict, got: Input data was truncated"),
        (b'{"alarm_id": "a1"}', "expected a verdict, got: Object missing required field"),
        (b'{"alarm_id": "a1", "verdict": "perhaps"}', "expected a verdict, got: "),
    ],
)
def test_what_is_no_verdict_is_told_with_its_file(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "a1.json").write_bytes(content)

    with pytest.raises(StoreError, match=rf"a1\.json: {told}"):
        Verdicts(tmp_path).all()


def test_a_verdict_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    class Full(Disk):
        @override
        def replace(self, old: Path, new: Path) -> None:
            raise OSError("no space left")

    Verdicts(tmp_path).put(verdict_of("a1", "false"))

    with pytest.raises(StoreError, match="expected to keep a verdict, got no space left"):
        Verdicts(tmp_path, Full()).put(verdict_of("a1", "true"))

    assert Verdicts(tmp_path).all() == [verdict_of("a1", "false")]
