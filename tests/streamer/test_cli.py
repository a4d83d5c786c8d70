"""The command line: an error that has a policy is one line and its exit code; a bug is a traceback."""

import os
import subprocess
import sys

import pytest

from connectors.errors import (
    ConfigError,
    DoubtError,
    OffsetGoneError,
    RejectsError,
    StateError,
    StoreError,
    TransientError,
)
from streamer import cli


def raising(error: Exception) -> object:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("f.yaml: Expected `int`, got `str`"), 2),
        (DoubtError("fenced"), 3),
        (TransientError("no broker answered"), 4),
        (OffsetGoneError("next offset 3, but the broker has 6 to 10"), 5),
        (StateError("no checkpoint"), 6),
        (RejectsError("half of the readings were refused"), 7),
        (StoreError("the disk is full"), 8),
    ],
)
def test_an_error_with_a_policy_is_told_and_has_its_exit_code(
    error: Exception,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(cli, "app", raising(error))
    monkeypatch.setattr(os, "_exit", sys.exit)

    with pytest.raises(SystemExit) as left:
        cli.main()

    assert left.value.code == code
    told = capsys.readouterr().err + caplog.text
    assert str(error) in told
    assert "Traceback" not in told


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(cli, "app", raising(KeyError("a bug")))
    monkeypatch.setattr(os, "_exit", sys.exit)

    with pytest.raises(SystemExit) as left:
        cli.main()

    assert left.value.code == cli.BUG_EXIT
    assert "Traceback" in caplog.text


def test_what_a_process_has_under_way_is_not_tidied_up_after_an_error() -> None:
    script = """
import atexit
from connectors.errors import DoubtError
from streamer import cli
def command(): raise DoubtError("fenced")
cli.app = command
atexit.register(print, "tidied up")
cli.main()
"""

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (3, "")
    assert "fenced" in ended.stderr
