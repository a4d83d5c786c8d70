"""Which partitions are ours: taken over with their state, carried through barriers, left when it is saved."""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from connectors.columns import TopicPartition
from connectors.errors import ConfigError, DoubtError, StoreError, TransientError
from connectors.ports import Assigned, Delivery, Lost, Revoked, Source, StateKey
from streamer.checkpoint import Checkpoint
from streamer.config import Choices
from streamer.event_clock import EventClock
from streamer.group import Group
from streamer.judge import Judge
from streamer.keeper import Keeper, NotInTimeError
from streamer.metrics import Metrics
from streamer.origin import Origin
from streamer.retention import Retention
from streamer.snapshot import build_of
from streamer.tenure import Tenure

log = logging.getLogger("streamer")


class Tenancy:
    """The tenures of this process.

    ``leave_seconds`` bounds every wait for a checkpoint: for those of all partitions that are asked back, for the first
    one of a partition, and for that of a barrier.
    """

    def __init__(
        self,
        source: Source,
        delivery: Delivery,
        groups: Sequence[Group],
        keeper: Keeper,
        metrics: Metrics,
        clock: Callable[[], float],
        leave_seconds: float = 20.0,
    ) -> None:
        self.groups = groups
        self.tenures: dict[TopicPartition, Tenure] = {}
        self._source = source
        self._delivery = delivery
        self._keeper = keeper
        self._metrics = metrics
        self._clock = clock
        self._leave_seconds = leave_seconds
        self._retention = Retention(source, metrics.life, clock)
        self._waiting: deque[TopicPartition] = deque()  # ours, but not yet restored
        self._opened: set[TopicPartition] = set()  # whose predecessor is shut out
        self._was_assigned = False
        self._by_topic: dict[str, Group] = {}

    @property
    def missing(self) -> str:
        """What is missing until all that is ours is restored and has caught up: nothing, or a few words.

        Any thread may ask.
        """
        if not self._was_assigned:
            return "no partition is assigned yet"
        if waiting := len(self._waiting):
            return f"waiting for the state of {waiting} of {waiting + len(self.tenures)} partitions"
        behind = [tenure.silent_until - tenure.next_offset for tenure in tuple(self.tenures.values())]
        if silent := sum(records for records in behind if records > 0):
            return f"catching up: {silent} records are to be stepped again"
        return ""

    def follow(self, event: Assigned | Revoked | Lost) -> list[Tenure]:
        """Do what the group has decided. -> the tenures that have ended, their state saved.

        Raises:
            DoubtError: partitions were lost: whoever has them now may have written already.
        """
        self._metrics.rebalanced()
        match event:
            case Assigned(partitions):
                self._was_assigned = True
                self._waiting.extend(partitions)
                return []
            case Revoked(partitions):
                return self._give_back(partitions)
            case Lost(partitions):
                raise DoubtError(f"partitions {[tuple(where) for where in partitions]}: lost to somebody else")

    def open_next(self) -> None:
        """Take over one partition that waits, if one does: between two of them the group must hear of us.

        Raises:
            TransientError: not now; the next call tries again.
            StateError: there is nothing to go on from; a person must say what to do.
        """
        if self._waiting:
            tenure = self._take_over(self._waiting[0])
            where = self._waiting.popleft()
            self.tenures[where] = tenure
            self._source.seek(where, tenure.next_offset)

    def reload(self, choices: Mapping[str, Choices]) -> None:
        """Take new choices, by group, for those that partitions adopt at their next barrier: see `tick`.

        What people have said of alarms stays.

        Raises:
            StateError: the state of a partition does not fit them; everything stays as it was.
        """
        for tenure in self.tenures.values():
            judges, judge = tenure.group.judges, tenure.partition.judge
            tenure.partition.check_fit(judges.of(choices[tenure.group.name], judge.artifact))
        for group in self.groups:
            group.judges.choices = replace(choices[group.name], tolerances=group.judges.choices.tolerances)

    def tick(self) -> None:
        """Between two batches: let partitions pass the barriers they have come to, and save what is due.

        Raises:
            StateError: the state of a partition does not fit the choices of today.
            DoubtError: by which of two choices to go on is not known.
            StoreError: what cannot be saved will soon not be restored either.
        """
        for tenure in self.tenures.values():
            if self._pass_barrier(tenure):
                break  # between two of them the group must hear of us
        self._keeper.tick(self.tenures.values())
        self._retention.check(self.tenures.values())

    def _pass_barrier(self, tenure: Tenure) -> bool:
        """Go on by the choices of today, and by what a shadow that is ready has learnt.

        The order is the guarantee: nothing comes of them before the checkpoint that names them is durable. -> whether
        it was tried.
        """
        partition, shadow, judges = tenure.partition, tenure.partition.shadow, tenure.group.judges
        is_ready = shadow is not None and shadow.is_ready and shadow.learnt.judge.detector is judges.first.detector
        heir = shadow if is_ready else None
        judge = judges.first if heir else judges.now(partition.judge)
        if judge is partition.judge or tenure.is_silent or not self._keeper.may_try(tenure):
            return False
        before, drift = partition.learnt, partition.drift
        if heir is not None:
            partition.succeed(heir)
        partition.adopt(judge)
        try:
            self._keeper.save(tenure, self._leave_seconds, anew=True)
        except NotInTimeError as error:
            raise DoubtError(f"{error}: by which choices its group goes on is not known") from error
        except StoreError as error:
            partition.learnt, partition.shadow, partition.drift = before, shadow, drift
            log.error("%s; its group's new choices wait", error)  # noqa: TRY400
        else:
            self._tell_adopted(tenure, before.judge)
        return True

    def _tell_adopted(self, tenure: Tenure, before: Judge) -> None:
        judge = tenure.partition.judge
        if judge.artifact.name != before.artifact.name:
            self._metrics.shadow.adopted(judge.group)
            self._show_artifact(judge)
            log.info("%s-%d: goes on with the artifact %s in place of %s, from offset %d",
                     *tenure.where, judge.artifact.name, before.artifact.name, tenure.next_offset)  # fmt: skip

    def _show_artifact(self, judge: Judge) -> None:
        self._metrics.artifact(judge.group, judge.artifact.name, judge.artifact.spec.cell)

    def leave(self) -> None:
        """Save everything that is ours, as far as there is time: whoever has it next steps the rest again."""
        self._give_back(tuple(self.tenures))
        self._keeper.close()

    def group_of(self, topic: str) -> Group:
        """The group whose topic this is.

        Raises:
            ConfigError: patterns of more than one group match it: which state it has would depend on their order.
        """
        if topic not in self._by_topic:
            holders = [group for group in self.groups if group.holds(topic)]
            if len(holders) != 1:
                names = [group.name for group in holders]
                raise ConfigError(f"groups: Expected topic {topic!r} in one group, got it in {names}")
            [self._by_topic[topic]] = holders
        return self._by_topic[topic]

    def _take_over(self, where: TopicPartition) -> Tenure:
        """The order is the guarantee: a predecessor is shut out, then what it committed is asked for, then restored."""
        group = self.group_of(where.topic)
        key = StateKey(group.name, where)
        if where not in self._opened:
            self._delivery.open(where)
            self._opened.add(where)
        committed = self._source.committed(where)
        if committed is None:
            return self._begin(group, key)
        checkpoint = self._keeper.find(key, committed)
        origin = self._origin(where, checkpoint)
        partition = group.open(where, checkpoint)
        offset = checkpoint.next_offset
        self._compare_builds(checkpoint.build, group, where)
        made_by, configured = partition.judge.artifact.name, group.judges.artifact.name
        if made_by != configured:
            log.warning("%s-%d: goes on with the artifact %s of its state, and not yet with %s",
                        *where, made_by, configured)  # fmt: skip
            self._show_artifact(partition.judge)
        self._metrics.state.restored(where, offset, committed)
        log.info("%s-%d: %d series restored at offset %d, committed is %d",
                 *where, len(checkpoint.series), offset, committed)  # fmt: skip
        self._metrics.inherited(group.name, len(partition.buffer))
        clock = EventClock(partition.watermark)
        return Tenure(group, partition, offset, committed, offset, self._clock(), origin, clock)

    def _begin(self, group: Group, key: StateKey) -> Tenure:
        """Begin a partition that the group never committed. The order is the guarantee: a committed offset has a state.

        Raises:
            TransientError: the first checkpoint cannot be written now.
        """
        where = key.topic_partition
        topic = self._source.topic(where.topic)
        origin = self._origin(where, self._keeper.find_any(group.name, where.topic, topic.partitions))
        begin = self._source.oldest_offset if origin.is_new(where) else self._source.first_offset
        start = begin(where)
        self._keeper.refuse_memory(key, start)
        tenure = Tenure(group, group.open(where), start, start, -1, self._clock(), origin)
        try:
            self._keeper.save(tenure, self._leave_seconds)
        except StoreError as error:
            group.drop(where)
            raise TransientError(f"{where.topic}-{where.partition}: no first checkpoint: {error}") from error
        self._metrics.state.silent(where, 0)
        self._delivery.begin(where)
        self._delivery.commit({where: start})
        log.info("%s-%d: begins at offset %d, with no state", *where, start)
        return tenure

    def _origin(self, where: TopicPartition, checkpoint: Checkpoint | None) -> Origin:
        """The topic as the group began with it, which any checkpoint of any of its partitions can tell.

        Raises:
            StateError: it is another one by now.
        """
        topic = self._source.topic(where.topic)
        origin = Origin.of({} if checkpoint is None else checkpoint.source, topic)
        origin.check(topic, where)
        return origin

    def _compare_builds(self, theirs: Mapping[str, str], group: Group, where: TopicPartition) -> None:
        ours = build_of(group.judges.first.device)
        if theirs != ours:
            log.warning("%s-%d: its state is of another build, %s; scores may differ from it in the last digits on %s",
                        *where, theirs, ours)  # fmt: skip

    def _give_back(self, partitions: Sequence[TopicPartition]) -> list[Tenure]:
        """Save these and forget them. A checkpoint that is not there in time only costs a longer start."""
        deadline = self._clock() + self._leave_seconds
        ended = [self.tenures.pop(where) for where in partitions if where in self.tenures]
        self._waiting = deque(where for where in self._waiting if where not in partitions)
        for tenure in ended:
            try:
                self._keeper.save(tenure, max(deadline - self._clock(), 0.0))
            except StoreError as error:
                log.warning("%s; whoever has it next steps again from offset %d", error, tenure.saved_offset)
            self._metrics.inherited(tenure.group.name, -len(tenure.partition.buffer))
            tenure.has_ended = True
            tenure.group.drop(tenure.where)
            self._retention.forget(tenure.where)
        for where in self._opened.intersection(partitions):
            self._delivery.release(where)
            self._opened.remove(where)
        return ended
