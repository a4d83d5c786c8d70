"""The keeper: saves partitions beside the engine, one at a time, and finds the checkpoint to go on from."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import suppress
from typing import NamedTuple, ParamSpec, TypeVar

from connectors.columns import TopicPartition
from connectors.errors import StateError, StoreError, TransientError
from connectors.ports import CheckpointStore, StateKey
from streamer import snapshot
from streamer.checkpoint import Checkpoint, CheckpointError, decode, encode
from streamer.room import Room
from streamer.state_metrics import StateMetrics
from streamer.tenure import Tenure

P = ParamSpec("P")
T = TypeVar("T")
ANSWER_SECONDS = 60.0  # of a store; a million series take four
HEARING_SECONDS = 0.5  # a signal that does not end a wait, as one just before it, is heard after so long
KEPT = 2  # checkpoints a partition: the newest may be the one that is damaged

log = logging.getLogger("streamer")


class NotInTimeError(StoreError):
    """The store has not answered: whether the checkpoint will be there is open."""


class _Writing(NamedTuple):
    tenure: Tenure
    next_offset: int
    size_bytes: "Future[int]"


class Keeper:
    """Copies a partition's state while the engine waits, and writes the copy in a thread while it goes on.

    A checkpoint is taken between two batches only, when everything before its offset is committed.
    """

    def __init__(
        self,
        store: CheckpointStore,
        interval_seconds: float,
        metrics: StateMetrics,
        clock: Callable[[], float],
        writer: Executor | None = None,
    ) -> None:
        """``writer`` runs what is asked of the store, one thing after the other: a thread of its own, unless given."""
        self._store = store
        self._interval_seconds = interval_seconds
        self._metrics = metrics
        metrics.interval(interval_seconds)
        self._clock = clock
        self._writer = writer or ThreadPoolExecutor(1, thread_name_prefix="checkpoints")
        self._writing: _Writing | None = None
        self._room = Room()  # for one copy at a time

    def find(self, key: StateKey, committed: int) -> Checkpoint:
        """The newest checkpoint that is not ahead of what the group committed; damaged ones are passed over.

        Raises:
            StateError: there is none.
            TransientError: the store cannot be read now.
        """
        offsets = self.offsets(key)
        unread: StoreError | None = None
        for next_offset in sorted((offset for offset in offsets if offset <= committed), reverse=True):
            try:
                return self._load(key, next_offset)
            except StoreError as error:
                log.error("%s; trying the one before it", error)  # noqa: TRY400  # the message says it all
                self._metrics.failed("load")
                unread = unread if isinstance(error, CheckpointError) else error
        if unread is not None:  # it may be there none the less
            raise TransientError(f"checkpoints of {key}: {unread}") from unread
        raise StateError(
            f"group {key.group!r}, {key.topic_partition}: Expected a checkpoint at or before the committed offset "
            f"{committed}, got {offsets or 'none'}; `streamer reset` says where to go on, with what state there is"
        )

    def _load(self, key: StateKey, next_offset: int) -> Checkpoint:
        where = f"checkpoint {next_offset} of {key}"
        checkpoint = decode(self._ask(self._store.load, key, next_offset), where)
        if (checkpoint.key, checkpoint.next_offset) != (key, next_offset):  # people put files back
            raise CheckpointError(
                f"{where}: expected its own content, got {checkpoint.next_offset} of {checkpoint.key}"
            )
        return checkpoint

    def offsets(self, key: StateKey) -> list[int]:
        """The next offsets of the checkpoints that are there, in rising order.

        Raises:
            TransientError: the store cannot be read now.
        """
        try:
            return self._ask(self._store.offsets, key)
        except StoreError as error:
            raise TransientError(f"checkpoints of {key}: {error}") from error

    def refuse_memory(self, key: StateKey, start: int) -> None:
        """Return if nothing is remembered of a partition without offsets, which is to begin at ``start``.

        An empty state is no memory: it is there before the first offset, see `Tenancy`.

        Raises:
            StateError: there are checkpoints of more: the group's offsets are lost.
            TransientError: the store cannot be read now.
        """
        offsets = self.offsets(key)
        if offsets and (offsets[-1] > start or not snapshot.is_empty(self.find(key, offsets[-1]))):
            raise StateError(
                f"group {key.group!r}, {key.topic_partition}: Expected a committed offset beside the checkpoints "
                f"{offsets}, got none, which would mean to begin at {start}; `streamer reset` says where to go on"
            )

    def find_any(self, group: str, topic: str, partitions: int) -> Checkpoint | None:
        """The newest checkpoint of the first of a topic's partitions that has one, None where none has.

        Raises:
            TransientError: the store cannot be read now.
        """
        for number in range(partitions):
            key = StateKey(group, TopicPartition(topic, number))
            if offsets := self.offsets(key):
                with suppress(StateError):  # all of them are damaged
                    return self.find(key, offsets[-1])
        return None

    def tick(self, tenures: Iterable[Tenure]) -> None:
        """Take note of what was written, and begin with the partition that is overdue, if one is."""
        if self._writing is not None and not self._writing.size_bytes.done():
            return
        self._settle()
        due = [tenure for tenure in tenures if not tenure.is_saved and self._is_due(tenure)]
        if due:
            self._begin(min(due, key=lambda tenure: tenure.saved_at))

    def may_try(self, tenure: Tenure) -> bool:
        """Whether saving it now is worth a try: not behind something else, nor again at once after it failed."""
        is_busy = self._writing is not None and not self._writing.size_bytes.done()
        return not is_busy and (not tenure.has_failed or self._is_due(tenure))

    def save(self, tenure: Tenure, timeout_seconds: float, *, anew: bool = False) -> None:
        """Save a partition and return when the checkpoint is durable. ``anew``: also one that is saved already.

        Raises:
            NotInTimeError: it is not by now, and may yet be.
            StoreError: it is not.
        """
        deadline = self._clock() + timeout_seconds
        self._await(deadline)
        if tenure.is_saved and not anew:
            return
        self._begin(tenure)
        self._await(deadline)
        if tenure.has_failed:
            raise StoreError(f"checkpoint {tenure.next_offset} of {tenure.key}: not written, see above")

    def _is_due(self, tenure: Tenure) -> bool:
        return self._clock() - tenure.saved_at >= self._interval_seconds

    def close(self) -> None:
        """Let go. What is being written is either whole or not there."""
        self._writer.shutdown(wait=False, cancel_futures=True)

    def _ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the store answers. It is asked by the writer's thread alone, behind what is being written.

        Raises:
            TransientError: nothing, for so long that whoever waits is about to lose its place in the group.
        """
        answer = self._writer.submit(call, *args, **kwargs)
        try:
            return answer.result(ANSWER_SECONDS)
        except TimeoutError as error:
            answer.cancel()
            raise TransientError(f"checkpoints: no answer from the store for {ANSWER_SECONDS:g} s") from error

    def _begin(self, tenure: Tenure) -> None:
        with self._metrics.pause():
            source = tenure.origin.to_source()
            checkpoint = snapshot.take(tenure.partition, tenure.next_offset, source, self._room)
        tenure.has_news = False
        self._writing = _Writing(tenure, tenure.next_offset, self._writer.submit(self._write, checkpoint))

    def _write(self, checkpoint: Checkpoint) -> int:
        """In the writer's thread. The order is the guarantee: older ones go when this one is durable."""
        with self._metrics.write():
            size_bytes = self._store.publish(checkpoint.key, checkpoint.next_offset, encode(checkpoint))
            self._prune(checkpoint.key, checkpoint.next_offset)
        return size_bytes

    def _prune(self, key: StateKey, next_offset: int) -> None:
        """Let the older ones go. Where that fails, the checkpoint is none the less there."""
        try:
            older = [offset for offset in self._store.offsets(key) if offset <= next_offset]
            self._store.prune(key, older[:-KEPT])
        except StoreError as error:
            self._metrics.failed("prune")
            log.warning("%s; there are more checkpoints of %s than need be", error, key)

    def _await(self, deadline: float) -> None:
        if self._writing is not None:
            left = deadline - self._clock()
            while left > 0 and not self._writing.size_bytes.done():
                wait_for([self._writing.size_bytes], min(left, HEARING_SECONDS))
                left -= HEARING_SECONDS
            if not self._writing.size_bytes.done():
                raise NotInTimeError(
                    f"checkpoint {self._writing.next_offset} of {self._writing.tenure.key}: not written in time"
                )
        self._settle()

    def _settle(self) -> None:
        """Enter the outcome of the write that is done."""
        if self._writing is None:
            return
        tenure, next_offset, future = self._writing
        self._writing = None
        tenure.saved_at = self._clock()
        try:
            size_bytes = future.result()
        except StoreError as error:
            tenure.has_failed = True
            self._metrics.failed("save")
            log.error("checkpoint %d of %s: %s; going on from the one at %d",  # noqa: TRY400
                      next_offset, tenure.key, error, tenure.saved_offset)  # fmt: skip
            return
        tenure.has_failed = False
        tenure.saved_offset = next_offset
        if tenure.has_ended:
            return
        self._metrics.saved(tenure.where, next_offset, size_bytes)
        self._metrics.unsaved(tenure.where, tenure.next_offset - next_offset)
