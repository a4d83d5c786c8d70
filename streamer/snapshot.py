"""Takes the state of a partition out as a checkpoint, and puts one back in."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from connectors.columns import Int64
from connectors.ports import StateKey
from models.pool import BINS, Pool
from streamer.checkpoint import Checkpoint, SavedColumn
from streamer.epoch import Epoch
from streamer.judge import Judge, settings_of
from streamer.partition import Partition

HOST_VERSION = 1  # of what the columns on the host mean
NEW_AGAIN = "readings"  # the column by which a row is warming

log = logging.getLogger("streamer")


def take(partition: Partition, next_offset: int, staging: torch.Tensor | None = None) -> Checkpoint:
    """A copy of everything the partition remembers, before the record at ``next_offset``.

    The table is copied into ``staging`` where it is large enough; columns of the checkpoint are views of it, so it
    must not change before the checkpoint is written. See `Partition.table` for the space it needs.
    """
    judge, rows = partition.judge, partition.series.live()
    block = partition.table.export(rows, staging)
    device = partition.table.columns_of(block)
    versions = {column.name: column.version for column in judge.detector.columns}
    columns = {name: SavedColumn(versions[name], values) for name, values in device.items()}
    columns |= {name: SavedColumn(HOST_VERSION, values) for name, values in partition.columns.copy(rows).items()}
    pool, epoch = partition.pool, partition.epoch
    return Checkpoint(
        key=StateKey(judge.group, partition.topic_partition),
        next_offset=next_offset,
        artifact=judge.artifact.name,
        artifact_content=judge.artifact.content,
        settings=settings_of(judge),
        build=build_of(judge.device),
        counters={
            "epoch_accepted": epoch.accepted,
            "epoch_first_watermark": epoch.first_watermark,
            "watermark": epoch.watermark,
            "pool_epoch": pool.epoch,
            "pool_line": pool.line,
        },
        series=partition.series.names(rows),
        columns=columns,
        shared={"pool_closed": pool.closed.cpu().numpy().copy(), "pool_open": pool.open.cpu().numpy().copy()},
    )


def restored(checkpoint: Checkpoint, judge: Judge, appeared: Callable[[str], None] | None = None) -> Partition:
    """The partition as it was when the checkpoint was taken, under the judge that was in force.

    A column that the checkpoint lacks, or has in another version or shape, takes its initial value, and its rows are
    warming; one that nobody wants any more is dropped. Both are logged.
    """
    where = checkpoint.key.topic_partition
    partition = Partition(judge, where, appeared)
    rows = partition.series.of(np.array(checkpoint.series, dtype=object))
    wanted = {
        column.name: (column.version, np.empty((0, *column.shape), partition.table.host_dtype(column)))
        for column in judge.detector.columns
    }
    kept = _fitting(checkpoint, wanted)
    if wanted.keys() - kept.keys():
        kept.pop(NEW_AGAIN, None)
    host = _fitting(checkpoint, {name: (HOST_VERSION, values) for name, values in partition.columns.items()})
    _tell(checkpoint, [*wanted, *(name for name, _ in partition.columns.items())], [*kept, *host])
    if len(rows):
        partition.table.load(rows, kept)
        partition.columns.load(rows, host)
    partition.epoch = Epoch(*(_whole(checkpoint.counters.get(name)) for name in _EPOCH))  # type: ignore[arg-type]
    partition.pool = _pool(checkpoint, judge)
    return partition


_EPOCH = ("epoch_accepted", "epoch_first_watermark", "watermark")


def build_of(device: torch.device) -> dict[str, str]:
    """What the bits of a state depend on beside weights and readings: another build is another last bit."""
    kind = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    return {"torch": torch.__version__, "device": device.type, "instructions": kind}


def _fitting(
    checkpoint: Checkpoint, wanted: Mapping[str, tuple[int, NDArray[Any]]]
) -> dict[str, NDArray[Any]]:
    """Of the checkpoint's columns those that are wanted with their version, dtype and shape of a row."""
    fitting = {}
    for name, (version, like) in wanted.items():
        saved = checkpoint.columns.get(name)
        if saved is None or saved.version != version:
            continue
        if saved.values.shape[1:] == like.shape[1:] and saved.values.dtype == like.dtype:
            fitting[name] = saved.values
    return fitting


def _tell(checkpoint: Checkpoint, wanted: list[str], used: list[str]) -> None:
    fresh, dropped = sorted(set(wanted) - set(used)), sorted(checkpoint.columns.keys() - set(used))
    if fresh or dropped:
        log.warning(
            "checkpoint %d of %s: columns %s begin anew and their series are warming; columns %s are dropped",
            checkpoint.next_offset, checkpoint.key, fresh, dropped,
        )  # fmt: skip


def _pool(checkpoint: Checkpoint, judge: Judge) -> Pool:
    closed, opened = checkpoint.shared.get("pool_closed"), checkpoint.shared.get("pool_open")
    if closed is None or opened is None or closed.shape != (BINS,) or opened.shape != (BINS,):
        log.warning("checkpoint %d of %s: its pool does not fit and begins anew",
                    checkpoint.next_offset, checkpoint.key)  # fmt: skip
        return judge.pool
    line, epoch = checkpoint.counters["pool_line"], checkpoint.counters["pool_epoch"]
    return Pool(
        torch.from_numpy(closed.copy()).to(judge.device),
        torch.from_numpy(opened.copy()).to(judge.device),
        judge.pool.line if line is None else float(line),
        int(epoch or 0),
    )


def _whole(counter: float | None) -> int | None:
    return None if counter is None else int(counter)


def rows_of(partition: Partition) -> Int64:
    """The rows of the series that live."""
    return partition.series.live()
