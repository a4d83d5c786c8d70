"""What one repetition cost: CPU seconds of this process, and the time its phases took."""

import time
from collections import defaultdict
from collections.abc import Sequence

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from streamer.metrics import PHASES, Metrics

_PHASE_SUM = "streamer_batch_phase_duration_seconds_sum"
_REJECTED = "streamer_readings_rejected_total"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One repetition. Phases are measured by the clock on the wall: they wait for brokers and for other processes."""

    readings: int
    cpu_seconds: float  # user and system, all threads
    wall_seconds: float
    phase_seconds: dict[str, float]
    delivery_seconds: list[float] = []  # of each delivery, from its begin to the end of its commit, where it was timed

    @property
    def rest_seconds(self) -> float:
        """Wall time outside of all phases."""
        return self.wall_seconds - sum(self.phase_seconds.values())


class Meter:
    """Reads the process's CPU clock and the daemon's own metrics, lap by lap. The first lap starts when it is made."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._phases = self._phase_seconds()
        self._cpu_seconds, self._wall_seconds = time.process_time(), time.perf_counter()

    def lap(self, readings: int, delivery_seconds: Sequence[float] = ()) -> Sample:
        """End the lap in which so many readings were scored, and delivered in such times, and start the next.

        Raises:
            RuntimeError: readings were rejected, so that what was measured is not what was meant.
        """
        cpu_seconds, wall_seconds = time.process_time(), time.perf_counter()
        phases = self._phase_seconds()
        sample = Sample(
            readings=readings,
            cpu_seconds=cpu_seconds - self._cpu_seconds,
            wall_seconds=wall_seconds - self._wall_seconds,
            phase_seconds={phase: phases[phase] - self._phases[phase] for phase in PHASES},
            delivery_seconds=list(delivery_seconds),
        )
        self._phases = phases
        self._cpu_seconds, self._wall_seconds = time.process_time(), time.perf_counter()
        return sample

    def _phase_seconds(self) -> dict[str, float]:
        sums: dict[str, float] = defaultdict(float)
        for family in text_string_to_metric_families(self._metrics.render(openmetrics=False).decode()):
            for sample in family.samples:
                if sample.name == _PHASE_SUM:
                    sums[sample.labels["phase"]] = sample.value
                if sample.name == _REJECTED and sample.value:
                    raise RuntimeError(f"expected every reading to be scored, got {sample.value:g} {sample.labels}")
        return sums
