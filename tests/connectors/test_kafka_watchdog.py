"""The watchdog over a real consumer: a partition that does not move is told from one at its end."""

from collections.abc import Callable
from typing import Any

import pytest
from kafka import TopicPartition as ClientPartition

from connectors.columns import TopicPartition
from connectors.errors import DoubtError, TransientError
from connectors.kafka_offsets import Offsets

pytestmark = pytest.mark.kafka


def test_the_watchdog_ends_a_reader_that_stands_still_before_records(
    topic: str, make_options: Callable[..., Any], opened: Callable[..., Any], put: Callable[..., None]
) -> None:
    put(topic, [b"0", b"1", b"2"])
    now = [0.0]
    reader = opened(make_options(), [topic], clock=lambda: now[0])
    reader.poll_until(lambda: len(reader.values) == 3)
    now[0] += 1_000
    reader.source.poll(0.0)  # at the end there is nothing to be late with

    reader.source._consumer.pause(ClientPartition(topic, 0))  # noqa: SLF001  # as a client does whose loop has lost the partition
    put(topic, [b"3", b"4"])
    now[0] += 45
    reader.source.poll(0.0)
    now[0] += 45

    told = rf"{topic}-0: expected to read the records from 3 to 5, got none of them, at rest for 90 s"
    with pytest.raises(DoubtError, match=told):
        reader.source.poll(0.0)


def test_a_record_that_comes_after_a_long_rest_ends_nobody(
    topic: str, make_options: Callable[..., Any], opened: Callable[..., Any], put: Callable[..., None]
) -> None:
    put(topic, [b"0"])
    now = [0.0]
    reader = opened(make_options(), [topic], clock=lambda: now[0])
    reader.poll_until(lambda: len(reader.values) == 1)

    reader.source.poll(0.0)
    now[0] += 1_000
    put(topic, [b"1"])
    reader.poll_until(lambda: len(reader.values) == 2)

    assert reader.values == [b"0", b"1"]


def test_an_end_that_is_not_to_be_had_costs_no_record_of_another_partition(
    make_topic: Callable[..., str],
    make_options: Callable[..., Any],
    opened: Callable[..., Any],
    put: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = make_topic(partitions=2)
    now = [0.0]
    reader = opened(make_options(), [topic], clock=lambda: now[0])
    reader.poll_until(lambda: len(reader.owned) == 2)
    reader.poll()

    def away(_self: Offsets, partition: TopicPartition) -> int:
        raise TransientError(f"the leader of {partition} is away")

    with monkeypatch.context() as patch:
        patch.setattr(Offsets, "end", away)
        for value in range(20):
            now[0] += 100
            put(topic, [b"%d" % value], partition=1)
            reader.poll()
    reader.poll_until(lambda: b"19" in reader.values)

    assert reader.values == [b"%d" % value for value in range(20)]
