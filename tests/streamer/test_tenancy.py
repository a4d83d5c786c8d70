"""What is ours: what is missing until it is ready, and that leaving it takes no longer than it may."""

import http.client
import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec
import pytest
from typing_extensions import override

from connectors.errors import ConfigError, StoreError
from connectors.memory import Idle
from connectors.memory_store import MemoryStore
from connectors.ports import Assigned, Buffer, Revoked, StateKey
from streamer import config, keeper
from streamer.http import make_app
from streamer.http_server import HttpServer
from tests.streamer.rig import CONFIG, FIRST, SECOND, WALK, Rig, batch


class HangingStore(MemoryStore):
    """Takes the first checkpoint of each partition; from then on it does not answer until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    @override
    def publish(self, key: StateKey, next_offset: int, content: Iterable[Buffer]) -> int:
        if self.offsets(key):
            self.let_go.wait()
        return super().publish(key, next_offset, content)


@pytest.fixture
def hanging() -> Iterator[HangingStore]:
    store = HangingStore()
    yield store
    store.let_go.set()


def in_a_hurry() -> config.Config:
    return msgspec.structs.replace(CONFIG, leave_seconds=5.0)  # of a clock that goes on whenever it is looked at


@contextmanager
def served(rig: Rig) -> Iterator[HttpServer]:
    app = make_app(rig.metrics, lambda: (), lambda: True, lambda: rig.tenancy.missing, None)
    with HttpServer(app, "127.0.0.1", 0) as server:
        yield server


def ready(server: HttpServer) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/-/ready")
    response = connection.getresponse()
    answer = (response.status, response.read().decode())
    connection.close()
    return answer


def test_it_is_ready_when_everything_is_assigned_restored_and_caught_up() -> None:
    script = [Assigned((FIRST, SECOND)), batch(FIRST, 0, WALK[:6]), batch(FIRST, 6, WALK[6:])]
    crashed = Rig(list(script)).turn(3)
    assert crashed.committed == {FIRST: 10, SECOND: 0}
    again = Rig(list(script), crashed.committed, crashed.contents)

    with served(again) as server:
        answers = [ready(server)]
        for _ in range(4):
            again.turn(1)
            answers.append(ready(server))

    assert answers == [
        (503, "no partition is assigned yet\n"),
        (503, "waiting for the state of 1 of 2 partitions\n"),
        (503, "catching up: 4 records are to be stepped again\n"),
        (200, "ready\n"),
        (200, "ready\n"),
    ]
    assert again.scores() == {}


def test_leaving_saves_where_everything_stands() -> None:
    rig = Rig([Assigned((FIRST, SECOND)), batch(FIRST, 0, WALK), batch(SECOND, 0, WALK[:3])]).turn(4)

    rig.engine.leave()

    assert {key.topic_partition: max(offsets) for key, offsets in rig.contents.items()} == {FIRST: 10, SECOND: 3}
    assert rig.committed == {FIRST: 10, SECOND: 3}


def test_a_store_that_never_answers_does_not_hold_up_the_end(
    hanging: HangingStore, caplog: pytest.LogCaptureFixture
) -> None:
    script = [Assigned((FIRST, SECOND)), batch(FIRST, 0, WALK), batch(SECOND, 0, WALK[:3])]
    rig = Rig(script, settings=in_a_hurry(), store=hanging).turn(4)

    rig.engine.leave()

    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [warning.partition("; ")[2] for warning in warnings] == ["whoever has it next steps again from offset 0"] * 2
    assert rig.committed == {FIRST: 10, SECOND: 3}


def test_a_store_that_never_answers_does_not_hold_up_a_rebalance(hanging: HangingStore) -> None:
    script = [Assigned((FIRST, SECOND)), batch(FIRST, 0, WALK), Revoked((FIRST,)), batch(SECOND, 0, WALK[:3])]
    rig = Rig(script, settings=in_a_hurry(), store=hanging).turn(5)

    assert list(rig.tenancy.tenures) == [SECOND]
    assert rig.committed == {FIRST: 10, SECOND: 3}


def test_a_store_that_never_answers_holds_up_no_score(hanging: HangingStore) -> None:
    script = [Assigned((FIRST,)), *(batch(FIRST, at, [value]) for at, value in enumerate(WALK))]

    rig = Rig(script, interval_seconds=1.0, store=hanging).turn(11)

    assert len(rig.scores()) == 10


def test_new_choices_wait_behind_a_store_that_never_answers_and_hold_up_no_score(hanging: HangingStore) -> None:
    script = [Assigned((FIRST,)), *(batch(FIRST, at, [value]) for at, value in enumerate(WALK))]
    rig = Rig(script, interval_seconds=1.0, settings=in_a_hurry(), store=hanging).turn(4)
    before = CONFIG.groups[0].choices

    rig.tenancy.reload({"pumps": msgspec.structs.replace(before, band_coverage=0.5)})
    rig.turn(7)

    assert rig.tenancy.tenures[FIRST].partition.judge.choices == before
    assert len(rig.scores()) == 10


def test_a_checkpoint_is_none_the_less_there_when_older_ones_cannot_be_removed() -> None:
    rig = Rig([Assigned((FIRST,)), batch(FIRST, 0, WALK)]).turn(2)
    rig.store.fail_next(StoreError("read-only"), "prune")

    rig.engine.leave()

    assert rig.metric('streamer_checkpoint_failures_total{action="prune"}') == 1
    assert rig.metric('streamer_checkpoint_failures_total{action="save"}') == 0
    assert rig.metric('streamer_checkpoint_offset{partition="0",topic="pumps"}') == 10


def test_a_checkpoint_that_is_there_too_late_puts_nobody_back_on_the_page(hanging: HangingStore) -> None:
    script = [Assigned((FIRST, SECOND)), batch(FIRST, 0, WALK), Revoked((FIRST,)), Idle(), batch(SECOND, 0, WALK[:3])]
    rig = Rig(script, settings=in_a_hurry(), store=hanging, interval_seconds=1.0).turn(4)

    hanging.let_go.set()
    rig.tenancy.leave()

    page = rig.metrics.render(openmetrics=False).decode()
    assert 'streamer_checkpoint_offset{partition="1",topic="pumps"}' in page
    assert 'streamer_checkpoint_offset{partition="0",topic="pumps"}' not in page


def test_a_partition_that_leaves_before_it_could_begin_leaves_nothing_behind() -> None:
    rig = Rig([Assigned((FIRST,)), Revoked((FIRST,))])
    rig.store.fail_next(StoreError("the disk is full"))

    rig.turn(2)

    assert rig.groups[0].partitions == {}


def test_state_that_goes_on_with_another_artifact_than_is_configured_says_so(caplog: pytest.LogCaptureFixture) -> None:
    script = [Assigned((FIRST,)), batch(FIRST, 0, WALK[:6]), batch(FIRST, 6, WALK[6:])]
    first = Rig(script).turn(2)
    lstm = msgspec.structs.replace(CONFIG, groups=[msgspec.structs.replace(CONFIG.groups[0], cell="lstm")])

    second = Rig(script, first.committed, first.contents, settings=lstm).turn(3)

    assert first.scores() | second.scores() == Rig(script).turn(3).scores()
    [told] = [record.getMessage() for record in caplog.records if "artifact" in record.getMessage()]
    assert told.startswith("pumps-0: goes on with the artifact gru")


def test_a_store_that_does_not_answer_holds_up_a_take_over_no_longer_than_it_may(
    hanging: HangingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = [Assigned((FIRST,)), batch(FIRST, 0, WALK), Assigned((SECOND,)), batch(FIRST, 10, WALK, first_minute=10)]
    rig = Rig(script, store=hanging, interval_seconds=1.0).turn(2)

    with monkeypatch.context() as patch:
        patch.setattr(keeper, "ANSWER_SECONDS", 0.01)
        rig.turn(2)
    missing = rig.tenancy.missing
    hanging.let_go.set()
    rig.turn(1)

    assert len(rig.scores()) == 20
    assert (missing, rig.tenancy.missing) == ("waiting for the state of 1 of 2 partitions", "")


def test_a_topic_that_patterns_of_two_groups_match_is_refused() -> None:
    [group] = CONFIG.groups
    by_pattern = [
        msgspec.structs.replace(group, name=name, topics=[], topic_patterns=[pattern])
        for name, pattern in (("a", "pu.*"), ("b", ".*mps"))
    ]

    with pytest.raises(ConfigError, match=r"Expected topic 'pumps' in one group, got it in \['a', 'b'\]"):
        Rig([Assigned((FIRST,))], settings=msgspec.structs.replace(CONFIG, groups=by_pattern)).turn(1)
