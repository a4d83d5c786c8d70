"""The group that a command is about: the only one, or the one that is named."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from connectors.errors import ConfigError
from streamer.config import Config
from streamer.named_group import group_of
from tests.streamer.heirs import settings


@pytest.fixture
def one(tmp_path: Path) -> Config:
    return settings(tmp_path)


@pytest.fixture
def several(one: Config) -> Config:
    return replace(one, groups=[*one.groups, replace(one.groups[0], name="valves", topics=["valves"])])


def test_the_only_one_need_not_be_named(one: Config) -> None:
    assert group_of(one, None, "--group").name == group_of(one, "pumps", "--group").name == "pumps"


def test_of_several_one_must_be_named(several: Config) -> None:
    assert group_of(several, "valves", "--group").name == "valves"
    with pytest.raises(ConfigError, match=r"--group: Expected one of \['pumps', 'valves'\], got none"):
        group_of(several, None, "--group")


def test_one_that_is_not_there_is_refused_with_those_that_are(one: Config) -> None:
    with pytest.raises(ConfigError, match=r"--group: Expected one of \['pumps'\], got 'valves'"):
        group_of(one, "valves", "--group")
