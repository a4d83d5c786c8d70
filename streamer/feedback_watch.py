"""The watch on feedback: brings what people say of alarms to the groups, whose partitions take it at their barriers."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from msgspec.structs import replace

from connectors.errors import StoreError
from connectors.verdicts import Verdict, Verdicts
from streamer.feedback import tolerances
from streamer.group import Group
from streamer.lookout import Lookout
from streamer.metrics import Metrics

LOOK_SECONDS = 60.0  # a new verdict costs a checkpoint of every partition: those of a minute enter together

log = logging.getLogger("streamer")


class FeedbackWatch:
    """Ticks between two turns of the engine."""

    def __init__(
        self,
        verdicts: Verdicts,
        groups: Sequence[Group],
        metrics: Metrics,
        clock: Callable[[], float],
        looker: Executor | None = None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._lookout = Lookout({str(verdicts.root): verdicts.all}, clock, look_seconds, looker)
        self._groups = groups
        self._metrics = metrics
        self._told = ""  # what is wrong with the verdicts

    def look_soon(self) -> None:
        """Look at once."""
        self._lookout.look_soon()

    def tick(self) -> None:
        """Take what was said since, as far as it is known by now. Never waits."""
        for _, look in self._lookout.seen():
            try:
                verdicts = look.result()
            except StoreError as error:
                if str(error) != self._told:
                    log.error("%s; lines stay as they are", error)  # noqa: TRY400  # the message says it all
                self._told = str(error)
                continue
            self._told = ""
            hear(verdicts, self._groups, self._metrics)

    def close(self) -> None:
        """Let go."""
        self._lookout.close()


def hear(verdicts: Sequence[Verdict], groups: Sequence[Group], metrics: Metrics) -> None:
    """Have every group go on by these verdicts. Each of its partitions does from its next barrier on."""
    for group in groups:
        judges, said = group.judges, tolerances(verdicts, group.name)
        metrics.feedback.told(group.name, Counter(one.verdict for one in verdicts if one.group == group.name))
        if said != judges.choices.tolerances:
            judges.choices = replace(judges.choices, tolerances=said)
            log.info("group %r: by what people say of alarms, %d lines are raised", group.name, len(said))
