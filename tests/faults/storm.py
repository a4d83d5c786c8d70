"""A storm over real daemons of one group: they are killed and frozen at random instants while readings flow."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from tests.end_to_end.independent import Row
from tests.faults.comparison import Comparison
from tests.faults.fleet import Fleet, Member
from tests.faults.stage import EXACTLY_ONCE, Stage
from tests.faults.trial import parts
from tests.faults.undisturbed import rows

EARLY_RATIO = 1 / 3  # of the strikes: whatever the daemons do by then, be it that they start
EARLY_SECONDS = 4.0


@dataclass(frozen=True)
class Plan:
    """What happens. Each phase has so many ``daemons`` and its share of the ``kills``; at its end one is frozen."""

    readings: int
    series: int
    kills: int
    daemons: tuple[int, ...] = (2, 3)
    partitions: int = 6
    seed: int = 0
    delivery: Mapping[str, Any] = field(default_factory=lambda: EXACTLY_ONCE)


@dataclass(frozen=True)
class Aftermath:
    """What the world holds when all is over."""

    kills_in_mid_stream: int  # something published was not committed yet
    woken_exits: list[int | None]  # of the frozen, once they went on after their session; None: did not end
    own_exits: list[int]  # of all others that ended by themselves
    last_exits: list[int]  # of those that were told to leave at the end
    outputs: dict[str, Comparison]
    logs: str


class Storm:
    """``with Storm(kafka, folder, plan) as storm: storm.run()``: the block leaves no process behind."""

    def __init__(self, kafka: str, folder: Path, plan: Plan) -> None:
        self._plan = plan
        self._random = np.random.default_rng(plan.seed)
        self._stage = Stage(kafka, folder, plan.partitions, delivery=plan.delivery)
        self._fleet = Fleet(folder, self._stage.changes, self._stage.variables)
        self._kills_in_mid_stream = 0
        self._woken_exits: list[int | None] = []
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Make the topics, and be ready to publish."""
        self._stage.make_topics()
        self._publisher = self._held.enter_context(ThreadPoolExecutor(1))
        self._held.callback(self._fleet.kill_all)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._held.close()

    def run(self) -> Aftermath:
        """Publish a part of the readings, wait for an instant, strike, and again; then let them finish in peace."""
        plan = self._plan
        published = rows(plan.readings, plan.series, plan.partitions, plan.seed)
        kills = plan.kills // len(plan.daemons)
        rest = iter(parts(published, len(plan.daemons) * (kills + 2) + 1))
        for count in plan.daemons:
            self._fleet.grow_to(count)
            for _ in range(kills):
                with self._flowing(next(rest)):
                    self._kill_one()
            self._freeze_one(next(rest), next(rest))
        self._stage.publish(next(rest))
        self._fleet.until(self._stage.is_all_committed, "everything is committed")
        return self._aftermath(published)

    @contextmanager
    def _flowing(self, part: Sequence[Row]) -> Iterator[None]:
        """Publish; the block begins at an instant somewhere in the work that this makes, or at one soon after."""
        goal = self._stage.progress() + int(self._random.uniform(0, 0.9) * len(part))
        publishing = self._publisher.submit(self._stage.publish, part)
        if self._random.random() < EARLY_RATIO:
            time.sleep(self._random.uniform(0, EARLY_SECONDS))
        else:
            self._fleet.until(lambda: self._stage.progress() > goal, "results come")
        yield
        publishing.result()

    def _kill_one(self) -> None:
        victim = self._any_member()
        victim.kill()
        self._kills_in_mid_stream += not self._stage.is_all_committed()
        victim.start()

    def _freeze_one(self, before: Sequence[Row], meanwhile: Sequence[Row]) -> None:
        """Freeze one in the middle of its work, past its session: till the others have done everything."""
        victim = self._any_member()
        self._fleet.until(lambda: victim.is_ready, "the one to be frozen is at work")
        with self._flowing(before):
            victim.freeze()
        self._stage.publish(meanwhile)
        self._fleet.until(self._stage.is_all_committed, "the others have done the work of the frozen one")
        self._woken_exits.append(self._fleet.wake(victim))

    def _any_member(self) -> Member:
        return self._fleet.members[self._random.integers(len(self._fleet.members))]

    def _aftermath(self, published: Sequence[Row]) -> Aftermath:
        last_exits = self._fleet.leave()
        return Aftermath(
            kills_in_mid_stream=self._kills_in_mid_stream,
            woken_exits=self._woken_exits,
            own_exits=self._fleet.own_exits,
            last_exits=last_exits,
            outputs=self._stage.compare(published),
            logs="".join(member.log for member in self._fleet.members),
        )
