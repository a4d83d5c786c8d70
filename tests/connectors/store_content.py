"""Small checkpoints to put into a store, and what it has of them."""

from connectors.columns import TopicPartition
from connectors.ports import CheckpointStore, StateKey

KEY = StateKey("machines", TopicPartition("readings", 3))


def content(next_offset: int) -> list[bytes]:
    """Another one for each offset, in several blocks."""
    return [b"%d " % next_offset * 10, b"middle", b"end"]


def whole(next_offset: int) -> bytes:
    return b"".join(content(next_offset))


def loaded(store: CheckpointStore) -> dict[int, bytes]:
    """All that the store lists."""
    return {next_offset: bytes(store.load(KEY, next_offset)) for next_offset in store.offsets(KEY)}
