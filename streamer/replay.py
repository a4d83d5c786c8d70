"""Scores a span of Kafka's history by the ordinary engine, to files or to topics of its own."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from typing_extensions import override

from connectors.borrowed_store import BorrowedStore
from connectors.columns import Rejects, Results, TopicPartition
from connectors.delivery import AtLeastOnce
from connectors.encode import Encoder
from connectors.errors import ConfigError
from connectors.kafka_cluster import wait_for_brokers
from connectors.kafka_history import KafkaHistory, Span, reader
from connectors.kafka_offsets import Offsets
from connectors.memory_store import MemoryStore
from connectors.ports import Columns, Log, Sink
from streamer.config import Config, FilesSink, KafkaSink
from streamer.history import none_live
from streamer.position import Position
from streamer.wiring import (
    Parts,
    brokers_of,
    make_engine,
    make_groups,
    make_metrics,
    make_sink,
    store_of,
    topics_of,
)


@dataclass(slots=True)
class Tally(Sink):
    """Passes columns on to a sink, and counts what they hold."""

    sink: Sink
    records: int = 0
    scored: int = 0
    rejected: int = 0
    alarms: int = 0  # opened

    @override
    def write(self, columns: Columns) -> None:
        self.sink.write(columns)
        match columns:
            case Results():
                self.scored += len(columns)
            case Rejects():
                self.rejected += len(columns)
            case _:
                self.alarms += columns.event.count("opened")

    @override
    def flush(self) -> None:
        self.sink.flush()

    @override
    def close(self) -> None:
        self.sink.close()

    def __str__(self) -> str:
        readings = self.scored + self.rejected
        return (
            f"{self.records:,} records, {readings:,} readings: {self.scored:,} scored, {self.rejected:,} rejected; "
            f"{self.alarms:,} alarms opened"
        )


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be replayed: from ``start`` to before ``end``, as it was at the beginning, in every partition."""

    start: Position
    end: Position
    is_resumed: bool  # from the newest checkpoint at or before the start; else with no state

    def spans(self, config: Config, log: Log) -> dict[TopicPartition, Span]:
        """The span of each partition of the configuration's topics."""
        spans = {}
        for where in log.partitions(*topics_of(config)):
            start, end = self.start.of(where, log), self.end.of(where, log)
            spans[where] = Span(start, max(start, end))
        return spans


def redirected(config: Config, directory: Path | None, suffix: str | None) -> Config:
    """The configuration with its outputs in files of a directory, or on topics whose names end in a suffix.

    Raises:
        ConfigError: it is not one of the two, files are there already, or topics would be read and written.
    """
    if (directory is None) == (not suffix):
        raise ConfigError("replay: Expected either --results or --topic-suffix, which is not empty")
    outputs = config.outputs
    if directory is not None:
        names = [output.topic for output in (outputs.results, outputs.alarms, outputs.dead_letters)]
        if there := [str(path) for name in names if (path := directory / f"{name}.jsonl").exists()]:
            raise ConfigError(f"--results: Expected a directory without outputs, got {', '.join(there)}")
        sink = FilesSink(directory=str(directory))
        return msgspec.structs.replace(config, sink=sink, delivery="at_least_once")
    replace = msgspec.structs.replace
    try:
        return replace(
            config,
            sink=KafkaSink(),
            delivery="at_least_once",
            outputs=replace(
                outputs,
                results=replace(outputs.results, topic=f"{outputs.results.topic}{suffix}"),
                alarms=replace(outputs.alarms, topic=f"{outputs.alarms.topic}{suffix}"),
                dead_letters=replace(outputs.dead_letters, topic=f"{outputs.dead_letters.topic}{suffix}"),
            ),
        )
    except ValueError as error:
        raise ConfigError(f"--topic-suffix: {error}") from error


def replay(config: Config, request: Request, told: Callable[[int, int, int], None]) -> Tally:
    """Score the spans, with outputs where the configuration has them. Group, offsets and checkpoints stay untouched.

    ``told`` hears now and then of the records so far, the offsets done, and the offsets there are.

    Raises:
        ConfigError: the source is not Kafka, or something that is named does not exist or fit.
        TransientError: the brokers are away, or stayed away.
        StateError: there is no checkpoint at or before the start, and one is wanted.
        OffsetGoneError: what is to be read, or stepped silently, was deleted.
        DoubtError: an output may be missing.
    """
    options, metrics = brokers_of(config), make_metrics(config)
    groups = make_groups(config, metrics, time.monotonic)
    wait_for_brokers(options)
    consumer = reader(options)
    spans = request.spans(config, Offsets(consumer, options))
    source = KafkaHistory(options, consumer, spans, is_resumed=request.is_resumed)
    tally = Tally(make_sink(config, Encoder(config.outputs)))
    delivery = AtLeastOnce(tally, source)
    store = BorrowedStore(store_of(config) if request.is_resumed else MemoryStore())
    parts = Parts(source, delivery, store)
    engine = make_engine(config, parts, groups, metrics, time.monotonic, none_live).engine
    total = source.left
    while not engine.has_ended:
        engine.turn()
        tally.records = source.records
        told(tally.records, total - source.left, total)
    delivery.close()
    source.close()
    return tally
