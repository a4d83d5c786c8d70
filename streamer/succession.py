"""Succession: brings the artifact that a group is to have to its partitions, by way of a shadow in each."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from connectors.errors import OffsetGoneError, TransientError
from connectors.past import OpenPast, Past
from connectors.ports import Source
from streamer.adoption import AdoptionOptions
from streamer.judge import Judge
from streamer.metrics import Metrics
from streamer.partition import Partition
from streamer.shadow import Learnt, Shadow
from streamer.shelf_watch import ShelfWatch
from streamer.tenancy import Tenancy
from streamer.tenure import Tenure

RETRY_SECONDS = 30.0  # after the past could not be read

log = logging.getLogger("streamer")


@dataclass(slots=True)
class _Warming:
    """A partition's past on its way through a judge that is new to it."""

    tenure: Tenure
    partition: Partition  # nobody else knows it; its rows are its own
    past: Past


class Succession:
    """Ticks between two turns of the engine, and does a bounded piece of work each time.

    A partition whose artifact is not its group's gets a shadow: a partition of its own first, which reads the records
    before the next offset again, without output. Once it has come to where the champion is, it goes on with the
    champion's own rows and readings. When it has followed for long enough the tenancy adopts it at a barrier. One
    partition warms at a time. Nothing of this outlives the process.
    """

    def __init__(
        self,
        tenancy: Tenancy,
        source: Source,
        open_past: OpenPast,
        watch: ShelfWatch,
        options: Mapping[str, AdoptionOptions],
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        """``options`` by group: those that have none keep the artifact of their state."""
        self._tenancy = tenancy
        self._source = source
        self._open_past = open_past
        self._watch = watch
        self._options = options
        self._metrics = metrics
        self._clock = clock
        self._warming: _Warming | None = None
        self._retry_at = float("-inf")

    def look_soon(self) -> None:
        """Look at the shelves at once."""
        self._watch.look_soon()

    def tick(self) -> None:
        """Hear what was promoted, give up what is no longer wanted, and bring one partition a step further."""
        for group, artifact in self._watch.news():
            log.info("group %r: is to have the artifact %s", group, artifact.name)
            next(one for one in self._tenancy.groups if one.name == group).judges.artifact = artifact
        tenures = [one for one in self._tenancy.tenures.values() if one.group.name in self._options]
        for tenure in tenures:
            shadow = tenure.partition.shadow
            if shadow is not None and not _is_wanted(shadow.learnt.judge, tenure):
                tenure.partition.shadow = None
        self._go_on(tenures)
        self._tell(tenures)

    def close(self) -> None:
        """Let go of what is being read."""
        self._give_up()
        self._watch.close()

    def _go_on(self, tenures: Sequence[Tenure]) -> None:
        if self._warming is not None and not self._is_worth_it(self._warming):
            self._give_up()
        warming = self._warming
        tenure = next(filter(self._lacks_shadow, tenures), None) if warming is None else warming.tenure
        if tenure is None or self._clock() < self._retry_at:
            return
        try:
            if warming is None:
                self._begin(tenure)
            else:
                self._warm(warming)
        except (TransientError, OffsetGoneError) as error:
            log.warning("%s-%d: %s; its shadow begins anew", *tenure.where, error)
            self._metrics.shadow.failed(tenure.group.name)
            self._give_up()
            self._retry_at = self._clock() + RETRY_SECONDS

    @staticmethod
    def _lacks_shadow(tenure: Tenure) -> bool:
        partition = tenure.partition
        has_other = partition.judge.artifact.name != tenure.group.judges.artifact.name
        return has_other and not tenure.is_silent and partition.shadow is None

    def _is_worth_it(self, warming: _Warming) -> bool:
        tenure = warming.tenure
        is_wanted = _is_wanted(warming.partition.judge, tenure)
        return is_wanted and self._lacks_shadow(tenure) and not tenure.has_ended

    def _begin(self, tenure: Tenure) -> None:
        """Open the past of a partition, and begin to read it through the eyes of the artifact that is wanted."""
        options, judge = self._options[tenure.group.name], _wanted(tenure)
        records = min(options.warm_readings * len(tenure.partition.series), options.max_records)
        start = max(tenure.next_offset - records, self._source.oldest_offset(tenure.where))
        start = min(start, tenure.next_offset)
        self._warming = _Warming(tenure, Partition(judge, tenure.where), self._open_past(tenure.where, start))
        log.info("%s-%d: a shadow of the artifact %s reads again from offset %d",
                 *tenure.where, judge.artifact.name, start)  # fmt: skip

    def _warm(self, warming: _Warming) -> None:
        """Read on. Where nothing is left before the champion's next offset, follow it from there."""
        tenure, partition, past = warming.tenure, warming.partition, warming.past
        records = past.read(tenure.next_offset)
        if len(records):
            readings, _ = tenure.group.decode(records, partition.judge.choices.order)
            partition.advance(readings)
        if past.position >= tenure.next_offset:
            goal = self._options[tenure.group.name].shadow_readings
            tenure.partition.shadow = Shadow(moved(partition, tenure.partition), goal)
            self._give_up()

    def _give_up(self) -> None:
        if self._warming is not None:
            self._warming.past.close()
            self._warming = None

    def _tell(self, tenures: Sequence[Tenure]) -> None:
        for name in self._options:
            following = sum(one.partition.shadow is not None for one in tenures if one.group.name == name)
            is_warming = self._warming is not None and self._warming.tenure.group.name == name
            self._metrics.shadow.shadows(name, int(is_warming), following)


def _wanted(tenure: Tenure) -> Judge:
    """The judge that a partition is to have by its group's artifact: equal ones are the same."""
    judges = tenure.group.judges
    return judges.of(tenure.partition.judge.choices, judges.artifact)


def _is_wanted(judge: Judge, tenure: Tenure) -> bool:
    """Whether what learns by a judge is still wanted: what people say of alarms is nothing that is learnt."""
    return judge.detector is _wanted(tenure).detector


def moved(learner: Partition, partition: Partition) -> Learnt:
    """What one partition has learnt of its series, in the rows that they have in another.

    A series that only the other knows begins anew, and one that it has forgotten is left out.
    """
    judge, table, pool = Learnt.nothing(learner.judge)._replace(pool=learner.pool)
    names = partition.series.names(partition.series.live())
    rows = partition.series.find([name for name in names if name in learner.series])
    table.ensure(partition.series.height)
    columns = [column.name for column in judge.detector.columns]
    table.take(columns, rows, learner.table.views, learner.series.find(names))
    return Learnt(judge, table, pool)
