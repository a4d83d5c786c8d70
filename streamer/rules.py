"""Rules as people write them: what is asked of the series and channels that a pattern names before they may alarm."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from connectors.columns import SEVERITIES, Bool, Int64
from models import rules

Limit = Annotated[float, Meta(ge=0)]


class MinDeviation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far from what was expected a value must be; where both are given, farther than both."""

    absolute: Limit = 0.0  # in the unit that is judged
    relative: Limit = 0.0  # of what was expected: 0.1 is a tenth


class RuleOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of some series. Of each channel of a series the first rule holds that names both."""

    series: str = "*"  # a name, with * and ? as in a shell
    channels: list[str] | None = None  # None: all
    direction: Literal["up", "down", "both"] = "both"  # which deviations are worth an alarm
    min_deviation: MinDeviation = MinDeviation()
    valid_range: tuple[float | None, float | None] = (None, None)  # of the values as they come; null is without end
    severity: Literal["info", "warning", "critical"] = "warning"  # of the alarms, for whoever is to be called

    def __post_init__(self) -> None:
        lowest, highest = self.valid_range
        if lowest is not None and highest is not None and lowest >= highest:
            raise ValueError(f"valid_range: Expected a low and a higher end, got [{lowest:g}, {highest:g}]")

    @property
    def rule(self) -> rules.Rule:
        """As the detector knows it."""
        lowest, highest = self.valid_range
        return rules.Rule(
            direction=rules.Direction[self.direction.upper()],
            min_absolute=self.min_deviation.absolute,
            min_relative=self.min_deviation.relative,
            lowest=-np.inf if lowest is None else lowest,
            highest=np.inf if highest is None else highest,
        )


def refuse_unknown(options: Sequence[RuleOptions], channels: Sequence[str]) -> None:
    """Return if every rule is about channels that there are.

    Raises:
        ValueError: one is not.
    """
    for place, one in enumerate(options):
        unknown = sorted(set(one.channels or ()) - set(channels))
        if unknown:
            raise ValueError(f"rules[{place}].channels: Expected some of {list(channels)}, got {unknown}")


def rule_numbers(options: Sequence[RuleOptions], channels: Sequence[str], matches: Bool) -> Int64:
    """Which rule holds for each channel: its place and 1, or 0 for none.

    matches: (N, R) whether the series of each row is one that each rule names -> (N, C).
    """
    numbers = np.zeros((len(matches), len(channels)), dtype=np.int64)
    for place, one in reversed([*enumerate(options)]):
        concerned = [one.channels is None or channel in one.channels for channel in channels]
        numbers[np.outer(matches[:, place], concerned)] = place + 1
    return numbers


def severities_of(options: Sequence[RuleOptions], number: Int64) -> Int64:
    """The severity of an alarm by the number of the rule that holds, as a place in `SEVERITIES`. (...) -> (...)."""
    asked = [RuleOptions(), *options]
    places: Int64 = np.array([SEVERITIES.index(one.severity) for one in asked], dtype=np.int64)[number]
    return places


def severity_of(options: Sequence[RuleOptions], channels: Sequence[str], series: str) -> str:
    """The highest severity among the channels of a series: that of what concerns all of them."""
    matches = np.array([[fnmatchcase(series, one.series) for one in options]], dtype=np.bool_)
    return SEVERITIES[int(severities_of(options, rule_numbers(options, channels, matches)).max())]
