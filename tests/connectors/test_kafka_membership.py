"""Who a member of a group is, and that it notices when it is so no longer."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from kafka.coordinator.base import MemberState
from kafka.structs import ConsumerGroupMetadata

from connectors.columns import TopicPartition
from connectors.errors import DoubtError
from connectors.kafka_membership import Membership
from connectors.kafka_options import KafkaOptions
from connectors.ports import Assigned

MakeOptions = Callable[..., KafkaOptions]
MakeTopic = Callable[..., str]
Opened = Callable[..., Any]

PARTITION = TopicPartition("machines", 0)


@dataclass
class Coordinator:
    """The client's coordinator, as far as it says who we are; also the client that has it."""

    generation_id: int = 3
    member_id: str = "m-1"
    state: MemberState = MemberState.STABLE
    rejoining: bool = False
    _heartbeat_enabled: bool = True
    _lock: Any = field(default_factory=threading.RLock)

    @property
    def _coordinator(self) -> "Coordinator":
        return self

    def group_metadata(self) -> Any:
        return ConsumerGroupMetadata("g", self.generation_id, self.member_id, "one", self.state)


def assigned_to(coordinator: Coordinator) -> Membership:
    membership = Membership(coordinator)
    membership.look([Assigned((PARTITION,))], [PARTITION])
    return membership


@pytest.mark.parametrize("change", [{"generation_id": 4}, {"member_id": "m-2"}])
def test_a_member_that_changed_while_it_owns_partitions_is_a_doubt(change: dict[str, Any]) -> None:
    coordinator = Coordinator()
    membership = assigned_to(coordinator)
    membership.look([], [PARTITION])

    for attribute, value in change.items():
        setattr(coordinator, attribute, value)

    with pytest.raises(DoubtError, match=r"expected to be the member \(3, 'm-1'\) of group g that 1 partitions"):
        membership.look([], [PARTITION])


def test_a_member_may_change_once_its_partitions_have_left_it() -> None:
    coordinator = Coordinator()
    membership = assigned_to(coordinator)
    coordinator.generation_id = 4

    membership.look([], [])
    membership.look([Assigned((PARTITION,))], [PARTITION])
    membership.look([], [PARTITION])

    assert membership.snapshot is not None
    assert membership.snapshot.generation_id == 4


@pytest.mark.parametrize(
    "change",
    [
        {"state": MemberState.REBALANCING},
        {"state": MemberState.UNJOINED},
        {"generation_id": -1},
        {"member_id": ""},
    ],
)
def test_there_is_no_membership_to_commit_by_unless_it_is_a_stable_one(change: dict[str, Any]) -> None:
    coordinator = Coordinator()
    membership = assigned_to(coordinator)
    assert membership.snapshot is not None

    for attribute, value in change.items():
        setattr(coordinator, attribute, value)
    membership.look([], [PARTITION])

    assert membership.snapshot is None


def test_a_heartbeat_that_rests_while_a_member_rejoins_is_no_doubt() -> None:
    coordinator = Coordinator()
    membership = assigned_to(coordinator)

    coordinator.rejoining = True
    coordinator._heartbeat_enabled = False  # noqa: SLF001
    membership.look([], [PARTITION])

    assert membership.snapshot is not None


@pytest.mark.kafka
def test_trap_a_static_member_that_was_replaced_leaves_at_its_next_poll(
    topic: str, make_options: MakeOptions, opened: Opened
) -> None:
    options = make_options(group_instance_id="one")
    ghost = opened(options, [topic])
    ghost.poll_until(lambda: bool(ghost.owned))

    successor = opened(options, [topic])
    with pytest.raises(DoubtError) as left:
        successor.poll_until(lambda: False, ghost)

    successor.poll_until(lambda: bool(successor.owned))
    expected = f"kafka: poll: another process has joined group {options.group_id} as 'one'"
    assert str(left.value).startswith(expected)
    assert ghost.source.membership is None


@pytest.mark.kafka
def test_a_static_member_that_was_replaced_commits_nothing_even_before_it_knows(
    topic: str, make_options: MakeOptions, opened: Opened
) -> None:
    partition = TopicPartition(topic, 0)
    options = make_options(group_instance_id="one", heartbeat_interval_seconds=3.0)  # too seldom to tell it first
    ghost = opened(options, [topic])
    ghost.poll_until(lambda: bool(ghost.owned))
    successor = opened(options, [topic])
    successor.poll_until(lambda: bool(successor.owned))

    with pytest.raises(DoubtError, match=r"kafka: commit: no longer ours: .*FencedInstanceId"):
        ghost.source.commit({partition: 1})

    assert successor.source.committed(partition) is None


@pytest.mark.kafka
def test_a_static_member_that_comes_back_in_time_disturbs_nobody(
    make_topic: MakeTopic, make_options: MakeOptions, opened: Opened
) -> None:
    topic = make_topic(partitions=2)
    options = make_options()
    first = opened(options, [topic], instance_id="first")
    second = opened(options, [topic], instance_id="second")
    first.poll_until(lambda: len(first.owned) == 1 and len(second.owned) == 1, second)
    before, events = first.owned, list(second.events)

    first.source.close()
    back = opened(options, [topic], instance_id="first")
    back.poll_until(lambda: bool(back.owned), second)

    assert back.owned == before
    assert second.events == events


@pytest.mark.kafka
def test_the_membership_is_that_of_the_last_poll_whatever_became_of_it_since(
    topic: str, make_options: MakeOptions, opened: Opened
) -> None:
    reader = opened(make_options(max_poll_interval_seconds=0.5), [topic])
    before = reader.source.membership
    reader.poll_until(lambda: bool(reader.owned))
    member_id = reader.source.membership.member_id
    live = reader.source._consumer.group_metadata  # noqa: SLF001

    while live().member_id:
        pass  # until it has left the group, having polled too late

    assert before is None
    assert (reader.source.membership.member_id, reader.source.membership.generation_id) == (member_id, 1)
