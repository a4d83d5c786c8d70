"""The process whose CPU seconds are measured: the ordinary daemon on Kafka, told when to look at its clock."""

import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from delegate import Delegate
from typing_extensions import override

from connectors.columns import Records, TopicPartition
from connectors.kafka_source import KafkaSource
from connectors.ports import Delivery, Event
from streamer.accounting import CountingEncoder
from streamer.wiring import assemble, make_groups, make_metrics, on_kafka
from throughput.meter import Meter, Sample
from throughput.setting import parsed, scrape
from throughput.workload import Plan


class TimedDelivery(Delegate):
    """Takes down how long each delivery took."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__(delivery)
        self.seconds: list[float] = []
        self._begun: dict[TopicPartition, float] = {}

    @override
    def begin(self, partition: TopicPartition) -> None:
        self._begun[partition] = time.perf_counter()
        super().begin(partition)

    @override
    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        super().commit(next_offsets)
        self.seconds += [time.perf_counter() - self._begun.pop(partition) for partition in next_offsets]


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is to measure."""

    config: dict[str, Any]
    plan: Plan


class CountedSource(KafkaSource):
    """Counts the records it delivers; a turn of the engine ends with all of them scored, written and committed."""

    delivered = 0

    def has_delivered(self, records: int) -> bool:
        """Whether it was so many."""
        return self.delivered >= records

    @override
    def poll(self, timeout_seconds: float) -> list[Event | Records]:
        arrived = super().poll(timeout_seconds)
        self.delivered += sum(len(item) for item in arrived if isinstance(item, Records))
        return arrived


def measure(errand: Errand) -> list[Sample]:
    """One sample a repetition, each with one scrape; start-up and warm-up are in none of them."""
    config, plan = parsed(errand.config), errand.plan
    metrics = make_metrics(config)
    groups = make_groups(config, metrics, time.monotonic)
    source = CountedSource(config.brokers, [topic for group in config.groups for topic in group.topics])
    parts = on_kafka(config, CountingEncoder(config.outputs, metrics.emitted), source)
    delivery = TimedDelivery(parts.delivery)
    parts = parts._replace(delivery=delivery)
    samples = []
    with assemble(config, parts, groups, metrics) as daemon:
        daemon.turn_until(partial(source.has_delivered, plan.warm_up))
        meter = Meter(metrics)
        for _, stop in plan.laps():
            before = source.delivered
            delivery.seconds.clear()
            daemon.turn_until(partial(source.has_delivered, stop))
            scrape(config)
            samples.append(meter.lap(source.delivered - before, delivery.seconds))
    return samples


def main() -> None:
    """Read the errand from the file named on the command line and print the samples as JSON."""
    errand = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Errand)
    sys.stdout.buffer.write(msgspec.json.encode(measure(errand)))


if __name__ == "__main__":
    main()
