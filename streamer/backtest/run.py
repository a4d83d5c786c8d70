"""A backtest: data files through the ordinary engine, everything remembered in memory and nothing written."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from connectors.columns import TopicPartition
from connectors.errors import ConfigError
from connectors.replay import ReplaySource as ReplayFiles
from connectors.row_files import ReplayFile
from streamer.backtest.recorder import Recorder
from streamer.config import Config, DiscardSink, ReplaySource
from streamer.history import all_live
from streamer.wiring import in_memory, make_engine, make_groups, make_metrics

KINDS = (".csv", ".jsonl", ".ndjson", ".parquet")


def files_of(config: Config, data: Path, key: str | None, key_field: str | None) -> list[ReplayFile]:
    """The data as topics of the configuration: of a folder every file, each named after its topic.

    Raises:
        ConfigError: there are none, or one has no topic.
    """
    paths = sorted(path for path in data.iterdir() if _stem(path) is not None) if data.is_dir() else [data]
    if not paths:
        raise ConfigError(f"--data: Expected data files ({', '.join(KINDS)}) in the folder {data}, got none")
    try:
        return [
            ReplayFile(path=str(path), topic=_topic(config, path, data.is_dir()), key=key, key_field=key_field)
            for path in paths
        ]
    except ValueError as error:
        raise ConfigError(f"--key: {error}") from error


def backtest(config: Config, files: list[ReplayFile], told: Callable[[int, int, int], None]) -> Recorder:
    """Score the files from no state, as `streamer run` would.

    ``told`` hears of the readings so far, the files done, and all files.

    Raises:
        ConfigError: a file cannot be read, a topic is of no group, or an artifact is missing.
    """
    try:
        replaced = msgspec.structs.replace(
            config, source=ReplaySource(files=files), sink=DiscardSink(), delivery="at_least_once"
        )
    except ValueError as error:
        raise ConfigError(f"backtest: {error}") from error
    metrics = make_metrics(replaced)
    groups = make_groups(replaced, metrics, time.monotonic)
    recorder = Recorder()
    source = ReplayFiles(files)
    parts = in_memory(source, recorder)
    engine = make_engine(replaced, parts, groups, metrics, time.monotonic, all_live).engine
    while not engine.has_ended:
        engine.turn()
        read = sum(source.lag(TopicPartition(file.topic, 0)) == 0 for file in files)
        told(recorder.scored + recorder.rejected, read, len(files))
    parts.delivery.close()
    source.close()
    return recorder


def _topic(config: Config, path: Path, is_one_of_many: bool) -> str:
    """The topic that a file is: the one that it is named after, or the only one there is."""
    stem = _stem(path) or path.name
    if any(group.holds(stem) for group in config.groups):
        return stem
    topics = [topic for group in config.groups for topic in group.topics]
    patterns = [pattern for group in config.groups for pattern in group.topic_patterns]
    if len(topics) == 1 and not patterns and not is_one_of_many:
        return topics[0]
    raise ConfigError(f"--data: Expected a file named after one of the topics {topics + patterns}, got {path}")


def _stem(path: Path) -> str | None:
    """The name without what says its kind; None of a file of no known kind."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    return plain.stem if plain.suffix in KINDS else None
