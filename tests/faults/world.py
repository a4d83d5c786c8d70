"""A world in memory in which processes of the daemon live and die, and what it looks like afterwards."""

import itertools
from collections.abc import Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from typing_extensions import override

from connectors.columns import Alarms, Records, Rejects, Results, Silences, TopicPartition
from connectors.directory_store import DirectoryStore
from connectors.disk import Disk
from connectors.memory import MemorySource, Script, records_of
from connectors.memory_delivery import Ledger, MemoryExactlyOnce
from connectors.past import MemoryPast
from connectors.ports import StateKey
from connectors.shelf import Shelf
from models.artifact import Artifact
from streamer import config
from streamer.adoption import AdoptionOptions
from streamer.board import Board
from streamer.checkpoint import Checkpoint, decode
from streamer.engine import Engine
from streamer.keeper import Keeper
from streamer.shelf_watch import ShelfWatch
from streamer.succession import Succession
from streamer.tenancy import Tenancy
from streamer.watchlist import Watchlist, WatchPolicy
from streamer.wiring import make_groups, make_metrics
from tests.faults.fuse import Fuse, fused
from tests.streamer.plain_loop import COLUMNS

FIRST, SECOND = TopicPartition("pumps", 0), TopicPartition("pumps", 1)
SOURCE_CALLS = ("poll", "committed", "first_offset", "oldest_offset", "seek")
DELIVERY_CALLS = ("open", "begin", "write", "commit", "release")
DISK_CALLS = ("make_directory", "open", "write", "sync", "replace", "unlink")
STORE_CALLS = ("offsets", "load")
PAST_CALLS = ("read", "close")


def configuration(cell: str, **options: Any) -> config.Config:
    group = {"name": "pumps", "topics": ["pumps"], "format": {"type": "json", "timestamp_field": "t"}, "cell": cell}
    return config.parse(
        {
            "source": {"type": "replay", "files": [{"path": "none", "topic": "pumps"}]},
            "sink": {"type": "discard"},
            "groups": [group | {"eviction": {"max_series": 3}} | options],
        },
        "test",
    )


def batch(where: TopicPartition, first_offset: int, count: int) -> Records:
    """Readings of a few series, an outlier and something that cannot be read among them."""
    random = np.random.default_rng([where.partition, first_offset])
    rows = []
    for offset in range(first_offset, first_offset + count):
        value: Any = 900.0 if offset % 17 == 16 else "broken" if offset % 13 == 12 else random.normal()
        minute = offset // 2
        time = f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00Z"
        rows.append((f"pump-{offset % 5}".encode(), orjson.dumps({"t": time, "value": value})))
    return records_of(where, rows, first_offset)


class UnsyncedDisk(Disk):
    """A process that is only played loses nothing of what the system has: there is no need to wait for the disk."""

    @override
    def sync(self, descriptor: int) -> None:
        pass


class Inline(Executor):
    """Runs everything at once, so that calls are counted in one order."""

    @override
    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # what a thread's future does too
            future.set_exception(error)
        return future


