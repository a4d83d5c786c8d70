"""The configuration: every mistake is one message with file, path, expected and got."""

import copy
from datetime import date
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import yaml

from connectors.errors import ConfigError
from models.transform import Transform
from streamer import config

ROOT = Path(__file__).parents[2]
GOOD: dict[str, Any] = {
    "kafka": {"bootstrap_servers": "localhost:9092", "group_id": "g", "start": "earliest"},
    "groups": [{"name": "pumps", "topics": ["pumps"], "format": {"type": "json"}}],
}

RECURRENT, EXPERTS, EWMA = ({"groups__0__forecaster": kind} for kind in ("recurrent", "experts", "ewma"))


def changed(**changes: Any) -> dict[str, Any]:
    """The good configuration with ``path__to__key=value``; 0 is the first of a list."""
    raw = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *parents, last = path.split("__")
        node: Any = raw
        for key in parents:
            node = node[int(key)] if key.isdecimal() else node.setdefault(key, {})
        node[last] = value
    return raw


@pytest.mark.parametrize("name", ["sensors", "market", "weather"])
def test_the_shipped_configurations_load(name: str) -> None:
    loaded = config.load(ROOT / "config" / f"{name}.yaml", environment={})

    assert loaded.kafka is not None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grups": []}, "f.yaml: Object contains unknown field `grups`"),
        ({"groups__0__topics": "pumps"}, r"f.yaml: Expected `array`, got `str` - at `\$.groups\[0\].topics`"),
        ({"groups__0__topics": []}, "Expected topics or topic_patterns in group 'pumps', got neither"),
        ({"groups__0__topic_patterns": ["("]}, r"Expected a regular expression in topic_patterns, got '\('"),
        ({"groups__0__channels": ["a", "a"]}, r"Expected different names in channels, got \['a', 'a'\]"),
        ({"groups__0__cell": "mamba"}, r"Invalid enum value 'mamba' - at `\$.groups\[0\].cell`"),
        ({"groups__0__forecaster": "oracle"}, r"Invalid enum value 'oracle' - at `\$.groups\[0\].forecaster`"),
        ({"groups__0__horizons": [24]}, r"horizons: Expected 1 and then larger ones in order, got \[24\]"),
        ({"groups__0__horizons": [1, 24, 12]}, r"horizons: Expected 1 and then larger .*, got \[1, 24, 12\]"),
        ({"groups__0__horizons": [1, 1]}, r"horizons: Expected 1 and then larger ones in order, got \[1, 1\]"),
        ({"groups__0__horizons": []}, r"horizons: Expected 1 and then larger ones in order, got \[\]"),
        ({"groups__0__horizons": [1, 0]}, r"Expected `int` >= 1 - at `\$.groups\[0\].horizons\[1\]`"),
        (RECURRENT | {"groups__0__horizons": [1, 24]}, r"horizons: Expected \[1\] with forecaster recurrent"),
        (RECURRENT | {"groups__0__tier": "rich"}, "tier: Expected none with forecaster recurrent.* got 'rich'"),
        (EXPERTS | {"groups__0__cell": "lstm"}, "cell: Expected none with forecaster experts.* got 'lstm'"),
        (EWMA | {"groups__0__tier": "rich"}, "tier: Expected none with forecaster ewma, which has no experts"),
        ({"groups__0__time_zone": "Mars/Olympus"}, "time_zone: Expected a name of the IANA database.* 'Mars/Olympus'"),
        ({"groups__0__format__type": "xml"}, r"Invalid value 'xml' - at `\$.groups\[0\].format.type`"),
        ({"groups__0__alarm": {"readings_per_alarm": 0.5}}, r"Expected `float` >= 1.0 - at .*readings_per_alarm`"),
        ({"groups__0__order": {"max_future_seconds": -1}}, "Expected max_future_seconds >= 0, got -1"),
        ({"groups__0__eviction": {"max_silent_seconds": 0}}, "Expected max_silent_seconds > 0, got 0"),
        ({"groups__0__eviction": {"max_series": 0}}, r"Expected `int` >= 1 - at .*eviction.max_series`"),
        ({"groups": []}, r"Expected `array` of length >= 1 - at `\$.groups`"),
        ({"kafka__start": "yesterday"}, "start: expected `earliest`, `latest` or an ISO-8601 time"),
        ({"http": {"port": 99999}}, r"Expected `int` <= 65535 - at `\$.http.port`"),
        ({"leave_seconds": 31}, "leave_seconds: Expected at most 30, half of kafka.max_poll_interval_seconds, got 31"),
        ({"groups__0__reject_limits": {"max_ratio": 0}}, r"Expected `float` > 0.0 - at .*reject_limits.max_ratio`"),
        ({"device": "tpu"}, r"Expected `str` matching regex .* - at `\$.device`"),
        ({"outputs": {"results": {"topic": "pumps"}}}, r"Expected no output among the topics of group 'pumps'"),
    ],
)
def test_a_mistake_is_named_with_its_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.parse(changed(**changes), "f.yaml")


