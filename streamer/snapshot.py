"""Takes the state of a partition out as a checkpoint, and puts one back in."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
from numpy.typing import NDArray

from connectors.ports import StateKey
from models.calibration.pool import Pool
from streamer.checkpoint import Checkpoint, SavedColumn
from streamer.drift import DriftWatch
from streamer.epoch import Epoch
from streamer.judge import Judge, settings_of
from streamer.partition import Partition
from streamer.reorder import ReorderBuffer
from streamer.room import Room
from streamer.series_rows import PADDING_ROW

FIRST_ROW = PADDING_ROW + 1
HOST_VERSION = 1  # of what the columns on the host mean
_POOLED = "pool_"  # before the names of the pool's arrays
_HELD = "held_"  # before the names of the reorder buffer's arrays
_DRIFT = "drift_"  # and before those of what the drift detectors have seen
NEW_AGAIN = "readings"  # the column by which a row is warming

log = logging.getLogger("streamer")


def take(
    partition: Partition,
    next_offset: int,
    source: dict[str, str | int] | None = None,
    room: Room | None = None,
) -> Checkpoint:
    """A copy of everything the partition remembers, before the record at ``next_offset``.

    Its columns lie in ``room``, of which nothing may change before the checkpoint is written; None: in new memory.
    """
    judge, series, table = partition.judge, partition.series, partition.table
    rows = series.live()
    has_free = len(rows) < series.height - FIRST_ROW
    place = rows if has_free else slice(FIRST_ROW, series.height)  # copied in one piece
    room = Room() if room is None else room
    room.clear(table.size_bytes + partition.columns.size_bytes, is_pinned=table.device.type == "cuda")
    block = table.export(place, room)
    host = partition.columns.copy(place, room)
    versions = {column.name: column.version for column in judge.detector.columns}
    columns = {name: SavedColumn(versions[name], values) for name, values in table.columns_of(block).items()}
    columns |= {name: SavedColumn(HOST_VERSION, values) for name, values in host.items()}
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
        },
        series=series.names_for_good(rows),
        columns=columns,
        source=source or {},
        shared={
            **{_POOLED + name: part.cpu().numpy().copy() for name, part in pool.parts().items()},
            **{_HELD + name: array for name, array in partition.buffer.to_columns().items()},
            **{_DRIFT + name: array for name, array in partition.drift.saved.items()},
        },
    )


def restored(checkpoint: Checkpoint, judge: Judge, appeared: Callable[[list[str]], None] | None = None) -> Partition:
    """The partition as it was when the checkpoint was taken, under the judge that was in force.

    A column that the checkpoint lacks, or has in another version or shape, takes its initial value, and its rows are
    warming; one that nobody wants any more is dropped. Both are logged.
    """
    partition = Partition(judge, checkpoint.key.topic_partition, appeared)
    partition.series.add([*checkpoint.series])
    rows = slice(FIRST_ROW, partition.series.height)
    partition.columns.ensure(partition.series.height)
    versions = {column.name: column.version for column in judge.detector.columns}
    device = _fitting(checkpoint, versions, partition.table.columns_of(partition.table.export(slice(0), Room())))
    ours = {name: partition.columns[name] for name in partition.columns}
    host = _fitting(checkpoint, dict.fromkeys(ours, HOST_VERSION), ours)
    if {*versions, *ours} - {*device, *host}:
        device.pop(NEW_AGAIN, None)
    _tell(checkpoint, {*versions, *ours}, {*device, *host})
    partition.table.load(rows, device)
    for name, values in host.items():
        partition.columns[name][rows] = values
    first, watermark = (_whole(checkpoint.counters[name]) for name in ("epoch_first_watermark", "watermark"))
    partition.epoch = Epoch(int(checkpoint.counters["epoch_accepted"] or 0), first, watermark)
    partition.pool = _pool(checkpoint, judge)
    partition.drift = DriftWatch(judge.choices.drift, _shared(checkpoint, _DRIFT))
    held = _shared(checkpoint, _HELD)
    if held:
        partition.buffer = ReorderBuffer.from_columns(judge.group, partition.topic_partition, held)
    return partition


def _shared(checkpoint: Checkpoint, prefix: str) -> dict[str, NDArray[Any]]:
    """The arrays of the partition whose names begin so, by the rest of their names."""
    arrays = checkpoint.shared.items()
    return {name.removeprefix(prefix): array for name, array in arrays if name.startswith(prefix)}


def is_empty(checkpoint: Checkpoint) -> bool:
    """Whether it remembers no reading."""
    held = checkpoint.shared.get(f"{_HELD}position", ())
    return not len(checkpoint.series) and not len(held)


def build_of(device: torch.device) -> dict[str, str]:
    """What the bits of a state depend on beside weights and readings: another build is another last bit."""
    kind = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    return {"torch": torch.__version__, "device": device.type, "instructions": kind}


def _fitting(
    checkpoint: Checkpoint, versions: Mapping[str, int], like: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Of the checkpoint's columns those that are wanted in this version, and whose rows are ``like`` those of today."""
    fitting = {}
    for name, version in versions.items():
        saved = checkpoint.columns.get(name)
        if saved is not None and saved.version == version:
            values, ours = saved.values, like[name]
            if values.shape[1:] == ours.shape[1:] and values.dtype == ours.dtype:
                fitting[name] = values
    return fitting


def _tell(checkpoint: Checkpoint, wanted: set[str], used: set[str]) -> None:
    fresh, dropped = sorted(wanted - used), sorted(checkpoint.columns.keys() - wanted)
    if fresh or dropped:
        log.warning(
            "checkpoint %d of %s: columns %s begin anew and their series are warming; columns %s are dropped",
            checkpoint.next_offset, checkpoint.key, fresh, dropped,
        )  # fmt: skip


def _pool(checkpoint: Checkpoint, judge: Judge) -> Pool:
    fresh = judge.pool
    saved = {name: checkpoint.shared.get(_POOLED + name) for name in fresh.parts()}
    parts = {name: torch.from_numpy(part.copy()).to(judge.device) for name, part in saved.items() if part is not None}
    if not fresh.fits(parts):
        log.warning("checkpoint %d of %s: its pool does not fit and begins anew",
                    checkpoint.next_offset, checkpoint.key)  # fmt: skip
        return fresh
    return fresh.with_parts(parts)


def _whole(counter: float | None) -> int | None:
    return None if counter is None else int(counter)
