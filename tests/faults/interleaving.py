"""Records of two partitions as one straight run reads them, and in pieces, with rebalances and deaths in between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors.columns import Records, TopicPartition
from connectors.memory import Script
from connectors.ports import Assigned, Ended
from streamer import epoch
from tests.faults.fuse import Fuse
from tests.faults.world import World

CELL = "gru"
EPOCH_READINGS = 7


@dataclass(frozen=True, slots=True)
class Log:
    """All records of the partitions, and the options of the group that reads them."""

    records: Mapping[TopicPartition, Records]
    options: dict[str, Any]

    def in_pieces(self, script: Script) -> Script:
        """The same script over these records."""
        return [
            self.records[entry.topic_partition].split(int(entry.offset[0]))[1].split(entry.next_offset)[0]
            if isinstance(entry, Records)
            else entry
            for entry in script
        ]

    def straight(self, folder: Path) -> World:
        """What comes of one life that reads partition after partition."""
        script: Script = [Assigned(tuple(self.records)), *self.records.values(), Ended()]
        return self.lived(folder, script, [])

    def lived(self, folder: Path, script: Script, deaths: Sequence[int], pace: float = 12.0) -> World:
        """What comes of lives that end after so many turns, and of one more that ends with the script."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(epoch, "MAX_READINGS", EPOCH_READINGS)
            world = World(CELL, folder, script, checkpoint_seconds=pace, options=self.options)
            for turns in deaths:
                world.live(Fuse(), turns)
            world.live(Fuse())
        return world
