"""What is written where, and in which form, as chosen in the configuration."""

import re
from typing import Literal

import msgspec

from connectors.columns import Reason

_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_SMALLEST_MESSAGE_BYTES = 20_000  # below it a cut dead letter would not fit


class _Output(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    topic: str

    def __post_init__(self) -> None:
        if not _TOPIC.fullmatch(self.topic) or self.topic in {".", ".."}:
            raise ValueError(f"topic: expected letters, digits, '.', '_' and '-', at most 249, got {self.topic!r}")


class ResultsOptions(_Output, frozen=True, kw_only=True):
    """Every scored reading: one a record, keyed by series, or in bulk, one record a partition and batch."""

    topic: str = "results"
    form: Literal["single", "bulk"] = "single"
    keep: Literal["all", "anomalous"] = "all"  # anomalous: only readings after which an alarm of their series is open


class AlarmsOptions(_Output, frozen=True, kw_only=True):
    """Alarms that opened or closed."""

    topic: str = "alarms"


class DeadLettersOptions(_Output, frozen=True, kw_only=True):
    """Records that were refused, in whole or in part."""

    topic: str = "dead-letters"
    count_only: list[Reason] = []  # these are counted and not written


class OutputOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The three outputs and the bound on what one message may hold."""

    results: ResultsOptions = ResultsOptions()
    alarms: AlarmsOptions = AlarmsOptions()
    dead_letters: DeadLettersOptions = DeadLettersOptions()
    max_message_bytes: int = 900_000  # key and value; Kafka's own default limit is 1 MiB a batch

    def __post_init__(self) -> None:
        topics = [self.results.topic, self.alarms.topic, self.dead_letters.topic]
        if len(set(topics)) != len(topics):
            raise ValueError(f"topic: expected three different topics, got {topics}")
        if self.max_message_bytes < _SMALLEST_MESSAGE_BYTES:
            raise ValueError(
                f"max_message_bytes: expected at least {_SMALLEST_MESSAGE_BYTES}, got {self.max_message_bytes}"
            )
