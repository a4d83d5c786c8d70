"""The command line: an error that has a policy is one line and its exit code; a bug is a traceback."""

import pytest

from connectors.errors import ConfigError, OffsetGoneError, TransientError
from streamer import cli


def raising(error: Exception) -> object:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("f.yaml: Expected `int`, got `str`"), cli.CONFIG_EXIT),
        (TransientError("no broker answered"), cli.AWAY_EXIT),
        (OffsetGoneError("next offset 3, but the broker has 6 to 10"), cli.GONE_EXIT),
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

    with pytest.raises(SystemExit) as left:
        cli.main()

    assert left.value.code == code
    told = capsys.readouterr().err + caplog.text
    assert str(error) in told
    assert "Traceback" not in told


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "app", raising(KeyError("a bug")))

    with pytest.raises(KeyError):
        cli.main()


def test_exit_codes_are_different() -> None:
    codes = [0, 1, cli.CONFIG_EXIT, cli.AWAY_EXIT, cli.GONE_EXIT]

    assert len(set(codes)) == len(codes)
