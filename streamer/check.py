"""What `streamer check` prints: the configuration as it takes effect, and the memory a million series will need."""

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from connectors.kafka_options import KafkaOptions
from models.experts.bank import Tier
from streamer.config import Config, HttpOptions
from streamer.judge import Judge
from streamer.metrics import Metrics
from streamer.partition import host_parts
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
    return "".join([*lines, *(f"# {line}\n" for group in groups for line in _memory(group.judges.first))])


def bytes_of(judge: Judge) -> dict[str, int]:
    """The state of one series by what remembers it, in bytes; its name is not counted."""
    on_device = {part: sum(one.row_bytes for one in columns) for part, columns in judge.detector.parts.items()}
    host = host_parts(len(judge.channels))
    on_host = {part: sum(one.nbytes for one in columns.values()) for part, columns in host.items()}
    return {part: count for part, count in (on_device | on_host).items() if count}


def _memory(judge: Judge) -> Iterator[str]:
    """What a person is told of the memory of one group."""
    spec, parts, tier = judge.artifact.spec, bytes_of(judge), Tier(judge.artifact.spec.tier)
    total, each = sum(parts.values()), sum(parts.values()) / len(judge.channels)
    what = ", ".join(filter(None, (spec.forecaster, spec.cell, spec.tier if spec.kind.has_experts else "")))
    yield f"group {judge.group}: {judge.artifact.name} ({what}) at the horizons {judge.choices.horizons}"
    yield f"  {total:,} bytes of state a series, {total / 1000:.2f} GB a million series"
    bound = f"; at horizon 1 alone the tier {tier} has at most {tier.limit_bytes:,}" if spec.kind.has_experts else ""
    yield f"  {each:,.0f} bytes a channel{bound}"
    yield from (f"    {part}: {count:,}" for part, count in parts.items())


def _masked(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: MASK if key in SECRETS and value else _masked(value) for key, value in node.items()}
    return [_masked(value) for value in node] if isinstance(node, list) else node
