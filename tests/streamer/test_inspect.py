"""`streamer inspect`: what is in a checkpoint or an artifact, and what is wrong with one."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from connectors.directory_store import DirectoryStore
from models.artifact import shipped
from streamer import cli
from streamer.checkpoint import Checkpoint, SavedColumn, encode
from tests.streamer.checkpoints import KEY, a_checkpoint


class Told:
    """Runs the command in this process. -> its exit code, and what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(cli, "set_up_logs", lambda *_: None)  # it would log to this test's streams for ever
        monkeypatch.setattr(os, "_exit", sys.exit)  # the command would end these tests at once, as if all was well
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> tuple[object, str]:
        self._monkeypatch.setattr(sys, "argv", ["streamer", "inspect", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = self._capsys.readouterr()
        return left.value.code, said.out + said.err


@pytest.fixture
def inspect(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(monkeypatch, capsys)


def put(path: Path, checkpoint: Checkpoint) -> Path:
    path.write_bytes(b"".join(encode(checkpoint)))
    return path


def rows(said: str) -> list[list[str]]:
    return [line.split() for line in said.splitlines()]


def test_a_checkpoint_is_shown_with_whose_it_is_and_what_each_column_costs(inspect: Told, tmp_path: Path) -> None:
    path = put(tmp_path / "a.checkpoint", a_checkpoint())
    os.utime(path, (1_700_000_000, 1_700_000_000))

    code, said = inspect(path)

    assert code == 0
    told = rows(said)
    for row in (
        ["checkpoint", "format", "2,", "the", "checksum", "holds"],
        ["written", "2023-11-14", "22:13:20Z"],
        ["bytes", f"{path.stat().st_size:,}"],
        ["group", "machines"],
        ["topic", "readings"],
        ["partition", "3"],
        ["next", "offset", "4711"],
        ["artifact", "gru16-0123456789,", "11", "bytes"],
        ["series", "3"],
        ["hidden", "float32", "[2,", "2]", "2", "16", "48"],
        ["mean", "float64", "[]", "1", "8", "24"],
        ["warming", "bool", "[]", "1", "1", "3"],
        ["all", "33", "99"],
        ["pool", "int64", "[5]", "40"],
        ["torch:", "2.13.0"],
        ["watermark:", "1700000000000000001"],
        ["per_day:", "2.5"],
    ):
        assert row in told, row


def test_the_state_of_one_series_is_shown(inspect: Told, tmp_path: Path) -> None:
    path = put(tmp_path / "a.checkpoint", a_checkpoint())

    code, said = inspect(path, "--series", "ü\nand 'more'")

    assert code == 0
    assert ["seen", "int64", "-1"] in rows(said)
    assert ["mean", "float64", "nan"] in rows(said)
    assert ["warming", "bool", "False"] in rows(said)


def test_a_row_of_many_values_is_shown_whole(inspect: Told, tmp_path: Path) -> None:
    columns = {"wide": SavedColumn(1, np.arange(6000).reshape(3, 2000))}
    path = put(tmp_path / "a.checkpoint", a_checkpoint(columns=columns))

    _, said = inspect(path, "--series", "a")

    assert "..." not in said
    assert "1000" in said.replace(",", " ").split()


def test_a_name_does_nothing_to_the_terminal(inspect: Told, tmp_path: Path) -> None:
    columns = {"[red]\x1b[31m": SavedColumn(1, np.zeros(3))}
    key = KEY._replace(group="[bold]g\x1b[2J")
    path = put(tmp_path / "a.checkpoint", a_checkpoint(key=key, columns=columns))

    code, said = inspect(path)

    assert code == 0
    assert "\x1b" not in said
    assert "'[bold]g\\x1b[2J'" in said
    assert "'[red]\\x1b[31m'" in said


def test_an_artifact_is_shown_with_its_weights_and_how_it_was_trained(inspect: Told) -> None:
    code, said = inspect(shipped("gru", "recurrent"))

    assert code == 0
    told = rows(said)
    for row in (["cell", "gru"], ["hidden", "32"], ["seed:", "7"], ["cell.input.bias", "float32", "[96]", "384"]):
        assert row in told, row


@pytest.mark.parametrize(("forecaster", "tier"), [("combiner", "rich"), ("experts", "compact")])
def test_of_an_artifact_kind_tier_and_what_its_channels_share_are_shown(
    inspect: Told, forecaster: str, tier: str
) -> None:
    code, said = inspect(shipped("lstm", forecaster, tier))

    assert code == 0
    told = rows(said)
    for row in (["forecaster", forecaster], ["tier", tier], ["joint", "None"]):
        assert row in told, row


def test_a_directory_is_listed_newest_first_and_what_is_unusable_says_why(inspect: Told, tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    for next_offset in (100, 200, 300):
        store.publish(KEY, next_offset, encode(a_checkpoint(next_offset=next_offset)))
    folder = tmp_path / "machines/readings-3"
    paths = [folder / f"{next_offset:020d}.checkpoint" for next_offset in (100, 200, 300)]
    content = bytearray(paths[1].read_bytes())
    content[500] ^= 1
    paths[1].write_bytes(content)
    (tmp_path / "best.safetensors").write_bytes(shipped("gru").read_bytes())
    (folder / "x.partial").write_bytes(b"x")
    for age, path in enumerate([paths[2], tmp_path / "best.safetensors", paths[0], paths[1]]):
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))

    code, said = inspect(tmp_path)

    assert code == 0
    listed = [line for line in said.splitlines() if line.startswith("2023-")]
    assert "machines/readings-3/00000000000000000300.checkpoint" in listed[0]
    assert "machines, readings-3 at 300: 3 series" in listed[0]
    assert "artifact gru32-" in listed[1]
    assert "readings-3 at 100" in listed[2]
    assert "UNUSABLE: expected content of SHA-256" in listed[3]
    assert len(listed) == 4


@pytest.mark.parametrize("name", ["cut.checkpoint", "foreign.bin", "absent", "../machines"])
def test_what_cannot_be_shown_is_one_line_and_exit_2(inspect: Told, tmp_path: Path, name: str) -> None:
    put(tmp_path / "whole.checkpoint", a_checkpoint())
    (tmp_path / "cut.checkpoint").write_bytes((tmp_path / "whole.checkpoint").read_bytes()[:-1])
    (tmp_path / "foreign.bin").write_bytes(b"something else")

    code, said = inspect(tmp_path / name)

    assert code == 2
    assert said.startswith("streamer: ")
    assert said.count("\n") == 1
    assert str(tmp_path / name) in said


@pytest.mark.parametrize("path", ["a.checkpoint", shipped("lstm")])
def test_a_series_that_is_not_there_is_said_so(inspect: Told, tmp_path: Path, path: str | Path) -> None:
    put(tmp_path / "a.checkpoint", a_checkpoint())

    code, said = inspect(tmp_path / path, "--series", "nobody")

    assert code == 2
    assert said == f"streamer: {tmp_path / path}: expected the name of a series in it, got 'nobody'\n"


def test_a_checkpoint_is_known_by_its_content_wherever_it_was_copied_to(inspect: Told, tmp_path: Path) -> None:
    path = put(tmp_path / "backup", a_checkpoint())

    code, said = inspect(path)

    assert code == 0
    assert ["next", "offset", "4711"] in rows(said)
