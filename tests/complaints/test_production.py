"""Complaint 22: how does one build, score, retrain and evaluate in production? Each has a command and a page."""

from pathlib import Path

import pytest

from streamer.cli import app

ROOT = Path(__file__).parent.parent.parent
ASKED = {  # by users: the command, and where it is explained
    "build": ("train", "docs/training.md"),
    "score": ("run", "README.md"),
    "retrain": ("retrain", "docs/operating.md"),
    "evaluate": ("backtest", "docs/backtest.md"),
    "score the past": ("replay", "docs/operating.md"),
}


def unanswered() -> set[str]:
    """What is asked, and has no command or no page that shows it."""
    commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
    return {
        asked
        for asked, (command, page) in ASKED.items()
        if command not in commands or f"streamer {command}" not in (ROOT / page).read_text(encoding="utf-8")
    }


def test_22_to_build_score_retrain_and_evaluate_there_are_commands_and_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unanswered() == set()
    monkeypatch.setattr(app, "registered_commands", [])
    assert unanswered() == ASKED.keys()
