"""A store that is borrowed answers as its owner does, and leaves it as it is."""

from connectors.borrowed_store import BorrowedStore
from connectors.columns import TopicPartition
from connectors.memory_store import Contents, MemoryStore
from connectors.ports import StateKey

KEY = StateKey("pumps", TopicPartition("readings", 0))


def test_it_is_read_and_never_changed() -> None:
    contents: Contents = {KEY: {3: b"three", 5: b"five"}}
    borrowed = BorrowedStore(MemoryStore(contents))

    borrowed.publish(KEY, 7, [b"seven"])
    borrowed.publish(KEY, 5, [b"other"])
    borrowed.prune(KEY, [3])

    assert contents == {KEY: {3: b"three", 5: b"five"}}
    assert borrowed.offsets(KEY) == [3, 5]
    assert bytes(borrowed.load(KEY, 5)) == b"five"
