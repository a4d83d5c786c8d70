"""A daemon that is killed while its step becomes machine code, and after, leaves what an undisturbed run leaves."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from streamer.step import PATIENCE
from tests.end_to_end.process import DaemonProcess, adapted
from tests.faults.comparison import Comparison
from tests.faults.forked import ForkedDaemon
from tests.faults.stage import Stage
from tests.faults.undisturbed import OUTPUTS, rows
from tests.streamer.steps import WHERE_COMPILED

pytestmark = [pytest.mark.kafka, pytest.mark.slow, WHERE_COMPILED]
SERIES, READINGS_MAX = 2, 20_000  # few series: a reading of each is a step
SLICE, AHEAD = 200, 600  # readings that are published at once, and that wait at most
PAUSE_SECONDS = 0.02
COMPILING = (PATIENCE["cpu"].compiled + 50) * SERIES  # results after which it is
SAID = "a step is machine code now"


class Flow:
    """Readings that go on for as long as somebody waits."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._rows = rows(READINGS_MAX, SERIES, partitions=1, seed=1)
        self._count = 0

    @property
    def published(self) -> Any:
        return self._rows[: self._count]

    def until(self, daemon: DaemonProcess, results: int = 0, said: str = "") -> None:
        """Publish until the daemon has so many results, and its log says so."""
        before = self._stage.progress()
        while self._stage.progress() < before + results or said not in daemon.log:
            assert daemon.process.poll() is None, daemon.log
            if self._count > self._stage.progress() + AHEAD:
                time.sleep(PAUSE_SECONDS)
                continue
            assert self._count < READINGS_MAX, f"not within {READINGS_MAX} readings: {said}; the log:\n{daemon.log}"
            self._stage.publish(self._rows[self._count : self._count + SLICE])
            self._count += SLICE


@contextmanager
def life(config: Path, folder: Path, variables: Mapping[str, str]) -> Iterator[DaemonProcess]:
    """A daemon that is ready, and killed when the block ends."""
    with ForkedDaemon(config, folder, **variables) as daemon:
        daemon.wait_until_ready()
        yield daemon
        daemon.kill()


@pytest.fixture(scope="module", params=[("gru", 0), ("lstm", 600)], ids=["gru", "lstm"])
def outputs(request: pytest.FixtureRequest, kafka: str, tmp_path_factory: Any) -> dict[str, Comparison]:
    name, longer = request.param  # results after it is machine code
    folder: Path = tmp_path_factory.mktemp("machine-code")
    stage = Stage(kafka, folder, partitions=1)
    stage.make_topics()
    cell = {"groups.0.cell": name}
    config = adapted("sensors.yaml", folder, stage.changes | {"kafka.group_instance_id": stage.group} | cell)
    flow = Flow(stage)
    with life(config, folder, stage.variables) as compiling:
        flow.until(compiling, COMPILING)
        assert SAID not in compiling.log
    with life(config, folder, stage.variables) as compiled:
        flow.until(compiled, said=SAID)
        flow.until(compiled, longer)
    with ForkedDaemon(config, folder, **stage.variables) as last:
        last.until(stage.is_all_committed, "everything committed")
        last.wait_until_ready()
        assert last.leave() == 0
    return stage.compare(flow.published, cell)


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_is_there_once_and_is_that_of_an_undisturbed_run(
    outputs: dict[str, Comparison], output: str
) -> None:
    assert outputs[output].expected
    assert outputs[output].faults == []