@dataclass
class World:
    """What outlives a process."""

    cell: str
    folder: Path
    script: Script
    checkpoint_seconds: float = 12.0  # of a clock that moves by a second whenever it is looked at
    ledger: Ledger = field(default_factory=Ledger)
    options: dict[str, Any] = field(default_factory=dict)  # of the group
    promotion: tuple[int, Artifact] | None = None  # after so many turns of a life this artifact is put in force

    def live(self, fuse: Fuse, turns: int | None = None) -> None:
        """The life of one process: to the end of the script, or of the fuse, or dead after so many turns."""
        shelf = Shelf(self.folder.with_name(f"{self.folder.name}-shelf"))
        settings = configuration(self.cell, **{"artifact": str(shelf.root)} | self.options)
        metrics = make_metrics(settings)
        source = fused(MemorySource(self.script, self.ledger.committed), fuse, SOURCE_CALLS)
        delivery = fused(MemoryExactlyOnce(self.ledger), fuse, DELIVERY_CALLS)
        store = fused(DirectoryStore(self.folder, fused(UnsyncedDisk(), fuse, DISK_CALLS)), fuse, STORE_CALLS)
        board = Board(Watchlist(WatchPolicy(), 0.0), 1000, metrics)
        groups = make_groups(settings, metrics, lambda: 0.0)
        ticks = itertools.count()
        keeper = Keeper(store, self.checkpoint_seconds, metrics.state, lambda: float(next(ticks)), Inline())
        tenancy = Tenancy(source, delivery, groups, keeper, metrics, lambda: 0.0)
        engine = Engine(source, delivery, tenancy, board, metrics, lambda: 0.0)
        succession = Succession(
            tenancy,
            source,
            lambda where, offset: fused(MemoryPast(self.script, where, offset, 8), fuse, PAST_CALLS),
            ShelfWatch(settings.groups, metrics, lambda: 0.0, Inline(), look_seconds=0.0),
            {"pumps": AdoptionOptions(shadow_readings=4)},
            metrics,
            lambda: 0.0,
        )
        for turn in itertools.count():
            if engine.has_ended:
                break
            if turns == turn:
                return
            if self.promotion is not None and turn == self.promotion[0]:
                artifact = self.promotion[1]
                shelf.promote(artifact.name, artifact.content, kept=2)
            engine.turn()
            succession.tick()
        engine.leave()

    def results(self) -> dict[tuple[int, int], list[np.ndarray]]:
        """Every member of every result by partition and offset; one that is there twice fails here."""
        found: dict[tuple[int, int], list[np.ndarray]] = {}
        for results in self._of(Results):
            for position, offset in enumerate(results.readings.offset.tolist()):
                at = (results.readings.topic_partition.partition, offset)
                assert at not in found, f"{at} has two results"
                found[at] = [np.asarray(getattr(results, name)[position]) for name in COLUMNS]
        return found

    def artifacts(self, where: TopicPartition) -> dict[int, str]:
        """By which artifact each offset of a partition was judged, in offset order."""
        judged = {
            offset: results.artifact
            for results in self._of(Results)
            if results.readings.topic_partition == where
            for offset in results.readings.offset.tolist()
        }
        return dict(sorted(judged.items()))

    def alarms(self) -> list[tuple[Any, ...]]:
        """Who, when and which: one that is there twice would be another list."""
        return alarms_of(self._of(Alarms))

    def silences(self) -> list[tuple[Any, ...]]:
        return sorted(
            (silences.topic_partition.partition, series, event, alarm_id, int(timestamp))
            for silences in self._of(Silences)
            for series, event, alarm_id, timestamp in zip(
                silences.series, silences.event, silences.alarm_id, silences.timestamp, strict=True
            )
        )

    def rejects(self) -> list[tuple[int, int, str]]:
        return sorted(
            (rejects.records.topic_partition.partition, int(offset), reason.value)
            for rejects in self._of(Rejects)
            for offset, reason in zip(rejects.offset, rejects.reason, strict=True)
        )

    def states(self) -> dict[TopicPartition, Checkpoint]:
        """The newest checkpoint of each partition."""
        store, found = DirectoryStore(self.folder), {}
        for where, offsets in self.saved().items():
            key = StateKey("pumps", where)
            found[where] = decode(store.load(key, offsets[-1]), str(key))
        return found

    def saved(self) -> dict[TopicPartition, list[int]]:
        """The next offsets of the checkpoints of each partition."""
        store = DirectoryStore(self.folder)
        return {where: store.offsets(StateKey("pumps", where)) for where in (FIRST, SECOND)}

    def _of(self, kind: type[Any]) -> Iterable[Any]:
        return [columns for columns in self.ledger.durable if isinstance(columns, kind)]


def alarms_of(columns: Iterable[Alarms]) -> list[tuple[Any, ...]]:
    """Partition, offset, event, identity and peak of each, in order."""
    return sorted(
        (alarms.results.readings.topic_partition.partition, int(offset), event, alarm_id, float(peak))
        for alarms in columns
        for offset, event, alarm_id, peak in zip(
            alarms.results.readings.offset, alarms.event, alarms.alarm_id, alarms.peak_score, strict=True
        )
    )


def assert_same(world: World, reference: World) -> None:
    ours, expected = world.results(), reference.results()
    assert ours.keys() == expected.keys()
    for at, members in expected.items():
        for name, value, member in zip(COLUMNS, ours[at], members, strict=True):
            np.testing.assert_array_equal(value, member, err_msg=f"{name} of {at}")
    assert world.alarms() == reference.alarms()
    assert world.silences() == reference.silences()
    assert world.rejects() == reference.rejects()
    assert world.ledger.committed == reference.ledger.committed
    for where, state in reference.states().items():
        assert_same_state(world.states()[where], state)


def assert_same_state(ours: Checkpoint, expected: Checkpoint) -> None:
    """Bit for bit; only the rows may be in another order, as no score depends on it."""
    assert (ours.next_offset, ours.counters, ours.artifact) == (
        expected.next_offset,
        expected.counters,
        expected.artifact,
    )
    assert sorted(ours.series) == sorted(expected.series)
    order, their_order = np.argsort(ours.series), np.argsort(expected.series)
    for name, column in expected.columns.items():
        np.testing.assert_array_equal(ours.columns[name].values[order], column.values[their_order], err_msg=name)
    for name, values in expected.shared.items():
        np.testing.assert_array_equal(ours.shared[name], values, err_msg=name)
