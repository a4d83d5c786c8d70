"""Partitions that are added and topics that are made anew, while a group remembers what was before."""

import pytest

from connectors.columns import TopicPartition
from connectors.errors import StateError
from connectors.memory_store import Contents
from connectors.ports import Assigned, StateKey, Topic
from streamer.checkpoint import decode
from tests.streamer.rig import FIRST, SECOND, WALK, Rig, batch

THIRD = TopicPartition("pumps", 2)
END = 7  # where `start: latest` begins


class Memory:
    """What outlives a process of a group with `start: latest`, and processes that are assigned these partitions."""

    def __init__(self) -> None:
        self.committed: dict[TopicPartition, int] = {}
        self.contents: Contents = {}

    def live(self, topic: Topic, *partitions: TopicPartition) -> dict[TopicPartition, int]:
        """Take over, and leave. -> where they go on."""
        rig = Rig([Assigned(partitions)], self.committed, self.contents)
        rig.source.topic = lambda name: topic  # type: ignore[method-assign]  # noqa: ARG005
        rig.source.first_offset = lambda partition: END  # type: ignore[method-assign]  # noqa: ARG005
        rig.turn(1 + len(partitions))
        rig.engine.leave()
        return {where: tenure.next_offset for where, tenure in rig.tenancy.tenures.items()} | dict(self.committed)


def test_partitions_of_the_first_start_begin_where_the_configuration_says() -> None:
    assert Memory().live(Topic("a", 2), FIRST, SECOND) == {FIRST: END, SECOND: END}


def test_a_partition_that_was_added_later_begins_at_its_oldest_record() -> None:
    memory = Memory()
    memory.live(Topic("a", 1), FIRST)

    assert memory.live(Topic("a", 2), FIRST, SECOND) == {FIRST: END, SECOND: 0}


def test_a_partition_that_was_there_from_the_start_is_not_new_whenever_its_turn_comes() -> None:
    memory = Memory()
    memory.live(Topic("a", 2), FIRST)

    assert memory.live(Topic("a", 3), SECOND, THIRD) == {FIRST: END, SECOND: END, THIRD: 0}


def test_a_partition_added_by_a_second_growth_is_new_whichever_other_one_tells() -> None:
    memory = Memory()
    memory.live(Topic("a", 1), FIRST)
    memory.live(Topic("a", 2), SECOND)
    del memory.contents[StateKey("pumps", FIRST)]

    assert memory.live(Topic("a", 3), THIRD)[THIRD] == 0


def test_the_number_of_the_first_start_stays_in_every_checkpoint() -> None:
    memory = Memory()
    memory.live(Topic("a", 1), FIRST)

    rig = Rig([Assigned((FIRST,)), batch(FIRST, END, WALK)], memory.committed, memory.contents)
    rig.source.topic = lambda name: Topic("a", 5)  # type: ignore[method-assign]  # noqa: ARG005
    rig.turn(2)
    rig.engine.leave()

    kept = memory.contents[StateKey("pumps", FIRST)]
    newest = decode(kept[max(kept)], "newest")
    assert newest.next_offset == END + len(WALK)
    assert newest.source == {"topic_id": "a", "partitions": 1}


def test_a_topic_that_was_made_anew_is_refused_though_its_offsets_exist() -> None:
    memory = Memory()
    memory.live(Topic("a", 1), FIRST)

    with pytest.raises(StateError, match="pumps-0: Expected the topic of the checkpoints, a, got b: it was deleted"):
        memory.live(Topic("b", 1), FIRST)


def test_a_source_that_knows_no_ids_is_believed() -> None:
    memory = Memory()
    memory.live(Topic("", 1), FIRST)

    assert memory.live(Topic("b", 1), FIRST) == {FIRST: END}
    assert memory.live(Topic("", 1), FIRST) == {FIRST: END}
