"""The process that is started in the place of the killed one: the ordinary daemon, which keeps a diary."""

import sys
import time
from pathlib import Path
from typing import Any

import msgspec
from throughput.in_memory import EncodingSink
from throughput.setting import parsed
from throughput.workload import MAX_BATCH_READINGS, Workload

from connectors.columns import TopicPartition
from connectors.delivery import AtLeastOnce
from connectors.directory_store import DirectoryStore
from connectors.encode import Encoder
from connectors.kafka_source import KafkaSource
from connectors.memory import MemorySource, records_of
from connectors.ports import Assigned
from recovery.diary import Diary, ObservedDelivery, ObservedSource, Recovery
from recovery.estate import Estate
from streamer.accounting import CountingEncoder
from streamer.config import Config
from streamer.wiring import Parts, assemble, instance_name, make_groups, make_metrics, on_kafka, topics_of


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """What is inherited, and when the process was started, by `time.monotonic`."""

    config: dict[str, Any]
    estate: Estate
    started: float
    folder: str | None = None  # of the checkpoints, where there is no Kafka


class KafkaRecords(ObservedSource, KafkaSource):
    """Records of Kafka."""


class MadeRecords(ObservedSource, MemorySource):
    """Records that were made beforehand."""


def recover(errand: Errand, imports: float) -> Recovery:
    """Go on until every reading is delivered."""
    estate, config = errand.estate, parsed(errand.config)
    metrics = make_metrics(config)
    encoder = CountingEncoder(config.outputs, metrics.emitted)
    if errand.folder is None:
        diary = Diary(errand.started, imports)
        parts = _on_kafka(config, encoder, diary)
    else:
        made = _made(estate)
        diary = Diary(time.monotonic() - imports, imports)  # who is fed by Kafka need not make readings
        made.diary = diary
        parts = Parts(made, AtLeastOnce(EncodingSink(encoder), made), DirectoryStore(Path(errand.folder)))
    parts = parts._replace(delivery=ObservedDelivery(parts.delivery, diary, estate.partitions))
    groups = make_groups(config, metrics, time.monotonic)
    with assemble(config, parts, groups, metrics) as daemon:
        daemon.turn_until(lambda: len(diary.live) == estate.partitions)
        told = diary.delivered
        daemon.turn_until(lambda: diary.delivered >= estate.silent + estate.live)
        diary.recovery.live_rate = (diary.delivered - told) / diary.lap()
    return diary.recovery


def _on_kafka(config: Config, encoder: Encoder, diary: Diary) -> Parts:
    source = KafkaRecords(config.brokers, *topics_of(config), instance_name(config))
    source.diary = diary
    return on_kafka(config, encoder, source)


def _made(estate: Estate) -> MadeRecords:
    where, workload = TopicPartition(estate.topic, 0), Workload(estate.series)
    starts = range(estate.series, estate.end, MAX_BATCH_READINGS)
    batches = [(start, min(start + MAX_BATCH_READINGS, estate.end)) for start in starts]
    records = [
        records_of(where, workload.rows(start, stop), first_offset=start - estate.series) for start, stop in batches
    ]
    return MadeRecords([Assigned((where,)), *records], committed={where: estate.silent})


def main() -> None:
    """Read the errand from the file named on the command line and print the diary as JSON."""
    imported = time.monotonic()
    errand = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Errand)
    sys.stdout.buffer.write(msgspec.json.encode(recover(errand, imported - errand.started)))


if __name__ == "__main__":
    main()
