"""What `streamer feedback` does: finds an alarm among those that were written, and keeps what is said of it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from connectors.errors import ConfigError
from connectors.timestamps import parse_iso8601
from connectors.verdicts import Verdict, Verdicts
from streamer.config import Config, FilesSink, KafkaSink


class _AlarmRecord(msgspec.Struct):
    """What of a record of an alarm is needed, see docs/records."""

    alarm_id: str
    group: str
    series: str
    kind: str
    timestamp: str
    peak_score: float | None = None
    tolerance: float = 1.0


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of an alarm."""

    alarm_id: str
    verdict: Literal["true", "false"]
    days: float
    note: str


def give(config: Config, word: Word, given_at: str) -> tuple[Verdict, Path]:
    """Keep a verdict where the processes of the configuration look for it. -> it, and its file.

    Raises:
        ConfigError: there is no place for verdicts, no such alarm, or it is of a kind without a line.
        StoreError: it cannot be kept.
        TransientError: the brokers cannot be reached.
    """
    if config.feedback is None:
        raise ConfigError("feedback: Expected a directory to keep verdicts in, got none")
    found = _found(_written(config), word.alarm_id)
    if not found:
        raise ConfigError(f"Expected an alarm on {config.outputs.alarms.topic!r}, got none with the id {word.alarm_id}")
    newest = found[-1]
    peaks = [one.peak_score * one.tolerance for one in found if one.peak_score is not None]
    if not peaks:
        raise ConfigError(f"alarm {word.alarm_id}: Expected one of a kind that has a line, got {newest.kind}")
    [timestamp], _ = parse_iso8601([newest.timestamp])
    verdict = Verdict(
        alarm_id=newest.alarm_id,
        group=newest.group,
        series=newest.series,
        kind=newest.kind,
        verdict=word.verdict,
        peak_ratio=max(peaks),
        timestamp_ns=int(timestamp),
        days=word.days,
        note=word.note,
        given_at=given_at,
    )
    return verdict, Verdicts(Path(config.feedback)).put(verdict)


def _found(values: Iterable[bytes], alarm_id: str) -> list[_AlarmRecord]:
    """The records of an alarm, in their order."""
    likely = (value for value in values if alarm_id.encode() in value)
    records = [msgspec.json.decode(value, type=_AlarmRecord) for value in likely]
    return [record for record in records if record.alarm_id == alarm_id]


def _written(config: Config) -> Iterator[bytes]:
    """The alarms where the daemon writes them."""
    topic = config.outputs.alarms.topic
    match config.sink:
        case FilesSink(directory=directory):
            return _lines(Path(directory) / f"{topic}.jsonl")
        case KafkaSink():
            from connectors.kafka_cluster import wait_for_brokers  # noqa: PLC0415  # files need no client
            from connectors.kafka_topic import values  # noqa: PLC0415

            wait_for_brokers(config.brokers)
            return values(config.brokers, topic)
        case _:
            raise ConfigError("sink.type: Expected kafka or files, where alarms are found again, got discard")


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise ConfigError(f"{path}: Expected the alarms that were written, got: {error}") from error
