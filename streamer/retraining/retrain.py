"""What `streamer retrain` does: gather, teach a challenger, let it fight the champion, and keep who wins."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import torch

from connectors.errors import ConfigError
from connectors.shelf import Shelf
from models.artifact import Artifact
from models.training.snapshot import Forgetful
from models.training.team import Alone
from streamer.artifacts import artifact_of
from streamer.config import Config, GroupOptions
from streamer.named_group import group_of
from streamer.retraining.contest import Rivals, fight
from streamer.retraining.options import RetrainingOptions
from streamer.retraining.report import NOTE, Report, Verdict, judge, to_markdown
from streamer.shelf_commands import put_in_force, shelved
from streamer.training.options import FilesData, KafkaData, TrainingOptions
from streamer.training.series import Gathered, Series, gather
from streamer.training.sources import opened
from streamer.training.teach import Means, teach
from streamer.training.watch import watched
from streamer.wiring import device_of

REPORTS = "reports"  # the folder on the shelf


def retrain(config: Config, wall_clock: Callable[[], float]) -> Report:
    """Train a challenger from the champion's weights, and put it in force if it is better. Everything is on the shelf.

    The order is the guarantee: who is in force is decided before the report says so, and a crash between any two lines
    leaves the champion or the challenger in force, whole.

    Raises:
        ConfigError: something that is named does not exist, does not fit, or is too little.
        TransientError: the brokers are away.
        OffsetGoneError: records were deleted while they were read.
        StoreError: the shelf cannot be written.
    """
    torch.set_num_threads(1)  # the same bits on every machine, and the daemon beside it has cores of its own
    began = wall_clock()
    options, rules = options_of(config), config.retraining or RetrainingOptions()
    group = group_of(config, options.group, "training.group")
    shelf = shelved(group)
    in_force, champion = shelf.current(), artifact_of(group)
    with opened(config, group, _window(options.data, rules, began)) as (source, decoder):
        found = gather(source, decoder, group.order)
    later = _later(found.series, rules.later_ratio)
    earlier = replace(found, series=[one for one in (_before(one, later) for one in found.series) if len(one)])
    stamp = datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H%M%SZ")
    challenger = _taught(champion, config, group, earlier, shelf.root / REPORTS / f"{stamp}.csv")
    contest = fight(Rivals(champion, challenger), group, found.series, later, rules.lead_readings)
    verdict = judge(contest, group.band_coverage, rules)
    if verdict.is_promoted and (now := shelf.current()) != in_force:
        verdict = Verdict(False, f"it is better, but {now} was put in force meanwhile")
    if verdict.is_promoted:
        put_in_force(group, challenger, rules.kept)
    report = Report(
        group=group.name,
        champion=champion.name,
        challenger=challenger.name,
        verdict=verdict,
        contest=contest,
        coverage_target_ratio=group.band_coverage,
        readings=found.readings,
        readings_trained=earlier.readings,
        first=_instant(min(int(one.timestamp[0]) for one in found.series)),
        later=_instant(later),
        last=_instant(max(int(one.timestamp[-1]) for one in found.series)),
        started_timestamp_seconds=began,
        duration_seconds=wall_clock() - began,
    )
    _publish(shelf, stamp, report)
    return report


def options_of(config: Config) -> TrainingOptions:
    """The table `training`.

    Raises:
        ConfigError: there is none.
    """
    if config.training is None:
        raise ConfigError("Expected a table `training`, got none")
    return config.training


def _window(data: FilesData | KafkaData, rules: RetrainingOptions, now: float) -> FilesData | KafkaData:
    """What is read: of what Kafka holds the last ``window_seconds``, if that is said."""
    if rules.window_seconds is None or isinstance(data, FilesData):
        return data
    start = datetime.fromtimestamp(now, UTC) - timedelta(seconds=rules.window_seconds)
    return msgspec.structs.replace(data, start=start.isoformat())


def _later(series: Sequence[Series], ratio: float) -> int:
    """The event time (ns) from which on this share of all readings came."""
    if not series:
        raise ConfigError("retraining: Expected readings in the window, got none")
    timestamps = np.sort(np.concatenate([one.timestamp for one in series]))
    return int(timestamps[int(len(timestamps) * (1 - ratio))])


def _before(series: Series, later: int) -> Series:
    return series.span(0, int(np.searchsorted(series.timestamp, later)))


def _taught(champion: Artifact, config: Config, group: GroupOptions, earlier: Gathered, log_file: Path) -> Artifact:
    """The challenger: the champion's weights, trained on."""
    options = options_of(config)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with watched(options.epochs, log_file) as watch:
        means = Means(device_of(config), Alone(), Forgetful(), watch)
        return teach(champion, group, options, earlier, means).artifact


def _publish(shelf: Shelf, stamp: str, report: Report) -> None:
    """The order is the guarantee: the newest report, which others watch, is written when all else is there."""
    content = msgspec.json.format(msgspec.json.encode(report), indent=2)
    shelf.put_note(f"{REPORTS}/{stamp}.md", to_markdown(report).encode())
    shelf.put_note(f"{REPORTS}/{stamp}.json", content)
    shelf.put_note(NOTE, content)


def _instant(timestamp_ns: int) -> str:
    return datetime.fromtimestamp(timestamp_ns // 1_000_000_000, UTC).isoformat()
