"""The roads without a broker: columns to scores, and records through decoder, engine, encoder and exporter."""

import time
from collections.abc import Callable

from typing_extensions import override

from connectors.encode import Encoder
from connectors.memory import MemorySource
from connectors.ports import Assigned, Columns
from streamer.accounting import CountingEncoder
from streamer.discard import DiscardSink
from streamer.wiring import assemble, in_memory, make_groups, make_metrics
from throughput.meter import Meter, Sample
from throughput.setting import NO_FILE, parsed, scrape, setting
from throughput.workload import SOURCE, Plan, Workload


def columns_to_scores(plan: Plan, cell: str, device: str = "cpu") -> list[Sample]:
    """Partition.advance on columns made beforehand: no bytes, no outputs."""
    config = parsed(setting(cell, source=NO_FILE, device=device))
    metrics = make_metrics(config)
    [group] = make_groups(config, metrics, time.monotonic)
    partition, workload = group.open(SOURCE), Workload(plan.series)
    for start, stop in plan.batches(0, plan.warm_up):
        partition.advance(workload.readings(start, stop))
    samples = []
    for lap in plan.laps():
        batches = [workload.readings(start, stop) for start, stop in plan.batches(*lap)]
        meter = Meter(metrics)
        scored = sum(len(results) for batch in batches for results in partition.advance(batch).results)
        samples.append(meter.lap(scored))
    return samples


def records_to_messages(plan: Plan, cell: str, form: str, device: str = "cpu") -> list[Sample]:
    """The whole daemon between a source and a sink in memory: JSON in, JSON out, and one scrape a repetition."""
    config = parsed(setting(cell, source=NO_FILE, outputs={"results": {"form": form}}, device=device))
    metrics = make_metrics(config)
    groups = make_groups(config, metrics, time.monotonic)
    workload = Workload(plan.series)
    spans = [plan.batches(*lap) for lap in [(0, plan.warm_up), *plan.laps()]]
    source = MemorySource([Assigned((SOURCE,)), *(workload.records(*batch) for span in spans for batch in span)])
    sink = EncodingSink(CountingEncoder(config.outputs, metrics.emitted))
    samples = []
    with assemble(config, in_memory(source, sink), groups, metrics) as daemon:
        daemon.turn_until(_after(1 + len(spans[0])))
        meter = Meter(metrics)
        for span in spans[1:]:
            daemon.turn_until(_after(len(span)))
            scrape(config)
            samples.append(meter.lap(plan.readings))
    return samples


def _after(turns: int) -> Callable[[], bool]:
    """True when asked once more than ``turns`` times: a turn takes one entry of the source's script."""
    left = iter(range(turns))
    return lambda: next(left, None) is None


class EncodingSink(DiscardSink):
    """Encodes everything and keeps nothing but its size."""

    def __init__(self, encoder: Encoder) -> None:
        self.size_bytes = 0
        self._encoder = encoder

    @override
    def write(self, columns: Columns) -> None:
        self.size_bytes += sum(len(message.value) for message in self._encoder.encode(columns))
