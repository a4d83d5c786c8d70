"""What a killed daemon leaves: checkpoints, readings that it told of since, and the offsets that it committed."""

import time
from pathlib import Path

import msgspec
import numpy as np
from throughput.setting import NO_FILE, parsed, setting
from throughput.workload import GROUP, MAX_BATCH_READINGS, Workload

from connectors.columns import Int64, TopicPartition
from connectors.directory_store import DirectoryStore
from connectors.kafka_group import KafkaGroup
from connectors.kafka_options import CreateTopics, KafkaOptions, ProducerOptions
from connectors.kafka_partitioner import RememberingPartitioner
from connectors.kafka_publish import publish
from connectors.ports import StateKey
from streamer import snapshot
from streamer.checkpoint import encode
from streamer.wiring import make_groups, make_metrics

_STATE = "state"  # a folder


class Estate(msgspec.Struct, frozen=True, kw_only=True):
    """How much of it there is: readings count from the last one that is in a checkpoint."""

    series: int
    cell: str
    silent: int  # readings between the checkpoints and what was committed
    live: int  # readings that nobody has told of
    topic: str
    partitions: int

    @property
    def end(self) -> int:
        """The number behind that of the last reading; the first so many filled the checkpoints."""
        return self.series + self.silent + self.live

    def placed(self) -> Int64:
        """The partition of each series, as the client places its key. -> (series,)."""
        partitioner, keys = RememberingPartitioner(), (key for key, _ in Workload(self.series).rows(0, self.series))
        return np.array([partitioner.partition(self.topic, key, key, self) for key in keys], dtype=np.int64)

    def partitions_for_topic(self, _topic: str) -> range:
        """What the client asks its cluster."""
        return range(self.partitions)

    def committed(self, placed: Int64) -> dict[TopicPartition, int]:
        """The next offset of each partition: checkpoints are of offset 0."""
        series = np.arange(self.series, self.series + self.silent) % self.series
        counts = np.bincount(placed[series], minlength=self.partitions)
        return {TopicPartition(self.topic, number): int(count) for number, count in enumerate(counts)}

    def write_checkpoints(self, store: DirectoryStore, placed: Int64) -> None:
        """Have every series seen once, and keep what is remembered of it."""
        config = parsed(setting(self.cell, source=NO_FILE))
        [group] = make_groups(config, make_metrics(config), time.monotonic)
        workload = Workload(self.series)
        for number in range(self.partitions):
            where = TopicPartition(self.topic, number)
            partition = group.open(where)
            for start in range(0, self.series, MAX_BATCH_READINGS):
                stop = min(start + MAX_BATCH_READINGS, self.series)
                partition.advance(workload.readings(start, stop).take(placed[start:stop] == number))
            store.publish(StateKey(GROUP, where), 0, encode(snapshot.take(partition, 0)))
            group.drop(where)

    def leave_in_memory(self, folder: Path) -> None:
        """Leave it to a heir that is fed from memory: readings need no place."""
        self.write_checkpoints(DirectoryStore(folder), np.zeros(self.series, np.int64))

    def leave_on_kafka(self, folder: Path, address: str) -> None:
        """Leave readings on a topic and checkpoints in a folder, to any number of groups."""
        self.write_checkpoints(DirectoryStore(folder / _STATE), self.placed())
        topics = CreateTopics(partitions=self.partitions, replication_factor=1)
        producer = ProducerOptions(bootstrap_servers=address, create_topics=topics)
        publish(producer, self.topic, Workload(self.series).rows(self.series, self.end))

    def give_to(self, options: KafkaOptions, folder: Path) -> None:
        """Make the group of these options the one that left it."""
        (folder / options.group_id).symlink_to(folder / _STATE)
        with KafkaGroup(options) as group:
            for where, next_offset in self.committed(self.placed()).items():
                group.committed(where)  # a new broker makes its coordinator for who asks
                group.move(where, next_offset)
