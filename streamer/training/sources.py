"""Opens what is trained on: files, or a span of what Kafka holds of a group's topics."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from connectors.decode import Decoder
from connectors.errors import ConfigError
from connectors.ports import Source
from connectors.replay import ReplayFile, ReplaySource, rows_as
from streamer.config import Config, GroupOptions
from streamer.position import Position
from streamer.training.options import FilesData, KafkaData


@contextmanager
def opened(config: Config, group: GroupOptions, data: FilesData | KafkaData) -> Iterator[tuple[Source, Decoder]]:
    """The source, and what decodes its records.

    Raises:
        ConfigError: a file is not there, or there are no brokers to ask.
        TransientError: the brokers are away.
    """
    source = _files(data) if isinstance(data, FilesData) else _history(config, group, data)
    layout = rows_as(group.format, [file.path for file in data.files]) if isinstance(data, FilesData) else group.format
    decoder = Decoder(group.name, layout, [channel.field or channel.name for channel in group.all_channels])
    with closing(source):
        yield source, decoder


def _files(data: FilesData) -> Source:
    try:
        files = [
            ReplayFile(path=file.path, topic=file.path, key=file.key, key_field=file.key_field) for file in data.files
        ]
    except ValueError as error:
        raise ConfigError(f"training.data.files: {error}") from error
    return ReplaySource(files)


def _history(config: Config, group: GroupOptions, data: KafkaData) -> Source:
    from connectors.kafka_cluster import wait_for_brokers  # noqa: PLC0415  # files need no client
    from connectors.kafka_history import KafkaHistory, Span, reader  # noqa: PLC0415
    from connectors.kafka_offsets import Offsets  # noqa: PLC0415

    first = Position.parse("training.data.from", data.start, ("earliest",), may_be_offset=True)
    last = Position.parse("training.data.to", data.end, ("latest",), may_be_offset=True)
    wait_for_brokers(config.brokers)
    consumer = reader(config.brokers)
    log = Offsets(consumer, config.brokers)
    spans = {}
    for where in log.partitions(group.topics, group.topic_patterns):
        start, end = first.of(where, log), last.of(where, log)
        spans[where] = Span(start, max(start, end))
    return KafkaHistory(config.brokers, consumer, spans, is_resumed=False)
