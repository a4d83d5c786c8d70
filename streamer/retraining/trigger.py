"""The trigger of a retraining: waits until a drift of the group has been told that no retraining has answered yet."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

import msgspec

from connectors.columns import Records
from connectors.drifts import DRIFT
from connectors.errors import ConfigError, StoreError
from connectors.past import Past
from streamer.config import Config, GroupOptions, KafkaSink
from streamer.named_group import group_of
from streamer.retraining.report import NOTE, Report
from streamer.retraining.retrain import options_of
from streamer.shelf_commands import shelved

POLL_SECONDS = 5.0
END = 2**63 - 1  # of all offsets

log = logging.getLogger("streamer")


class Told(msgspec.Struct, frozen=True):
    """What matters here of a record on the topic of alarms: of one of another kind, little is there."""

    group: str = ""
    kind: str = ""
    detector: str = ""
    timestamp: str = ""
    historical: bool = False

    def __str__(self) -> str:
        return f"group {self.group}: {self.detector} noticed a drift at {self.timestamp}"


def await_drift(config: Config, pause: Callable[[float], None]) -> Told:
    """Return the first drift since the last retraining began; where there was none, the first that the topic holds.

    Raises:
        ConfigError: there is nothing to be trained, no shelf, or no topic of alarms to be read.
        TransientError: the brokers are away.
    """
    group = group_of(config, options_of(config).group, "training.group")
    if not isinstance(config.sink, KafkaSink):
        raise ConfigError(
            "--on-drift: Expected sink kafka, since drifts are read from the topic of alarms, got another"
        )
    with _alarms(config, _last_began(group)) as pasts:
        return wait(pasts, group.name, pause)


def wait(pasts: Sequence[Past], group: str, pause: Callable[[float], None]) -> Told:
    """Return the first drift of the group in these partitions, now or when it comes. History is none."""
    while True:
        has_more = False
        for past in pasts:
            records = past.read(END)
            has_more |= len(records) > 0
            for told in _told(records):
                if (told.kind, told.group, told.historical) == (DRIFT, group, False):
                    return told
        if not has_more:
            pause(POLL_SECONDS)


def _told(records: Records) -> Iterator[Told]:
    """What the records tell that are alarms'."""
    for offset, value in zip(records.offset.tolist(), records.value, strict=True):
        try:
            if value:
                yield msgspec.json.decode(value, type=Told)
        except msgspec.DecodeError as error:
            log.warning("%s-%d, offset %d: expected an alarm, got: %s; passed over",
                        *records.topic_partition, offset, error)  # fmt: skip


def _last_began(group: GroupOptions) -> float:
    """When the last retraining of the group began, in seconds since the epoch; 0 where there was none."""
    shelf = shelved(group)
    try:
        note = shelf.note(NOTE)
        report = None if note is None else msgspec.json.decode(note, type=Report)
    except (StoreError, msgspec.DecodeError) as error:
        raise ConfigError(f"{shelf.root / NOTE}: Expected the report of a retraining, got: {error}") from error
    return report.started_timestamp_seconds if report is not None and report.group == group.name else 0.0


@contextmanager
def _alarms(config: Config, since_seconds: float) -> Iterator[list[Past]]:
    """The partitions of the topic of alarms, from the first record at this time or later on."""
    from connectors.kafka_cluster import wait_for_brokers  # noqa: PLC0415  # whoever does not wait needs no client
    from connectors.kafka_history import reader  # noqa: PLC0415
    from connectors.kafka_offsets import Offsets  # noqa: PLC0415
    from connectors.kafka_past import KafkaPast  # noqa: PLC0415

    wait_for_brokers(config.brokers)
    with ExitStack() as stack:
        consumer = reader(config.brokers)
        stack.callback(consumer.close, autocommit=False)
        log = Offsets(consumer, config.brokers)
        starts = {
            where: log.at_time(where, round(since_seconds * 1000))
            for where in log.partitions([config.outputs.alarms.topic], [])
        }
        yield [stack.enter_context(closing(KafkaPast(config.brokers, *start))) for start in starts.items()]
