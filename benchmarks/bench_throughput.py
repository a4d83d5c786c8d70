"""How many readings does a CPU second score? From memory and from real Kafka, with the time of every stage.

python benchmarks/bench_throughput.py --markdown    measures everything and writes the section of RESULTS.md
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial

import results_page
from throughput import in_memory, over_kafka, report
from throughput.meter import Sample
from throughput.report import Guarantee, Measurement
from throughput.workload import Plan

FORMS = {"single": "one result a record", "bulk": "bulk results"}
DELIVERY_SERIES = 1_000
TARGETS = {  # readings per CPU second, at so many series
    ("columns to scores", 1_000): 150_000,
    ("Kafka, one result a record", 1_000): 20_000,
    ("Kafka, bulk results", 1_000): 60_000,
}


def main() -> int:
    """Measure, print, and write what was asked for."""
    options = _options()
    plans = [Plan.of(series, options.readings, options.repetitions) for series in options.series]
    load, deliveries = results_page.load(), ""
    try:
        measurements = [*_without_broker(plans, options.cell)]
        if not options.without_kafka:
            measurements += _with_broker(plans, options.cell)
            deliveries = report.delivery_section([*_guarantees(options)])
    except over_kafka.BrokerUnavailableError as error:
        print(error, file=sys.stderr)
        return 1
    text = report.section(measurements, options.cell, "" if options.without_kafka else over_kafka.broker_version())
    text += deliveries + load
    print(text)
    if options.markdown is not None:
        options.markdown.put(text)
    return 0


def _without_broker(plans: list[Plan], cell: str) -> Iterator[Measurement]:
    for plan in plans:
        yield _measured("columns to scores", plan, partial(in_memory.columns_to_scores, plan, cell))
    for form, name in FORMS.items():
        for plan in plans:
            yield _measured(f"memory, {name}", plan, partial(in_memory.records_to_messages, plan, cell, form))


def _with_broker(plans: list[Plan], cell: str) -> Iterator[Measurement]:
    with over_kafka.broker() as address:
        roads = [over_kafka.KafkaRoad(address, plan) for plan in plans]
        for form, name in FORMS.items():
            for plan, road in zip(plans, roads, strict=True):
                yield _measured(f"Kafka, {name}", plan, partial(road.measure, cell, form))


def _guarantees(options: argparse.Namespace) -> Iterator[Guarantee]:
    plan = Plan.of(DELIVERY_SERIES, options.readings, options.repetitions)
    with over_kafka.broker() as address:
        for partitions in (1, 8):
            road = over_kafka.KafkaRoad(address, plan, partitions)
            for form, name in FORMS.items():
                for delivery in ("exactly_once", "at_least_once"):
                    samples = road.measure(options.cell, form, delivery)
                    yield Guarantee(name, delivery, partitions, samples)


def _measured(road: str, plan: Plan, measure: Callable[[], list[Sample]]) -> Measurement:
    measurement = Measurement(road, plan.series, TARGETS.get((road, plan.series)), measure())
    print(" · ".join(filter(None, measurement.summary())), file=sys.stderr, flush=True)
    return measurement


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[1, 1_000, 100_000], help="how many; several in turn")
    parser.add_argument("--cell", choices=("gru", "lstm"), default="gru")
    parser.add_argument("--readings", type=int, default=100_000, help="of a repetition; fewer of few series")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--without-kafka", action="store_true", help="measure in memory alone")
    options = results_page.parsed(parser, "throughput")
    if min(*options.series, options.readings, options.repetitions) < 1:
        parser.error("expected --series, --readings and --repetitions of at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
