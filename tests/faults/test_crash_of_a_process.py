"""A daemon that ends in the middle of a call to Kafka or to the disk leaves what an undisturbed run leaves."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.end_to_end.process import DaemonProcess, adapted
from tests.faults.comparison import Comparison
from tests.faults.forked import ForkedDaemon
from tests.faults.fuse import EXIT_CODE, Moment, armed
from tests.faults.fused_run import CALLS
from tests.faults.stage import Stage
from tests.faults.undisturbed import OUTPUTS, rows

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
FUSED_RUN = Path(__file__).parent / "fused_run.py"
READINGS_MAX, SERIES, PARTITIONS = 60_000, 50, 2
SLICE = 20  # readings that are published at once, again and again until a life is over
NTH_MAX = 2
SHORT_LIVES = 4
OFTEN = {"checkpoints": {"directory": "${CHECKPOINTS}", "interval_seconds": 0.05}}


class Death(NamedTuple):
    """Where the fuse of a life blows."""

    nth: int
    moment: Moment
    name: str


class FusedDaemon(DaemonProcess):
    """`streamer run` that ends at a call."""

    def __init__(self, config: Path, folder: Path, death: Death, variables: Mapping[str, str]) -> None:
        super().__init__(config, folder, **variables, **armed(*death))
        self._command = [sys.executable, str(FUSED_RUN), "run", str(config)]


def deaths(seed: int) -> list[Death]:
    """Every call, before and after it, in a random order."""
    random = np.random.default_rng(seed)
    names = [f"{owner.__name__}.{name}" for owner, calls in CALLS.items() for name in calls]
    every = [Death(nth, moment, name) for name in names for moment in Moment for nth in range(1, NTH_MAX + 1)]
    return [every[at] for at in random.permutation(len(every))]


@pytest.fixture(
    scope="module", params=[SHORT_LIVES, pytest.param(None, marks=pytest.mark.faults)], ids=["some calls", "every call"]
)
def outputs(request: pytest.FixtureRequest, kafka: str, tmp_path_factory: Any) -> dict[str, Comparison]:
    """One life after the other in one group while readings flow, and one more that is left in peace."""
    folder: Path = tmp_path_factory.mktemp("lives")
    planned = deaths(seed=1)[: request.param]
    flow = rows(READINGS_MAX, SERIES, PARTITIONS, seed=1)
    stage = Stage(kafka, folder, PARTITIONS)
    stage.make_topics()
    config = adapted("sensors.yaml", folder, stage.changes | {"kafka.group_instance_id": stage.group} | OFTEN)
    published = 0
    for death in planned:
        with FusedDaemon(config, folder, death, stage.variables) as doomed:
            while doomed.process.poll() is None:
                assert published < READINGS_MAX, f"{death} does not come; the log:\n{doomed.log}"
                stage.publish(flow[published : published + SLICE])
                published += SLICE
        assert doomed.process.poll() == EXIT_CODE, f"{death}:\n{doomed.log}"
    with ForkedDaemon(config, folder, **stage.variables) as last:
        last.until(stage.is_all_committed, "everything committed")
        last.wait_until_ready()
        assert last.leave() == 0
    return stage.compare(flow[:published])


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_is_there_once_and_is_that_of_an_undisturbed_run(
    outputs: dict[str, Comparison], output: str
) -> None:
    assert outputs[output].expected
    assert outputs[output].faults == []
