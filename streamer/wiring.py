"""The wiring, top to bottom: from a configuration to a daemon that is ready to run."""

import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import torch

from connectors.decode import Decoder
from connectors.delivery import AtLeastOnce
from connectors.directory_store import DirectoryStore
from connectors.encode import Encoder
from connectors.errors import ConfigError, StoreError
from connectors.files import FileSink
from connectors.kafka_options import KafkaOptions
from connectors.memory_store import MemoryStore
from connectors.ports import CheckpointStore, Delivery, Sink, Source
from connectors.replay import ReplaySource as ReplayFiles
from connectors.replay import rows_as
from connectors.verdicts import Verdicts
from streamer import __version__, history
from streamer.accounting import CountingEncoder
from streamer.artifacts import artifact_of
from streamer.board import Board
from streamer.config import Config, FilesSink, GroupOptions, KafkaSink, KafkaSource, ReplaySource
from streamer.daemon import Daemon, OutsideInput, is_healthy
from streamer.discard import DiscardSink
from streamer.engine import Engine
from streamer.feedback_watch import FeedbackWatch, hear
from streamer.group import Group
from streamer.history import LiveFrom
from streamer.http import make_app
from streamer.http_server import HttpServer
from streamer.judge import Judges, make_judge
from streamer.keeper import Keeper
from streamer.metrics import Metrics
from streamer.phases import Phases
from streamer.reject_limit import RejectLimit
from streamer.reload import Reload, policy_of
from streamer.shelf_watch import ShelfWatch
from streamer.steps import Steps
from streamer.succession import Succession
from streamer.tenancy import Tenancy
from streamer.watchlist import Watchlist

if TYPE_CHECKING:
    from connectors.kafka_source import KafkaSource as KafkaRecords

Clock = Callable[[], float]


class Parts(NamedTuple):
    """What a daemon stands on."""

    source: Source
    delivery: Delivery
    store: CheckpointStore


def build(config: Config, clock: Clock = time.monotonic) -> Daemon:
    """The daemon that a configuration asks for, connected.

    Raises:
        ConfigError: something it names is missing or does not fit.
        TransientError: the brokers did not answer in time.
    """
    metrics = make_metrics(config)
    groups = make_groups(config, metrics, clock)  # before any connection: a wrong artifact is told at once
    encoder = CountingEncoder(config.outputs, metrics.emitted)
    match config.source:
        case ReplaySource(files=files):
            parts = in_memory(ReplayFiles(files), make_sink(config, encoder))
        case KafkaSource():
            parts = on_kafka(config, encoder)
    return assemble(config, parts, groups, metrics, clock)


def in_memory(source: Source, sink: Sink) -> Parts:
    """A finite source and a sink: what is remembered lasts as long as the process."""
    return Parts(source, AtLeastOnce(sink, source), MemoryStore())


class Works(NamedTuple):
    """An engine, and what others look at."""

    engine: Engine
    tenancy: Tenancy
    board: Board


def make_engine(
    config: Config,
    parts: Parts,
    groups: list[Group],
    metrics: Metrics,
    clock: Clock,
    live_from: LiveFrom,
) -> Works:
    """The engine over a source, a delivery and a store. ``live_from`` says what is history."""
    policy = policy_of(config)
    board = Board(Watchlist(policy, clock()), policy.limit, metrics)
    keeper = Keeper(parts.store, config.checkpoints.interval_seconds, metrics.state, clock)
    tenancy = Tenancy(parts.source, parts.delivery, groups, keeper, metrics, clock, config.leave_seconds)
    engine = Engine(parts.source, parts.delivery, tenancy, board, metrics, clock, live_from)
    return Works(engine, tenancy, board)


def assemble(
    config: Config,
    parts: Parts,
    groups: list[Group],
    metrics: Metrics,
    clock: Clock = time.monotonic,
) -> Daemon:
    """The daemon over a source, a delivery and a store that are there already."""
    # Files are replayed as if they were now.
    live_from = partial(history.live_from, time.time) if isinstance(config.source, KafkaSource) else history.all_live
    engine, tenancy, board = make_engine(config, parts, groups, metrics, clock, live_from)
    app = make_app(
        metrics,
        snapshots=lambda: board.snapshots,
        health=lambda: is_healthy(engine, clock),
        missing=lambda: tenancy.missing,
        token=config.http.token,
    )
    server = HttpServer(app, config.http.host, config.http.port)
    reload = Reload(config, tenancy, board, metrics)
    inputs = _inputs(config, tenancy, parts.source, metrics, clock)
    return Daemon(engine, inputs, parts.source, parts.delivery, server, reload)


def _inputs(config: Config, tenancy: Tenancy, source: Source, metrics: Metrics, clock: Clock) -> Sequence[OutsideInput]:
    """What brings promoted artifacts and feedback to partitions. Files are read once: nothing changes meanwhile."""
    if not isinstance(config.source, KafkaSource):
        return []
    from connectors.kafka_past import KafkaPast  # noqa: PLC0415  # files need no client

    watch = ShelfWatch(config.groups, metrics, clock)
    options = {group.name: group.adoption for group in config.groups if group.adoption is not None}
    succession = Succession(tenancy, source, partial(KafkaPast, config.brokers), watch, options, metrics, clock)
    if config.feedback is None:
        return [succession]
    return [succession, FeedbackWatch(Verdicts(Path(config.feedback)), tenancy.groups, metrics, clock)]


