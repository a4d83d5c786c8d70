"""Brokers that die, restart, freeze or lie behind a bad wire change no result: each is there once, and is the same."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.end_to_end.process import until
from tests.faults.conftest import StartCluster
from tests.faults.fleet import Fleet
from tests.faults.proxy import Proxy
from tests.faults.stage import Stage
from tests.faults.undisturbed import rows
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(400)]
READINGS, SERIES, DAEMONS = 12_000, 300, 2
STRUCK_AFTER = 1_500  # results
FAULT_SECONDS = 3.0

Wired = tuple[Cluster, Proxy]


@pytest.fixture(scope="module")
def wired_broker(start_cluster: StartCluster) -> Iterator[Wired]:
    """One node whose clients all go through a proxy."""
    with ExitStack() as wires:
        proxies: list[Proxy] = []

        def wired(port: int) -> int:
            proxies.append(wires.enter_context(Proxy(port)))
            return proxies[-1].port

        yield start_cluster(nodes=1, advertise=wired), proxies[0]


def faults(cluster: Cluster, folder: Path, strike: Callable[[Stage], None]) -> dict[str, list[str]]:
    """What is wrong with the outputs of readings in whose midst something struck, and was over again."""
    published = rows(READINGS, SERIES, partitions=4, seed=0)
    replicas = min(len(cluster.nodes), 3)
    with Stage(cluster.bootstrap_servers, folder, partitions=4, replicas=replicas) as stage, ExitStack() as held:
        fleet = Fleet(folder, stage.changes, stage.variables)
        held.callback(fleet.kill_all)
        fleet.grow_to(DAEMONS)
        fleet.until(lambda: all(member.is_ready for member in fleet.members), "both daemons are at work")
        stage.publish(published[: READINGS // 2])
        fleet.until(lambda: stage.progress() > STRUCK_AFTER, "results come")
        strike(stage)
        stage.publish(published[READINGS // 2 :])
        fleet.until(stage.is_all_committed, "everything is committed")
        assert fleet.leave() == [0] * DAEMONS
        return {output: comparison.faults for output, comparison in stage.compare(published).items()}


NONE: dict[str, list[str]] = {"results": [], "alarms": [], "dead_letters": []}


def test_a_broker_that_restarts_in_the_middle_of_transactions(lone_broker: Cluster, tmp_path: Path) -> None:
    def strike(_: Stage) -> None:
        lone_broker.kill(1)
        lone_broker.start(1)

    assert faults(lone_broker, tmp_path, strike) == NONE


@pytest.mark.parametrize("end", [Cluster.kill, Cluster.freeze], ids=["killed", "frozen"])
def test_a_leader_that_goes_away(cluster: Cluster, tmp_path: Path, end: Callable[[Cluster, int], None]) -> None:
    def strike(stage: Stage) -> None:
        leader = cluster.leader_of(stage.source, 0)
        assert leader is not None
        end(cluster, leader)
        until(lambda: cluster.leader_of(stage.source, 0) not in (None, leader), "another leader")
        if cluster.nodes[leader].is_running:
            cluster.thaw(leader)
        else:
            cluster.start(leader)
        until(lambda: cluster.in_sync(stage.source, 0) == {1, 2, 3}, "every replica in sync")

    assert faults(cluster, tmp_path, strike) == NONE


def slow_down(proxy: Proxy) -> None:
    proxy.delay(0.05)


@pytest.mark.parametrize("fault", [Proxy.cut, Proxy.lose_answers, Proxy.lose_everything, slow_down])
def test_a_wire_that_fails(wired_broker: Wired, tmp_path: Path, fault: Callable[[Proxy], None]) -> None:
    broker, proxy = wired_broker

    def strike(_: Stage) -> None:
        fault(proxy)
        time.sleep(FAULT_SECONDS)  # nothing can be asked meanwhile
        proxy.heal()

    assert faults(broker, tmp_path, strike) == NONE
