"""Which artifact a group is judged by: the shipped one that it describes, or a file that must not contradict it."""

from typing import Any

import pytest

from connectors.errors import ConfigError
from models.artifact import load, shipped
from streamer import config
from streamer.wiring import make_groups, make_metrics


def artifact_of(**settings: Any) -> str:
    """The name of the artifact that a group of these settings is judged by."""
    group = {"name": "pumps", "topics": ["pumps"], "format": {"type": "json"}}
    source = {"type": "replay", "files": [{"path": "none", "topic": "pumps"}]}
    loaded = config.parse({"source": source, "sink": {"type": "discard"}, "groups": [group | settings]}, "f.yaml")
    [made] = make_groups(loaded, make_metrics(loaded), clock=lambda: 0.0)
    return made.judges.artifact.name


@pytest.mark.parametrize(
    ("settings", "choice"),
    [
        ({}, ("gru", "combiner", "compact")),
        ({"cell": "lstm"}, ("lstm", "combiner", "compact")),
        ({"tier": "rich", "cell": "lstm", "horizons": [1, 24]}, ("lstm", "combiner", "rich")),
        ({"forecaster": "recurrent", "cell": "lstm"}, ("lstm", "recurrent", "compact")),
        ({"forecaster": "experts"}, ("", "experts", "compact")),
        ({"forecaster": "experts", "tier": "rich"}, ("", "experts", "rich")),
        ({"forecaster": "half_space_trees"}, ("", "half_space_trees", "compact")),
    ],
)
def test_a_group_is_judged_by_the_shipped_artifact_that_it_describes(
    settings: dict[str, Any], choice: tuple[str, str, str]
) -> None:
    assert artifact_of(**settings) == load(shipped(*choice)).name


def test_a_named_artifact_says_what_its_group_leaves_open() -> None:
    path = shipped("lstm", "recurrent")

    assert artifact_of(artifact=str(path)) == load(path).name


@pytest.mark.parametrize(
    ("settings", "choice", "message"),
    [
        ({"cell": "gru"}, ("lstm",), "Expected cell 'gru', got 'lstm'"),
        ({"tier": "rich"}, ("gru",), "Expected tier 'rich', got 'compact'"),
        ({"forecaster": "combiner"}, ("gru", "recurrent"), "Expected forecaster 'combiner', got 'recurrent'"),
        ({"cell": "gru"}, ("", "experts"), "Expected cell 'gru', got ''"),
        (
            {"horizons": [1, 24]},
            ("gru", "recurrent"),
            r"horizons: Expected \(1,\) of a recurrent forecaster, got \(1, 24\)",
        ),
    ],
)
def test_a_named_artifact_that_contradicts_its_group_is_refused(
    settings: dict[str, Any], choice: tuple[str, ...], message: str
) -> None:
    path = shipped(*choice)

    with pytest.raises(ConfigError, match=rf"artifact of group 'pumps': {path}: {message}"):
        artifact_of(artifact=str(path), **settings)
