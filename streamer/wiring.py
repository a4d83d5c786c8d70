"""The wiring, top to bottom: from a configuration to a daemon that is ready to run."""

import time
from collections.abc import Callable
from pathlib import Path

import torch

from connectors.decode import Decoder
from connectors.delivery import AtLeastOnce
from connectors.encode import Encoder
from connectors.errors import ConfigError
from connectors.files import FileSink
from connectors.ports import Sink, Source
from connectors.replay import ReplaySource as ReplayFiles
from models.alarm import Hysteresis
from models.artifact import Artifact, ArtifactError, shipped
from models.artifact import load as load_artifact
from models.detector import Detector, DetectorOptions
from models.pool import Pool
from models.transform import Transform
from streamer import __version__
from streamer.accounting import CountingEncoder
from streamer.board import Board
from streamer.config import Config, FilesSink, GroupOptions, KafkaSink, KafkaSource, ReplaySource
from streamer.daemon import Daemon, is_healthy
from streamer.discard import DiscardSink
from streamer.engine import Engine
from streamer.group import Group
from streamer.http import make_app
from streamer.http_server import HttpServer
from streamer.metrics import Metrics
from streamer.partition import Judge
from streamer.phases import Phases
from streamer.watchlist import Watchlist, WatchPolicy

Clock = Callable[[], float]


def build(config: Config, clock: Clock = time.monotonic) -> Daemon:
    """The daemon that a configuration asks for, connected.

    Raises:
        ConfigError: something it names is missing or does not fit.
        TransientError: the brokers did not answer in time.
    """
    metrics = make_metrics(config)
    groups = make_groups(config, metrics, clock)  # before any connection: a wrong artifact is told at once
    source = _source(config)  # before the sink, which makes topics: nothing is made for a source that is not there
    sink = _sink(config, CountingEncoder(config.outputs, metrics.emitted))
    return assemble(config, source, sink, groups, metrics, clock)


def assemble(
    config: Config, source: Source, sink: Sink, groups: list[Group], metrics: Metrics, clock: Clock = time.monotonic
) -> Daemon:
    """The daemon over a source and a sink that are there already."""
    policy = WatchPolicy(limit=config.http.series_limit, pinned=tuple(config.http.pinned))
    board = Board(Watchlist(policy, clock()), policy.limit, metrics)
    delivery = AtLeastOnce(sink, source)
    engine = Engine(source, delivery, groups, board, metrics, clock)
    app = make_app(
        metrics,
        snapshots=lambda: board.snapshots,
        health=lambda: is_healthy(engine, clock),
        ready=lambda: engine.is_assigned,
        token=config.http.token,
    )
    return Daemon(engine, source, delivery, HttpServer(app, config.http.host, config.http.port))


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
    """Every group with its decoder and its detector. Sets torch up as the promise of equal bits needs it."""
    torch.set_num_threads(1)
    phases = Phases(time.perf_counter, metrics.phase)
    return [_group(options, device_of(config), metrics, phases, clock) for options in config.groups]


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


def _group(options: GroupOptions, device: torch.device, metrics: Metrics, phases: Phases, clock: Clock) -> Group:
    artifact = _artifact(options)
    channels = options.all_channels
    detector = Detector(
        artifact.forecaster,
        DetectorOptions(
            transforms=tuple(Transform(channel.transform) for channel in channels),
            hysteresis=Hysteresis(options.alarm.close_ratio, options.alarm.calm_readings),
            band_coverage=options.band_coverage,
        ),
    ).to(device)
    judge = Judge(
        group=options.name,
        channels=tuple(channel.name for channel in channels),
        detector=detector.eval(),
        artifact=artifact.name,
        pool=Pool.fresh(options.alarm.tail_probability, artifact.prior),
        order=options.order,
        eviction=options.eviction,
        device=device,
        phases=phases,
    )
    decoder = Decoder(options.name, options.format, [channel.field or channel.name for channel in channels])
    metrics.artifact(options.name, artifact.name, artifact.spec.cell)
    metrics.band_target(options.name, options.band_coverage)
    return Group(options.holds, decoder, judge, clock)


def _artifact(options: GroupOptions) -> Artifact:
    try:
        artifact = load_artifact(options.artifact or shipped(options.cell))
    except ArtifactError as error:
        raise ConfigError(f"artifact of group {options.name!r}: {error}") from error
    if artifact.spec.cell != options.cell:
        raise ConfigError(
            f"artifact of group {options.name!r}: {options.artifact}: Expected cell {options.cell!r}, "
            f"got {artifact.spec.cell!r}"
        )
    return artifact


def _source(config: Config) -> Source:
    match config.source:
        case ReplaySource(files=files):
            return ReplayFiles(files)
        case KafkaSource():
            from connectors.kafka_cluster import wait_for_brokers  # noqa: PLC0415  # a replay needs no client
            from connectors.kafka_source import KafkaSource as KafkaRecords  # noqa: PLC0415

            kafka = config.brokers
            wait_for_brokers(kafka)
            topics = [topic for group in config.groups for topic in group.topics]
            return KafkaRecords(kafka, topics, [pattern for group in config.groups for pattern in group.topic_patterns])


def _sink(config: Config, encoder: Encoder) -> Sink:
    match config.sink:
        case FilesSink(directory=directory):
            return FileSink(Path(directory), encoder)
        case KafkaSink():
            from connectors.kafka_cluster import ensure_topics, wait_for_brokers  # noqa: PLC0415  # files need no client
            from connectors.kafka_sink import KafkaSink as KafkaMessages  # noqa: PLC0415

            wait_for_brokers(config.brokers)
            ensure_topics(config.brokers, config.outputs)
            return KafkaMessages(config.brokers, encoder)
        case _:
            return DiscardSink()
