"""A broker that ends in the middle of a delivery, and is started again, costs no output and doubles none."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.end_to_end.process import PAUSE_SECONDS, until
from tests.faults.stage import Stage
from tests.faults.trial import AWAY, DOUBT, Load, Outcome, Trial
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
ONCE = [Cluster.kill]
OFTEN = [Cluster.kill, Cluster.terminate] * 5
catch = partial(until, longest_pause_seconds=PAUSE_SECONDS)  # of what is over soon


@pytest.fixture(scope="module", params=[ONCE, pytest.param(OFTEN, marks=pytest.mark.faults)], ids=["once", "often"])
def outcome(request: pytest.FixtureRequest, lone_broker: Cluster, tmp_path_factory: Any) -> Outcome:
    """With two daemons at work, and readings that come while there is no broker to take them."""
    folder = tmp_path_factory.mktemp("restarts")
    ends: list[Callable[[Cluster, int], None]] = request.param
    stage = Stage(lone_broker.bootstrap_servers, folder)
    with Trial(stage, folder, Load(parts=len(ends), daemons=2)) as trial:
        for end in ends:
            with trial.flowing():
                catch(lambda: stage.is_in_transaction() or stage.is_all_committed(), "a delivery is under way")
                end(lone_broker, 1)
                lone_broker.start(1)
            trial.catch_up()
        return trial.finish()


def test_every_output_is_there_once_and_is_that_of_an_undisturbed_run(outcome: Outcome) -> None:
    assert all(compared.expected for compared in outcome.outputs.values())
    assert outcome.faults == {}


def test_whoever_could_not_go_on_left_it_to_a_successor(outcome: Outcome) -> None:
    assert set(outcome.own_exits) <= {DOUBT, AWAY}
    assert outcome.last_exits == [0, 0]
