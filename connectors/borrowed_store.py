"""Checkpoints of somebody else: read, and never changed."""

from collections.abc import Collection, Iterable

from typing_extensions import override

from connectors.ports import Buffer, CheckpointStore, StateKey


class BorrowedStore(CheckpointStore):
    """Answers as ``owner`` does, and keeps nothing of what it is given: for a process that leaves no state behind."""

    def __init__(self, owner: CheckpointStore) -> None:
        self._owner = owner

    @override
    def publish(self, key: StateKey, next_offset: int, content: Iterable[Buffer]) -> int:
        return 0

    @override
    def offsets(self, key: StateKey) -> list[int]:
        return self._owner.offsets(key)

    @override
    def load(self, key: StateKey, next_offset: int) -> Buffer:
        return self._owner.load(key, next_offset)

    @override
    def prune(self, key: StateKey, next_offsets: Collection[int]) -> None:
        pass
