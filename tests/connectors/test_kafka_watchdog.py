"""The watchdog over a real consumer: a partition that does not move is told from one at its end."""

from collections.abc import Callable
from typing import Any

import pytest
from kafka import TopicPartition as ClientPartition

from connectors.errors import DoubtError

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
    reader.source.poll(0.0)
    now[0] += 90

    told = rf"{topic}-0: expected to read the records from 3 to 5, got none of them for 90 s"
    with pytest.raises(DoubtError, match=told):
        reader.source.poll(0.0)
