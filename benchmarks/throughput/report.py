"""What was measured, as tables for people: the terminal's and the section of RESULTS.md are the same text."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from results_page import machine, table

from streamer.metrics import PHASES
from throughput.meter import Sample


@dataclass(frozen=True, slots=True)
class Measurement:
    """The repetitions of one road at one number of series."""

    road: str
    series: int
    target: int | None  # readings per CPU second
    samples: Sequence[Sample]

    @property
    def rates(self) -> list[float]:
        """Readings per CPU second, rising."""
        return sorted(sample.readings / sample.cpu_seconds for sample in self.samples)

    def summary(self) -> list[str]:
        """A row of the table of rates."""
        rates = self.rates
        target = "" if self.target is None else f"{self.target:,} ({median(rates) / self.target:.2f} of it reached)"
        return [
            self.road,
            f"{self.series:,}",
            f"{median(rates):,.0f}",
            f"{rates[0]:,.0f} to {rates[-1]:,.0f}",
            target,
            f"{self.samples[0].readings:,}",
        ]

    def stages(self) -> list[str]:
        """A row of the table of stages: microseconds a reading, the median of each over the repetitions."""
        costs = [self._microseconds([sample.phase_seconds[phase] for sample in self.samples]) for phase in PHASES]
        costs.append(self._microseconds([sample.rest_seconds for sample in self.samples]))
        costs.append(self._microseconds([sample.wall_seconds for sample in self.samples]))
        costs.append(self._microseconds([sample.cpu_seconds for sample in self.samples]))
        return [self.road, f"{self.series:,}", *(f"{cost:.2f}" for cost in costs)]

    def _microseconds(self, seconds: Sequence[float]) -> float:
        return median(cost / sample.readings for cost, sample in zip(seconds, self.samples, strict=True)) * 1e6


@dataclass(frozen=True, slots=True)
class Guarantee:
    """The repetitions of one way to deliver."""

    form: str
    delivery: str
    partitions: int
    samples: Sequence[Sample]

    def row(self) -> list[str]:
        """A row of the table of deliveries."""
        samples = self.samples
        delivered = sorted(1e3 * seconds for sample in samples for seconds in sample.delivery_seconds)
        return [
            f"{self.form}, {self.delivery.replace('_', ' ')}",
            str(self.partitions),
            f"{median(sample.readings / sample.cpu_seconds for sample in samples):,.0f}",
            f"{median(sample.readings / sample.wall_seconds for sample in samples):,.0f}",
            f"{median(len(sample.delivery_seconds) / sample.wall_seconds for sample in samples):.1f}",
            f"{median(sample.readings / len(sample.delivery_seconds) for sample in samples):,.0f}",
            f"{median(delivered):.1f}",
            f"{delivered[int(0.99 * (len(delivered) - 1))]:.1f}",
        ]


def delivery_section(guarantees: Sequence[Guarantee]) -> str:
    """What exactly once costs: the same backlog, delivered with and without transactions."""
    header = ["delivery", "partitions", "per CPU second", "per second", "commits/s", "readings a commit"]
    header += ["median ms", "p99 ms"]
    return "\n".join(
        [
            "",
            "What exactly once costs, at 1,000 series: readings per CPU second and per second of the clock, commits",
            "per second, and how long one delivery takes, from its begin to the end of its commit:",
            "",
            *table(header, [guarantee.row() for guarantee in guarantees]),
            "",
            "",
        ]
    )


def section(measurements: Sequence[Measurement], cell: str, kafka: str) -> str:
    """Both tables with what must be known to read them. ``kafka`` is the broker, empty where there was none."""
    rates = ["road", "series", "readings per CPU second", "spread", "target", "readings a repetition"]
    stages = ["road", "series", *PHASES, "rest", "wall", "CPU"]
    return "\n".join(
        [
            f"{machine()}{f', {kafka}' if kafka else ''}; combiner, compact tier, cell {cell}, 32 hidden units, "
            "one channel, horizon 1.",
            "",
            f"Median of {len(measurements[0].samples)} repetitions, CPU time of the whole process:",
            "",
            *table(rates, [measurement.summary() for measurement in measurements]),
            "",
            "Where the time goes, in µs a reading. Phases are wall time: `poll` and `deliver` wait for the broker, all",
            "of them for the client's threads and whatever else the machine runs. `rest` is accounting, the exporter",
            "and what no phase covers.",
            "",
            *table(stages, [measurement.stages() for measurement in measurements]),
            "",
        ]
    )
