"""What the detector may be without: one mechanism after another switched off, the rest as it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import torch

from accuracy import replay
from models import detector, hours, moves, rhythm
from models.calibration import bets, echo, habit
from models.calibration.verdict import Verdict
from models.experts.bank import Tier
from models.forecasters import combiner
from models.hours import Hour
from models.novelty import Novelty, Part


@dataclass(frozen=True, slots=True)
class Switch:
    """A function or a class of a module or a class, and what stands in its place when the mechanism is off."""

    name: str
    module: ModuleType | type
    attribute: str
    instead: Callable[..., Any]

    @contextmanager
    def off(self) -> Iterator[None]:
        """While the block lasts."""
        usual = getattr(self.module, self.attribute)
        setattr(self.module, self.attribute, self.instead)
        try:
            yield
        finally:
            setattr(self.module, self.attribute, usual)


def _without_change(*arguments: Any, update: Callable[..., Any] = bets.update) -> Any:
    change, after = update(*arguments)
    return change._replace(statistic=torch.zeros_like(change.statistic)), after


def _without_hours(_: Any, __: Any, is_judged: torch.Tensor, *___: Any) -> Any:
    return Hour.none(is_judged), {}


def _without_echo(state: Any, echo_of: Callable[..., Any] = echo.echo_of) -> Any:
    alone = {"score_power": torch.ones_like(state["score_power"]), "score_echo": torch.zeros_like(state["score_echo"])}
    return echo_of({**state, **alone})


def of_novelty(tier: str) -> Iterator[Switch]:
    """One for each part of novelty that a tier has."""
    for part in Part.of(Tier(tier)):
        yield Switch(f"{part.name.lower()} in novelty", detector, "Novelty", partial(Novelty, left_out=(part,)))


OF_SURGE = (Switch("changes in surge", Verdict, "is_restless", lambda said: said.joint_surprise < 0),)
OF_ALARMS = (
    Switch("the pool", replay, "close_epoch", lambda pool, *_: pool),
    Switch("bets on a change", bets, "update", _without_change),
    Switch("a series' own tail", habit, "tempered", lambda surprise, *_: surprise),
    Switch("correction for echoes", echo, "echo_of", _without_echo),
    Switch("a panel over the network", combiner, "mixed", lambda own, _: own),
    Switch("a calm spread to judge by", combiner.Combiner, "calm", lambda _, forecast, *__: forecast),
    Switch("hours beside the pattern of the day", hours, "learn", _without_hours),
    Switch("rhythm of the day", rhythm, "widening", lambda *told: torch.ones_like(told[-1]["rhythm_peak"])),
    Switch("a channel's own moves", moves, "tempered", lambda surprise, *_: surprise),
    Switch("less weight for dull channels", moves, "liveliness", lambda state: torch.ones_like(state["fresh_rate"])),
)