def test_a_topic_belongs_to_one_group() -> None:
    twice = changed(groups=[GOOD["groups"][0], {**GOOD["groups"][0], "name": "other"}])

    with pytest.raises(ConfigError, match=r"Expected every topic in one group, got more for \['pumps'\]"):
        config.parse(twice, "f.yaml")


def test_kafka_without_brokers_is_refused() -> None:
    with pytest.raises(ConfigError, match="Expected a table `kafka`, since source or sink is kafka, got none"):
        config.parse({"groups": GOOD["groups"]}, "f.yaml")


def test_variables_are_taken_from_the_environment(tmp_path: Path) -> None:
    raw = changed(
        kafka__bootstrap_servers="${HOST}:9092",
        http={"port": "${PORT:-1234}", "token": "${TOKEN:-}", "host": "${H:-::1}"},
    )
    (tmp_path / "f.yaml").write_text(yaml.safe_dump(raw))

    loaded = config.load(tmp_path / "f.yaml", environment={"HOST": "broker"})

    assert loaded.brokers.servers == ["broker:9092"]
    assert loaded.http.port == 1234
    assert loaded.http.token is None
    assert loaded.http.host == "::1"


def test_a_time_needs_no_quotes(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(yaml.safe_dump(GOOD).replace("start: earliest", "start: 2026-01-31T00:00:00Z"))

    loaded = config.load(path, environment={})

    assert loaded.brokers.start == "2026-01-31T00:00:00Z"


def test_neither_do_hours_and_dates_of_maintenance(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    windows = "[{type: weekly, from: 22:00, to: 06:00}, {type: holidays, dates: [2026-12-25]}]"
    path.write_text(yaml.safe_dump(GOOD).replace("name: pumps", f"name: pumps\n  maintenance: {windows}"))

    nights, christmas = config.load(path, environment={}).groups[0].maintenance

    assert (nights.start, nights.end) == ("22:00", "06:00")  # type: ignore[union-attr]
    assert christmas.dates == [date(2026, 12, 25)]  # type: ignore[union-attr]


def test_an_unset_variable_is_named(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("groups: ${GROUPS}")

    with pytest.raises(ConfigError, match=r"f\.yaml: Expected the environment variable GROUPS, got none"):
        config.load(tmp_path / "f.yaml", environment={})


@pytest.mark.parametrize(("text", "message"), [("a: [", "Expected YAML"), ("- 1", "Expected `object`, got `array`")])
def test_a_file_that_is_no_configuration_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(text)

    with pytest.raises(ConfigError, match=message):
        config.load(tmp_path / "f.yaml", environment={})


def test_an_absent_file_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: Expected a configuration file, got: .*No such file"):
        config.load("none.yaml", environment={})


def test_channels_are_names_or_tables() -> None:
    raw = changed(groups__0__channels=["a", {"name": "b", "field": "B", "transform": "log_return"}])

    first, second = config.parse(raw, "f.yaml").groups[0].all_channels

    assert (first.name, first.field, first.transform) == ("a", None, "none")
    assert (second.name, second.field, second.transform) == ("b", "B", "log_return")


def test_every_transform_can_be_chosen() -> None:
    choices = get_args(get_type_hints(config.Channel)["transform"])

    assert sorted(choices) == sorted(Transform)
