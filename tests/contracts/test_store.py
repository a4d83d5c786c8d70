"""What every store must do, whatever is behind it: the contract of `connectors.ports.CheckpointStore`."""

import importlib
from collections.abc import Iterator

import pytest

from connectors.columns import TopicPartition
from connectors.errors import StoreError
from connectors.ports import Buffer, CheckpointStore, StateKey
from tests.contracts.cases import StoreCase

KEY = StateKey("machines", TopicPartition("readings", 0))
NAMES = [
    *("a", "A", "a-1", "a/b", "a%2Fb", "a%252Fb", "..", ".", ".hidden", "../a", "/", "~", "a~b", "a b", "a\nb", "a\0b"),
    *("ü", "u\u0308", "日本" * 60, "日本" * 60 + "語", "", "x" * 200, "x" * 201, "x" * 249, "y" * 5000, "\ud800"),
]


@pytest.fixture(params=["memory", "file"])
def case(request: pytest.FixtureRequest) -> StoreCase:
    parts = importlib.import_module(f"tests.contracts.{request.param}_parts")
    made: StoreCase = getattr(parts, f"{request.param}_store_case")(request)
    return made


@pytest.fixture
def store(case: StoreCase) -> CheckpointStore:
    return case.open()


def keys() -> list[StateKey]:
    """Keys of which each differs from every other in one part that is hard to tell apart."""
    of_groups = [StateKey(name, TopicPartition("readings", 0)) for name in NAMES]
    of_topics = [StateKey("machines", TopicPartition(name, 1)) for name in NAMES]
    return [*of_groups, *of_topics, StateKey("machines", TopicPartition("a", 11))]


def test_a_checkpoint_is_loaded_as_it_was_published(store: CheckpointStore) -> None:
    blocks: list[Buffer] = [b"one", bytearray(b"two"), memoryview(b"three"), b"", bytes(range(256)) * 9000]

    size_bytes = store.publish(KEY, 7, iter(blocks))

    assert bytes(store.load(KEY, 7)) == b"onetwothree" + bytes(range(256)) * 9000
    assert size_bytes == 11 + 256 * 9000


def test_a_store_that_holds_nothing_says_so(store: CheckpointStore) -> None:
    assert store.offsets(KEY) == []


@pytest.mark.parametrize("next_offset", [0, 1, 2**63 - 1])
def test_any_offset_is_a_name(store: CheckpointStore, next_offset: int) -> None:
    store.publish(KEY, next_offset, [b"content"])

    assert store.offsets(KEY) == [next_offset]
    assert bytes(store.load(KEY, next_offset)) == b"content"


def test_offsets_rise_whatever_the_order_of_publishing(store: CheckpointStore) -> None:
    for next_offset in (100, 9, 2**40, 10):
        store.publish(KEY, next_offset, [b"x"])

    assert store.offsets(KEY) == [9, 10, 100, 2**40]


def test_publishing_a_name_again_replaces_its_content(store: CheckpointStore) -> None:
    store.publish(KEY, 7, [b"the first, which is longer"])

    store.publish(KEY, 7, [b"second"])

    assert store.offsets(KEY) == [7]
    assert bytes(store.load(KEY, 7)) == b"second"


def test_a_checkpoint_that_is_not_there_is_not_loaded(store: CheckpointStore) -> None:
    store.publish(KEY, 7, [b"x"])

    with pytest.raises(StoreError, match=r"expected .* checkpoint"):
        store.load(KEY, 8)


def test_pruning_forgets_what_is_named_and_nothing_else(store: CheckpointStore) -> None:
    other = StateKey("others", KEY.topic_partition)
    for next_offset in (1, 2, 3):
        store.publish(KEY, next_offset, [b"%d" % next_offset])
        store.publish(other, next_offset, [b"other"])

    store.prune(KEY, [1, 3, 99])
    store.prune(StateKey("nobody", KEY.topic_partition), [1])

    assert store.offsets(KEY) == [2]
    assert bytes(store.load(KEY, 2)) == b"2"
    assert store.offsets(other) == [1, 2, 3]


def test_each_key_has_checkpoints_of_its_own_however_it_is_written(store: CheckpointStore) -> None:
    for number, key in enumerate(keys()):
        store.publish(key, number, [b"%d" % number])

    assert [store.offsets(key) for key in keys()] == [[number] for number in range(len(keys()))]
    assert [bytes(store.load(key, number)) for number, key in enumerate(keys())] == [
        b"%d" % number for number in range(len(keys()))
    ]


def test_content_that_breaks_off_is_not_kept_and_what_was_kept_stays(store: CheckpointStore) -> None:
    def breaking_off() -> Iterator[bytes]:
        yield b"half"
        raise ZeroDivisionError

    store.publish(KEY, 7, [b"whole"])

    for next_offset in (7, 8):
        with pytest.raises(ZeroDivisionError):
            store.publish(KEY, next_offset, breaking_off())

    assert store.offsets(KEY) == [7]
    assert bytes(store.load(KEY, 7)) == b"whole"


def test_a_later_store_finds_what_an_earlier_one_kept(case: StoreCase, store: CheckpointStore) -> None:
    store.publish(KEY, 7, [b"kept"])

    later = case.open()

    assert later.offsets(KEY) == [7]
    assert bytes(later.load(KEY, 7)) == b"kept"


def test_two_stores_see_each_other(case: StoreCase, store: CheckpointStore) -> None:
    rival = case.open()
    store.publish(KEY, 7, [b"7"])
    store.publish(KEY, 8, [b"8"])

    rival.prune(KEY, [7])
    rival.publish(KEY, 9, [b"9"])
    store.publish(KEY, 10, [b"10"])
    store.prune(KEY, [7, 8])

    assert store.offsets(KEY) == rival.offsets(KEY) == [9, 10]
    assert bytes(store.load(KEY, 9)) == b"9"
