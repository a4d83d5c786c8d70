"""The store in memory: its faults come as they were ordered and spoil nothing."""

from collections.abc import Callable

import pytest

from connectors.columns import TopicPartition
from connectors.errors import StoreError
from connectors.memory_store import Call, MemoryStore
from connectors.ports import StateKey

KEY = StateKey("machines", TopicPartition("readings", 0))


@pytest.mark.parametrize("call", ["publish", "offsets", "load", "prune"])
def test_an_ordered_fault_fails_one_call_of_its_kind_and_changes_nothing(call: Call) -> None:
    store = MemoryStore({KEY: {7: b"kept"}})
    calls: dict[Call, Callable[[], object]] = {
        "publish": lambda: store.publish(KEY, 8, [b"new"]),
        "offsets": lambda: store.offsets(KEY),
        "load": lambda: store.load(KEY, 7),
        "prune": lambda: store.prune(KEY, [7]),
    }

    store.fail_next(StoreError("full"), call)

    with pytest.raises(StoreError, match="full"):
        calls[call]()
    assert store.offsets(KEY) == [7]
    assert store.load(KEY, 7) == b"kept"
    calls[call]()


def test_faults_come_one_after_the_other() -> None:
    store = MemoryStore()

    store.fail_next(StoreError("first"))
    store.fail_next(StoreError("second"))

    for told in ("first", "second"):
        with pytest.raises(StoreError, match=told):
            store.publish(KEY, 7, [b"x"])
    assert store.publish(KEY, 7, [b"x"]) == 1
