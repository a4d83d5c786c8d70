"""A partition that cannot be saved is watched: the daemon stops before retention takes what it would need again."""

from dataclasses import dataclass, field

import pytest

from connectors.columns import TopicPartition
from connectors.errors import StoreError, TransientError
from connectors.ports import Assigned
from streamer.retention import ASK_SECONDS, LATE_SECONDS, Retention
from streamer.tenure import Tenure
from tests.streamer.rig import FIRST, SECOND, WALK, Rig, batch

MARGIN = 'streamer_retention_margin_ratio{partition="0",topic="pumps"}'


@dataclass
class Watch:
    """A partition at offset 1,000 whose newest checkpoint is at 500, and a topic whose oldest record a test moves."""

    oldest: dict[object, int] = field(default_factory=lambda: {FIRST: 0})
    now: float = 0.0

    def __post_init__(self) -> None:
        self.rig = Rig([Assigned((FIRST,))], oldest=self.oldest).turn(1)  # type: ignore[arg-type]
        self.retention = Retention(self.rig.source, self.rig.metrics.life, lambda: self.now)
        self.tenure.next_offset, self.tenure.saved_offset, self.tenure.has_failed = 1_000, 500, True

    @property
    def tenure(self) -> Tenure:
        return self.rig.tenancy.tenures[FIRST]

    def look(self, oldest: int) -> None:
        """A look at a time when the broker is asked again."""
        self.oldest[FIRST] = oldest
        self.now += ASK_SECONDS
        self.retention.check([self.tenure])


def test_retention_that_is_far_stops_nothing_and_is_told() -> None:
    watch = Watch()

    watch.look(0)
    watch.look(100)

    assert watch.rig.metric(MARGIN) == pytest.approx(400 / 900)


def test_it_stops_when_less_than_a_tenth_of_what_is_there_is_left_before_the_checkpoint() -> None:
    watch = Watch()
    for oldest in range(0, 441, 20):
        watch.look(oldest)

    with pytest.raises(StoreError, match="pumps-0: Expected a checkpoint newer than the one at 500, since the broker"):
        watch.look(445)  # 55 of 555


def test_it_stops_when_one_more_deletion_like_the_largest_would_take_the_checkpoint_s_records() -> None:
    watch = Watch()
    watch.look(0)
    watch.look(200)

    with pytest.raises(StoreError, match="has deleted everything before 320 and goes on"):
        watch.look(320)


def test_a_topic_that_deletes_nothing_is_not_near_wherever_the_checkpoint_is() -> None:
    watch = Watch()

    watch.look(500)  # a topic that rested: all before the checkpoint went long ago, and what came since is young
    watch.look(500)


def test_a_partition_that_is_saved_is_not_watched() -> None:
    watch = Watch()
    watch.look(0)
    watch.look(200)
    watch.tenure.has_failed, watch.tenure.saved_offset = False, 1_000

    watch.look(900)

    assert "streamer_retention_margin_ratio{" not in watch.rig.metrics.render(openmetrics=False).decode()


def test_a_failure_of_another_day_is_watched_from_its_own_beginning() -> None:
    watch = Watch()
    watch.look(0)
    watch.look(200)
    watch.tenure.has_failed, watch.tenure.saved_offset = False, 1_000
    watch.look(900)

    watch.tenure.has_failed, watch.tenure.next_offset = True, 1_100
    watch.look(990)


def test_a_store_that_does_not_answer_is_watched_like_one_that_refuses() -> None:
    watch = Watch()
    watch.tenure.has_failed, watch.tenure.saved_at = False, 0.0
    watch.now = LATE_SECONDS
    watch.look(0)

    with pytest.raises(StoreError):
        watch.look(450)


def test_the_broker_is_asked_once_a_minute() -> None:
    watch = Watch()
    watch.look(0)
    watch.oldest[FIRST] = 499

    watch.now += ASK_SECONDS / 2
    watch.retention.check([watch.tenure])

    assert watch.rig.metric(MARGIN) == 0.5


def test_a_broker_that_is_away_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    watch.look(0)

    def away(_: object) -> int:
        raise TransientError("no broker answers")

    monkeypatch.setattr(watch.rig.source, "oldest_offset", away)
    watch.look(499)

    assert watch.rig.metric(MARGIN) == 0.5


def test_brokers_that_are_away_are_waited_for_once_whatever_the_number_of_partitions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig([Assigned((FIRST, SECOND))]).turn(2)
    retention, asked = Retention(rig.source, rig.metrics.life, lambda: 0.0), []
    for tenure in rig.tenancy.tenures.values():
        tenure.has_failed = True

    def away(where: TopicPartition) -> int:
        asked.append(where)
        raise TransientError("no broker answers")

    monkeypatch.setattr(rig.source, "oldest_offset", away)
    retention.check(rig.tenancy.tenures.values())

    assert asked == [FIRST]


def test_scoring_goes_on_from_the_last_good_checkpoint_until_retention_comes_near() -> None:
    oldest = {FIRST: 0}
    values = WALK * 30
    script = [Assigned((FIRST,)), *(batch(FIRST, at, [value]) for at, value in enumerate(values))]
    rig = Rig(script, interval_seconds=10.0, oldest=oldest).turn(60)
    saved = rig.tenancy.tenures[FIRST].saved_offset
    for _ in range(len(values)):
        rig.store.fail_next(StoreError("the disk is full"))
    rig.turn(50)
    rig.tenancy.tick()
    scored = len(rig.scores())
    oldest[FIRST] = saved + 1

    with pytest.raises(StoreError, match="stopping while the state can still be restored"):
        rig.turn(200)

    assert scored == 109
    assert rig.metric('streamer_checkpoint_failures_total{action="save"}') > 0
    assert rig.metric('streamer_unsaved_records{partition="0",topic="pumps"}') > 50
    assert max(rig.contents[rig.tenancy.tenures[FIRST].key]) < 70
