"""A wire to the broker that is cut, slow or silent at any instant costs no output and doubles none."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.end_to_end.process import until
from tests.faults.conftest import WiredBroker
from tests.faults.proxy import Proxy
from tests.faults.stage import EXACTLY_ONCE, Stage
from tests.faults.trial import DOUBT, Load, Outcome, Trial

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
HASTY: dict[str, Any] = {  # a daemon that gives up soon; a slow wire is no silent one all the same
    "kafka.request_timeout_seconds": 2,
    "kafka.delivery_timeout_seconds": 4,
    "kafka.transaction_timeout_seconds": 6,
}
SLOW_SECONDS = 0.3  # each way
END_TRANSACTION = 26  # what a request opens with that commits one: its length, then this
REQUESTED_BYTES = 100_000  # some deliveries
RESULTS_MEANWHILE = 100


class Scene(NamedTuple):
    """A daemon at work, and its wire."""

    trial: Trial
    stage: Stage
    proxy: Proxy

    def outlast(self) -> None:
        """Return when the daemon has given up."""
        until(lambda: self.trial.fleet.members[0].exit_code is not None, "the daemon gives up")


def cut_behind_a_byte(scene: Scene) -> None:
    scene.proxy.cut_after(int(scene.trial.random.integers(1, REQUESTED_BYTES)))
    scene.trial.fleet.until(lambda: scene.proxy.connections == 0, "the wire is cut")


def cut_for_long(scene: Scene) -> None:
    scene.proxy.cut()
    scene.outlast()


def slow(scene: Scene) -> None:
    goal = scene.stage.progress() + RESULTS_MEANWHILE
    scene.proxy.delay(SLOW_SECONDS)
    scene.trial.fleet.until(lambda: scene.stage.progress() > goal, "results come slowly")


def silent(scene: Scene) -> None:
    scene.proxy.lose_everything()
    scene.outlast()


def without_answers(scene: Scene) -> None:
    scene.proxy.lose_answers()
    scene.outlast()


def without_the_answer_to_a_commit(scene: Scene) -> None:
    """The other partition may be in a transaction as well, which stays open: its answers are lost before it asks."""
    asked: list[bytes] = []

    def is_commit(chunk: bytes) -> bool:
        if int.from_bytes(chunk[4:6]) == END_TRANSACTION:
            asked.append(chunk)
        return bool(asked)

    scene.proxy.lose_answers_from(is_commit)
    scene.trial.fleet.until(lambda: bool(asked), "a commit is asked for")
    scene.outlast()
    [doubtful] = [each for each in scene.stage.transactional_ids if each.encode() in asked[0]]
    assert scene.stage.end_of_transaction(doubtful) == "CompleteCommit", "what the daemon is in doubt of was done"


SOME: list[Callable[[Scene], None]] = [cut_behind_a_byte, without_the_answer_to_a_commit, silent]
EVERY = [*SOME, cut_for_long, slow, without_answers]
TIMES = 6
MANY = [EVERY[at] for at in np.random.default_rng(0).permutation(np.repeat(range(len(EVERY)), TIMES))]


@pytest.fixture(scope="module", params=[SOME, pytest.param(MANY, marks=pytest.mark.faults)], ids=["some", "many"])
def outcome(request: pytest.FixtureRequest, wired_broker: WiredBroker, tmp_path_factory: Any) -> Outcome:
    """With one daemon at work, to whose wire one thing happens after the other."""
    broker, proxy = wired_broker
    folder = tmp_path_factory.mktemp("wires")
    stage = Stage(broker.inner_servers, folder, wire=broker.bootstrap_servers, delivery=EXACTLY_ONCE | HASTY)
    with Trial(stage, folder, Load(parts=len(request.param), readings_a_part=2_000)) as trial:
        for spoil in request.param:
            with trial.flowing():
                spoil(Scene(trial, stage, proxy))
            proxy.heal()
            trial.catch_up()
        return trial.finish()


def test_every_output_is_there_once_and_is_that_of_an_undisturbed_run(outcome: Outcome) -> None:
    assert all(compared.expected for compared in outcome.outputs.values())
    assert outcome.faults == {}


def test_a_daemon_that_is_in_doubt_ends_and_a_successor_goes_on(outcome: Outcome) -> None:
    assert set(outcome.own_exits) == {DOUBT}
    assert outcome.last_exits == [0]
