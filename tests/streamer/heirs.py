"""A rig whose group has its artifact on a shelf, and what brings a promoted one to its partitions."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from connectors.columns import Results, TopicPartition
from connectors.memory import Script
from connectors.past import MemoryPast, Past
from connectors.shelf import Shelf
from models.artifact import Artifact
from streamer.adoption import AdoptionOptions
from streamer.config import Config
from streamer.shelf_watch import ShelfWatch
from streamer.succession import Succession
from tests.faults.world import Inline
from tests.streamer.rig import CONFIG, FIRST, Rig, batch

KEPT = 9
WALKS = [1.0, 1.2, 1.1, 1.4, 1.3, 1.5, 1.45, 1.6, 1.4, 1.5] * 4


def promoted(folder: Path, artifact: Artifact) -> str:
    """Put an artifact in force. -> its title."""
    return Shelf(folder).promote(artifact.name, artifact.content, KEPT)


def settings(folder: Path, **adoption: Any) -> Config:
    """The rig's configuration with a shelf."""
    changes = {"cell": "gru", "artifact": str(folder), "adoption": AdoptionOptions(**adoption)}
    group = msgspec.structs.replace(CONFIG.groups[0], **changes)
    return msgspec.structs.replace(CONFIG, groups=[group])


def one_by_one(count: int, where: TopicPartition = FIRST) -> Script:
    """So many records of one series, each in a poll of its own."""
    return [batch(where, at, [WALKS[at % len(WALKS)]]) for at in range(count)]


class Estate:
    """A rig with its succession."""

    def __init__(self, script: Script, config: Config, crashed: Rig | None = None, **parts: Any) -> None:
        if crashed is not None:
            parts |= {"committed": crashed.committed, "contents": crashed.contents}
        self.rig = Rig(list(script), settings=config, **parts)
        self.pasts: list[Past] = []
        self.opened: list[tuple[TopicPartition, int]] = []
        self.refusals: list[Exception] = []  # of the next tries to open a past
        self.script = script
        options = {group.name: group.adoption for group in config.groups if group.adoption is not None}
        watch = ShelfWatch(config.groups, self.rig.metrics, self.rig.clock, Inline(), look_seconds=0.0)
        self.succession = Succession(
            self.rig.tenancy, self.rig.source, self.open_past, watch, options, self.rig.metrics, self.rig.clock
        )

    def open_past(self, where: TopicPartition, offset: int) -> Past:
        if self.refusals:
            raise self.refusals.pop(0)
        self.opened.append((where, offset))
        self.pasts.append(MemoryPast(self.script, where, offset))
        return self.pasts[-1]

    def turn(self, times: int) -> "Estate":
        for _ in range(times):
            self.rig.engine.turn()
            self.succession.tick()
        return self

    def artifacts(self) -> dict[int, str]:
        """By which artifact each offset of the first partition was judged."""
        return {
            offset: results.artifact
            for results in self.rig.written(Results)
            if results.readings.topic_partition == FIRST
            for offset in results.readings.offset.tolist()
        }

    @property
    def in_force(self) -> str:
        return self.rig.tenancy.tenures[FIRST].partition.judge.artifact.name


def changes(names: Iterable[str]) -> list[str]:
    """The names without repetition of one that stays."""
    said: list[str] = []
    for name in names:
        if said[-1:] != [name]:
            said.append(name)
    return said