def make_metrics(config: Config) -> Metrics:
    """The metrics of the configured groups and outputs, all at zero."""
    outputs = config.outputs
    metrics = Metrics(
        [group.name for group in config.groups],
        [outputs.results.topic, outputs.alarms.topic, outputs.dead_letters.topic],
    )
    metrics.build(__version__, torch.__version__, str(device_of(config)))
    return metrics


def make_groups(config: Config, metrics: Metrics, clock: Clock) -> list[Group]:
    """Every group with its decoder and its detector. Sets torch up as the promise of equal bits needs it.

    Raises:
        ConfigError: an artifact or a device that is named cannot be used, or what people have said of alarms be read.
    """
    torch.set_num_threads(1)
    phases = Phases(time.perf_counter, metrics.phase)
    steps = Steps(device_of(config))
    groups = [_group(options, config, metrics, steps, phases, clock) for options in config.groups]
    if config.feedback is not None:
        try:
            hear(Verdicts(Path(config.feedback)).all(), groups, metrics)
        except StoreError as error:
            raise ConfigError(f"feedback: {error}") from error
    return groups


def device_of(config: Config) -> torch.device:
    """The device that state lives on.

    Raises:
        ConfigError: a CUDA device is asked for that is not there.
    """
    if config.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(config.device)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device: Expected one of {torch.cuda.device_count()} CUDA devices, got {config.device!r}")
    return device


def _group(
    options: GroupOptions, config: Config, metrics: Metrics, steps: Steps, phases: Phases, clock: Clock
) -> Group:
    artifact = artifact_of(options)
    judges = Judges(options.name, options.choices, artifact, partial(make_judge, steps=steps, phases=phases))
    layout = options.format
    if isinstance(config.source, ReplaySource):
        layout = rows_as(layout, [file.path for file in config.source.files if options.holds(file.topic)])
    decoder = Decoder(options.name, layout, [channel.field or channel.name for channel in options.all_channels])
    metrics.artifact(options.name, artifact.name, artifact.spec.cell)
    metrics.band_target(options.name, options.band_coverage)
    reject_limit = RejectLimit(options.name, options.reject_limits, clock, metrics.life.reject_limit)
    return Group(options.holds, decoder, judges, phases, reject_limit, clock)


def on_kafka(config: Config, encoder: Encoder, source: "KafkaRecords | None" = None) -> Parts:
    """A member of the consumer group, or ``source`` in its place, what it delivers by, and where its state is kept."""
    from connectors.kafka_transactions import ExactlyOnce  # noqa: PLC0415  # files need no client

    # The source before the sink, which makes topics: nothing is made for a source that is not there.
    reader = source or _member(config)
    store = store_of(config)
    if config.is_exactly_once:
        _ensure_topics(config)
        return Parts(reader, ExactlyOnce(config.brokers, encoder, lambda: reader.membership), store)
    return Parts(reader, AtLeastOnce(make_sink(config, encoder), reader), store)


def _member(config: Config) -> "KafkaRecords":
    from connectors.kafka_cluster import refuse_compacted, wait_for_brokers  # noqa: PLC0415  # files need no client
    from connectors.kafka_source import KafkaSource as KafkaRecords  # noqa: PLC0415

    wait_for_brokers(config.brokers)
    topics, patterns = topics_of(config)
    source = KafkaRecords(config.brokers, topics, patterns, instance_name(config))
    if config.is_exactly_once:
        refuse_compacted(config.brokers, topics, patterns)
    return source


def store_of(config: Config) -> CheckpointStore:
    """Where the consumer group keeps its state."""
    return DirectoryStore(Path(config.checkpoints.directory) / quote(config.brokers.group_id, safe=""))


def topics_of(config: Config) -> tuple[list[str], list[str]]:
    """The topics of all groups, and their patterns."""
    topics = [topic for group in config.groups for topic in group.topics]
    return topics, [pattern for group in config.groups for pattern in group.topic_patterns]


def brokers_of(config: Config) -> KafkaOptions:
    """The brokers of a command about what Kafka has.

    Raises:
        ConfigError: the configuration reads files.
    """
    if not isinstance(config.source, KafkaSource):
        raise ConfigError("source.type: Expected kafka for this command, got replay")
    return config.brokers


def instance_name(config: Config) -> str | None:
    """By what the group knows this process again after a restart: no two of one host have the same port."""
    return f"{socket.gethostname()}-{config.http.port}" if config.http.port else None


def make_sink(config: Config, encoder: Encoder) -> Sink:
    """Where outputs go at least once."""
    match config.sink:
        case FilesSink(directory=directory):
            return FileSink(Path(directory), encoder)
        case KafkaSink():
            from connectors.kafka_cluster import wait_for_brokers  # noqa: PLC0415  # files need no client
            from connectors.kafka_sink import KafkaSink as KafkaMessages  # noqa: PLC0415

            wait_for_brokers(config.brokers)
            _ensure_topics(config)
            return KafkaMessages(config.brokers, encoder)
        case _:
            return DiscardSink()


def _ensure_topics(config: Config) -> None:
    from connectors.kafka_cluster import ensure_topics  # noqa: PLC0415

    ensure_topics(config.brokers, config.outputs)
