"""What `streamer check` prints: the configuration as it takes effect, and the memory a million series will need."""

from typing import Any

import msgspec
import yaml

from connectors.kafka_options import KafkaOptions
from streamer.config import Config, HttpOptions
from streamer.metrics import Metrics
from streamer.wiring import make_groups

MASK = "********"
SECRETS = {*KafkaOptions.SECRETS, *HttpOptions.SECRETS}


def report(config: Config) -> str:
    """The effective configuration as YAML, with a comment on memory.

    Raises:
        ConfigError: an artifact or a device it names cannot be used.
    """
    groups = make_groups(config, Metrics([group.name for group in config.groups]), clock=lambda: 0.0)
    lines = [yaml.safe_dump(_masked(msgspec.to_builtins(config)), sort_keys=False, allow_unicode=True)]
    for group in groups:
        columns = group.judges.first.detector.columns
        total = sum(column.row_bytes for column in columns)
        lines.append(f"# group {group.name}: {total} bytes of state a series, {total / 1000:.2f} GB a million series\n")
        lines += [f"#   {column.name}: {column.row_bytes}\n" for column in columns]
    return "".join(lines)


def _masked(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: MASK if key in SECRETS and value else _masked(value) for key, value in node.items()}
    return [_masked(value) for value in node] if isinstance(node, list) else node
