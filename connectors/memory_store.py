"""Checkpoints in memory, with faults to order."""

from collections.abc import Collection, Iterable
from typing import Literal

from typing_extensions import override

from connectors.errors import StoreError
from connectors.ports import Buffer, CheckpointStore, StateKey

Call = Literal["publish", "offsets", "load", "prune"]
Contents = dict[StateKey, dict[int, bytes]]  # of each key, by next offset


class MemoryStore(CheckpointStore):
    """Keeps checkpoints in ``contents``, so a store of the same contents finds them as after a restart."""

    def __init__(self, contents: Contents | None = None) -> None:
        self._contents = {} if contents is None else contents
        self._faults: dict[Call, list[StoreError]] = {}

    def fail_next(self, error: StoreError, call: Call = "publish") -> None:
        """Let the next call of this kind raise, the one after it with the error ordered second, and so on."""
        self._faults.setdefault(call, []).append(error)

    @override
    def publish(self, key: StateKey, next_offset: int, content: Iterable[Buffer]) -> int:
        whole = b"".join(content)
        self._fail("publish")
        self._contents.setdefault(key, {})[next_offset] = whole
        return len(whole)

    @override
    def offsets(self, key: StateKey) -> list[int]:
        self._fail("offsets")
        return sorted(self._contents.get(key, {}))

    @override
    def load(self, key: StateKey, next_offset: int) -> Buffer:
        self._fail("load")
        try:
            return self._contents[key][next_offset]
        except KeyError:
            raise StoreError(f"{key}: expected a checkpoint at {next_offset}, got none") from None

    @override
    def prune(self, key: StateKey, next_offsets: Collection[int]) -> None:
        self._fail("prune")
        for next_offset in next_offsets:
            self._contents.get(key, {}).pop(next_offset, None)

    def _fail(self, call: Call) -> None:
        if self._faults.get(call):
            raise self._faults[call].pop(0)
