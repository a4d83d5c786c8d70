"""Reads YAML in which a time is the text that it is: unquoted, YAML makes dates objects and 22:00 the number 1320."""

from typing import Any

import yaml

_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.yaml_implicit_resolvers = {
            first: [(tag, rule) for tag, rule in rules if tag != _TIMESTAMP]
            for first, rules in self.yaml_implicit_resolvers.items()
        }

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        """The tag of a node: a plain scalar with a colon is a text."""
        is_clock = kind is yaml.ScalarNode and implicit[0] and ":" in value
        return super().resolve(kind, value, (False, True) if is_clock else implicit)  # type: ignore[no-untyped-call]


def read(text: str) -> Any:
    """What the text holds. Raises yaml.YAMLError."""
    return _Loader(text).get_single_data()
