"""Moves a consumer group and its state together to another offset, while no member runs."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from rich.table import Table

from connectors.columns import TopicPartition
from connectors.errors import ConfigError, StateError
from connectors.ports import CheckpointStore, ConsumerGroup, StateKey, Topic
from streamer import snapshot
from streamer.checkpoint import Checkpoint, encode
from streamer.config import Config
from streamer.group import Group
from streamer.keeper import Keeper
from streamer.origin import Origin
from streamer.position import Position
from streamer.wiring import brokers_of, make_groups, make_metrics, store_of, topics_of

COMMITTED = "committed"


@dataclass(frozen=True, slots=True)
class Move:
    """Where one partition goes on, and with which state."""

    group: Group
    where: TopicPartition
    committed: int | None
    target: int
    kept: int | None  # the checkpoint that is gone on from; None: no state
    removed: tuple[int, ...]  # checkpoints, in this order
    origin: Origin
    reason: str = ""  # why there is no state though none was wanted

    @property
    def key(self) -> StateKey:
        """Under which its checkpoints are kept."""
        return StateKey(self.group.name, self.where)

    @property
    def state(self) -> str:
        """What it remembers there, for people."""
        if self.kept is None:
            return f"fresh: {self.reason}" if self.reason else "fresh"
        steps = self.target - self.kept
        return f"checkpoint {self.kept}" + (f", {steps} offsets to step silently" if steps else "")


class Reset:
    """Plans moves, and carries them out. ``store`` is that of the keeper."""

    def __init__(self, members: ConsumerGroup, store: CheckpointStore, keeper: Keeper, groups: Sequence[Group]) -> None:
        self._members = members
        self._store = store
        self._keeper = keeper
        self._groups = groups
        self._topics: dict[str, Topic] = {}
        self._origins: dict[str, Origin] = {}

    def refuse_members(self, session_timeout_seconds: float) -> None:
        """Return if nobody is in the group.

        Raises:
            ConfigError: somebody is.
            TransientError: the brokers cannot tell now.
        """
        if members := self._members.members():
            raise ConfigError(
                f"kafka.group_id: Expected nobody in the group, got {len(members)}: {', '.join(members)}. Stop them "
                f"first; one that has just ended counts for session_timeout_seconds, {session_timeout_seconds:g} s"
            )

    def plan(self, to: Position, *, is_fresh: bool, partitions: Iterable[TopicPartition]) -> list[Move]:
        """The moves of these partitions; none of one that the group never committed where it is to stay there.

        Raises:
            TransientError: the brokers or the store cannot be asked now.
        """
        moves = []
        for where in partitions:
            committed = self._members.committed(where)
            target = committed if to.word == COMMITTED else to.of(where, self._members)
            if target is not None:
                moves.append(self._move(where, committed, target, is_fresh=is_fresh))
        return moves

    def _move(self, where: TopicPartition, committed: int | None, target: int, *, is_fresh: bool) -> Move:
        group = next(group for group in self._groups if group.holds(where.topic))
        key = StateKey(group.name, where)
        offsets = self._keeper.offsets(key)
        kept, reason = (None, "") if is_fresh else self._to_keep(key, target)
        removed = tuple(offset for offset in offsets if kept is None or offset > kept)
        return Move(group, where, committed, target, kept, removed, self._origin(group, where), reason)

    def _origin(self, group: Group, where: TopicPartition) -> Origin:
        """What an empty state is to remember of its topic: what others do, unless that was another topic."""
        if where.topic not in self._origins:
            topic = self._topic(where.topic)
            told = self._keeper.find_any(group.name, where.topic, topic.partitions)
            origin = Origin.of({} if told is None else told.source, topic)
            self._origins[where.topic] = origin if origin.fits(topic) else Origin.of({}, topic)
        return self._origins[where.topic]

    def _topic(self, name: str) -> Topic:
        if name not in self._topics:
            self._topics[name] = self._members.topic(name)
        return self._topics[name]

    def _to_keep(self, key: StateKey, target: int) -> tuple[int | None, str]:
        """The newest checkpoint that can be gone on from at the target, else why there is none."""
        try:
            checkpoint = self._keeper.find(key, target)
        except StateError:
            return None, "no checkpoint at or before"
        where = key.topic_partition
        if reason := self._unfit(checkpoint, where):
            return None, f"checkpoint {checkpoint.next_offset} {reason}"
        return checkpoint.next_offset, ""

    def _unfit(self, checkpoint: Checkpoint, where: TopicPartition) -> str:
        topic = self._topic(where.topic)
        if not Origin.of(checkpoint.source, topic).fits(topic):
            return "is of a topic that was deleted"
        oldest = self._members.oldest(where)
        return f"lies before what is retained, from {oldest}" if checkpoint.next_offset < oldest else ""

    def carry_out(self, move: Move) -> None:
        """Remove the checkpoints that will be wrong, move the group, then keep the empty state if there is to be none.

        The order is the guarantee. What a daemon starts from is the newest checkpoint that is not ahead of the
        committed offset, and none is a loud stop. Cut short

        - before the group was moved, checkpoints of one history are there and the old offset: it starts as if nothing
          had been asked for, from an older checkpoint at worst, or stops where none is left;
        - after that, with a checkpoint to go on from: all is done;
        - after that, with an empty state to come: no checkpoint is there, and it stops. The empty state must not be
          there earlier: with the old offset it would be taken for the state before all that was committed since.

        In each case the same command again does the rest.

        Raises:
            ConfigError: somebody has joined the group.
            DoubtError: it is not known whether the group was moved.
            StoreError: the store does not do it.
        """
        self._store.prune(move.key, move.removed)
        self._members.move(move.where, move.target)
        if move.kept is None:
            partition = move.group.open(move.where)
            checkpoint = snapshot.take(partition, move.target, move.origin.to_source())
            self._store.publish(move.key, move.target, encode(checkpoint))


def table(moves: Iterable[Move]) -> Table:
    """The moves, for people."""
    shown = Table("partition", "committed", "new offset", "state")
    for move in moves:
        before = "-" if move.committed is None else str(move.committed)
        shown.add_row(f"{move.where.topic}-{move.where.partition}", before, str(move.target), move.state)
    return shown


@contextmanager
def connected(config: Config) -> Iterator[tuple[Reset, list[TopicPartition]]]:
    """The reset of a configuration's consumer group, and the partitions of all its topics.

    Raises:
        ConfigError: the source is not Kafka, a topic does not exist, or somebody is in the group.
        TransientError: the brokers did not answer in time.
    """
    from connectors.kafka_cluster import wait_for_brokers  # noqa: PLC0415  # a plan needs no client
    from connectors.kafka_group import KafkaGroup  # noqa: PLC0415

    options, metrics = brokers_of(config), make_metrics(config)
    groups = make_groups(config, metrics, time.monotonic)
    wait_for_brokers(options)
    store = store_of(config)
    keeper = Keeper(store, config.checkpoints.interval_seconds, metrics.state, time.monotonic)
    with KafkaGroup(options) as members, closing(keeper):
        reset = Reset(members, store, keeper, groups)
        reset.refuse_members(options.session_timeout_seconds)
        yield reset, members.partitions(*topics_of(config))
