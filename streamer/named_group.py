"""The group that a command is about."""

from connectors.errors import ConfigError
from streamer.config import Config, GroupOptions


def group_of(config: Config, name: str | None, where: str) -> GroupOptions:
    """The group of this name; without one the only group there is. where: it was named, for people.

    Raises:
        ConfigError: there is none, or more than one.
    """
    found = [group for group in config.groups if name in {None, group.name}]
    if len(found) != 1:
        names = [group.name for group in config.groups]
        raise ConfigError(f"{where}: Expected one of {names}, got {'none' if name is None else repr(name)}")
    return found[0]
