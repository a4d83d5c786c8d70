"""A broker of three that dies or freezes under load costs no output and doubles none, whatever its part was."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest

from tests.end_to_end.process import until
from tests.faults.stage import Stage
from tests.faults.trial import AWAY, DOUBT, Load, Outcome, Trial
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
OFFSETS, TRANSACTIONS = "__consumer_offsets", "__transaction_state"
LOG_PARTITIONS = 4  # of each of the two: see tests/kafka/node.py


def coordinated_by(name: str) -> int:
    """The partition whose leader coordinates a group or a transactional id: that of Java's hash of the name."""
    hashed = 0
    for letter in name:
        hashed = (31 * hashed + ord(letter)) & 0xFFFF_FFFF
    return (hashed & 0x7FFF_FFFF) % LOG_PARTITIONS


Part = Callable[[Stage], tuple[str, int]]
PARTS: dict[str, Part] = {
    "leads a source partition": lambda stage: (stage.source, 0),
    "leads a results partition": lambda stage: (stage.topics["results"], 0),
    "coordinates transactions": lambda stage: (TRANSACTIONS, coordinated_by(f"{stage.group}:{stage.source}:0")),
    "coordinates the group": lambda stage: (OFFSETS, coordinated_by(stage.group)),
}


class Scene(NamedTuple):
    """Daemons at work, and the broker that has a part in it: it leads this partition."""

    trial: Trial
    cluster: Cluster
    broker: int
    topic: str
    partition: int


def dies(scene: Scene) -> None:
    """The others do its work before it comes back."""
    scene.cluster.kill(scene.broker)
    scene.trial.catch_up()
    scene.cluster.start(scene.broker)


def freezes(scene: Scene) -> None:
    """It wakes when another leads; the client may ask it in vain until then, however many others there are."""
    scene.cluster.freeze(scene.broker)
    led_by = partial(scene.cluster.leader_of, scene.topic, scene.partition)
    until(lambda: led_by() not in (None, scene.broker), "another leader")
    scene.cluster.thaw(scene.broker)


SOME = [("coordinates transactions", dies), ("leads a results partition", dies)]
MANY = [*itertools.product(PARTS, (dies, freezes))] * 2


@pytest.fixture(scope="module", params=[SOME, pytest.param(MANY, marks=pytest.mark.faults)], ids=["some", "many"])
def outcome(request: pytest.FixtureRequest, cluster: Cluster, tmp_path_factory: Any) -> Outcome:
    """With two daemons at work: one broker after the other goes away and comes back."""
    folder = tmp_path_factory.mktemp("brokers")
    stage = Stage(cluster.bootstrap_servers, folder, replicas=3)
    with Trial(stage, folder, Load(parts=len(request.param), daemons=2)) as trial:
        for part, ends in request.param:
            topic, partition = PARTS[part](stage)
            with trial.flowing():
                broker = cluster.leader_of(topic, partition)
                assert broker is not None, f"{topic}-{partition} has no leader"
                ends(Scene(trial, cluster, broker, topic, partition))
            trial.catch_up()
            until(partial(is_whole, cluster, topic, partition), "every replica in sync")
        return trial.finish()


def is_whole(cluster: Cluster, topic: str, partition: int) -> bool:
    return cluster.in_sync(topic, partition) == set(cluster.nodes)


def test_every_output_is_there_once_and_is_that_of_an_undisturbed_run(outcome: Outcome) -> None:
    assert all(compared.expected for compared in outcome.outputs.values())
    assert outcome.faults == {}


def test_whoever_could_not_go_on_left_it_to_a_successor(outcome: Outcome) -> None:
    assert set(outcome.own_exits) <= {DOUBT, AWAY}
    assert outcome.last_exits == [0, 0]
