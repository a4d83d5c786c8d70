"""A partition of many series and the keeper that saves it, turned by hand as the engine turns them."""

import gc
import time
from pathlib import Path

from throughput.setting import NO_FILE, parsed, setting
from throughput.workload import SOURCE, Workload

from connectors.directory_store import DirectoryStore
from streamer import snapshot
from streamer.keeper import Keeper
from streamer.origin import Origin
from streamer.tenure import Tenure
from streamer.wiring import make_groups, make_metrics

_FILL_READINGS = 5_000
_WRITTEN_SECONDS = 600.0


class Fleet:
    """Series of one partition, each seen once, on a store in ``folder``."""

    def __init__(self, folder: Path, series: int, cell: str, channels: int) -> None:
        config = parsed(setting(cell, channels, source=NO_FILE))
        metrics = make_metrics(config)
        [group] = make_groups(config, metrics, time.monotonic)
        self._folder = folder
        self._begun = -1
        self._workload = Workload(series, channels)
        self._group = group
        self._tenure = Tenure(group, group.open(SOURCE), 0, 0, -1, 0.0, Origin("", 1))
        self.keeper = Keeper(DirectoryStore(folder), 0.0, metrics.state, time.monotonic)
        while self._tenure.next_offset < series:
            self.score(min(_FILL_READINGS, series - self._tenure.next_offset))
        gc.collect()
        gc.freeze()  # as the daemon does

    @property
    def copied_bytes(self) -> int:
        """What a checkpoint copies while the engine waits: the rows of the table and of the columns on the host."""
        partition = self._tenure.partition
        rows = len(partition.series)
        return rows * partition.table.row_bytes + sum(
            partition.columns[name][:rows].nbytes for name in partition.columns
        )

    @property
    def file_bytes(self) -> int:
        """Size of the newest checkpoint."""
        return max(self._folder.rglob("*.checkpoint")).stat().st_size

    @property
    def is_written(self) -> bool:
        """Whether the checkpoint that was begun last is durable."""
        self.keeper.tick([])
        return self._tenure.saved_offset == self._begun

    def score(self, readings: int) -> None:
        """Advance the partition, as the engine does between two commits."""
        start = self._tenure.next_offset
        self._tenure.partition.advance(self._workload.readings(start, start + readings))
        self._tenure.next_offset += readings

    def begin(self) -> None:
        """Have a checkpoint taken, and return when the engine may go on."""
        self._begun = self._tenure.next_offset
        self.keeper.tick([self._tenure])

    def wait(self) -> None:
        """Return when it is written."""
        self.keeper.save(self._tenure, _WRITTEN_SECONDS)

    def restore(self) -> tuple[float, float]:
        """Go on from the newest checkpoint in a new partition. -> seconds to read and check it, and to load it."""
        started = time.perf_counter()
        checkpoint = self.keeper.find(self._tenure.key, self._tenure.next_offset)
        read = time.perf_counter()
        snapshot.restored(checkpoint, self._group.judges.of_checkpoint(checkpoint))
        return read - started, time.perf_counter() - read
