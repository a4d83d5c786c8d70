"""Rows put on a topic, for whoever wants to try the daemon with data of their own."""

from collections.abc import Iterable
from itertools import islice

from connectors.kafka_cluster import create_missing_topics
from connectors.kafka_options import ProducerOptions
from connectors.kafka_outbox import Outbox
from connectors.messages import Message

_ROWS_PER_FLUSH = 10_000  # bounds what is lost, and what is held, when the broker goes away


def publish(options: ProducerOptions, topic: str, rows: Iterable[tuple[bytes | None, bytes]]) -> int:
    """Put (key, value) rows on a topic, in order within a key, and return how many are there.

    Raises:
        ConfigError: the topic does not exist and `create_topics` does not say how to create it.
        TransientError: rows are not there, or that is unknown; earlier ones are.
    """
    create_missing_topics(options, {topic: {}})
    outbox = Outbox(options)
    count = 0
    rest = iter(rows)
    try:
        while batch := [Message(topic, key, value) for key, value in islice(rest, _ROWS_PER_FLUSH)]:
            outbox.send(batch)
            outbox.flush()
            count += len(batch)
    finally:
        outbox.close()
    return count
