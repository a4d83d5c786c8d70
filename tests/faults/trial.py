"""Daemons at work on readings that come part by part, while a test does something to the world that they live in."""

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from tests.end_to_end.independent import Row
from tests.faults.comparison import Comparison
from tests.faults.fleet import Fleet
from tests.faults.stage import Stage
from tests.faults.undisturbed import rows

DOUBT, AWAY = 3, 4  # exit codes after which a supervisor starts the daemon again
LAST_READINGS = 400  # some for every partition


@dataclass(frozen=True)
class Load:
    """What there is to do, in so many ``parts`` and a small last one."""

    parts: int
    readings_a_part: int = 3_000
    series: int = 200
    daemons: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Outcome:
    """What the world holds when all is over."""

    own_exits: list[int]  # exit codes of daemons that ended by themselves
    last_exits: list[int]  # of those that were told to leave at the end
    outputs: dict[str, Comparison]
    logs: str

    @property
    def faults(self) -> dict[str, list[str]]:
        """Of every output that is not what it should be."""
        return {output: compared.faults for output, compared in self.outputs.items() if compared.faults}


class Trial:
    """``with Trial(stage, folder, load) as trial``: the block leaves no process behind."""

    def __init__(self, stage: Stage, folder: Path, load: Load) -> None:
        self.random = np.random.default_rng(load.seed)
        self.fleet = Fleet(folder, stage.changes, stage.variables)
        self._stage = stage
        self._load = load
        readings = load.parts * load.readings_a_part
        self._published = rows(readings + LAST_READINGS, load.series, stage.partitions, load.seed)
        self._rest = iter(parts(self._published[:readings], load.parts))
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Start the daemons, and be ready to publish."""
        self._stage.make_topics()
        self._publisher = self._held.enter_context(ThreadPoolExecutor(1))
        self._held.callback(self.fleet.kill_all)
        self.fleet.grow_to(self._load.daemons)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._held.close()

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Publish the next part; the block begins at an instant somewhere in the work that this makes."""
        part = next(self._rest)
        goal = self._stage.progress() + int(self.random.uniform(0.1, 0.6) * len(part))
        publishing = self._publisher.submit(self._stage.publish, part)
        self.fleet.until(lambda: self._stage.progress() > goal, "results come")
        yield
        publishing.result()

    def catch_up(self) -> None:
        """Return when everything that was published is committed."""
        self.fleet.until(self._stage.is_all_committed, "everything is committed")

    def finish(self) -> Outcome:
        """Let the daemons do what is left, and leave.

        Everything may be committed while a daemon still waits for an answer that was lost, and will end in doubt: its
        last delivery was done all the same, or its place was lost, and with it its work, to another. So a last part
        comes when the world is whole again: who is in the group by the time that this is committed doubts nothing.
        """
        assert next(self._rest, None) is None, "every part was published"
        self._stage.publish(self._published[-LAST_READINGS:])
        self.catch_up()
        identities = {member.identity for member in self.fleet.members}
        self.fleet.until(lambda: self._stage.members() >= identities, "every daemon is in the group")
        last_exits = self.fleet.leave()
        return Outcome(
            own_exits=self.fleet.own_exits,
            last_exits=last_exits,
            outputs=self._stage.compare(self._published),
            logs="".join(member.log for member in self.fleet.members),
        )


def parts(published: Sequence[Row], count: int) -> list[Sequence[Row]]:
    """The same, cut into so many parts of nearly one size."""
    cuts = np.linspace(0, len(published), count + 1).astype(int).tolist()
    return [published[start:end] for start, end in itertools.pairwise(cuts)]
