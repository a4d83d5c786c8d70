"""The change detector: a Shiryaev-Roberts e-detector a channel, over a mixture of bets on what a change looks like.

Shin, Ramdas and Rinaldo, "E-detectors" (arXiv 2203.03532): a bet multiplies its stake at every reading by the
likelihood ratio of its kind of change, and one unit more is staked at every reading: ``R' = (1 + R) e``. While scores
are standard normal and independent of what came before, the mean of ``e`` is at most 1, and so a level ``A`` is not
passed more often than once in ``A`` readings, whatever the mixture.
"""

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from models.calibration import echo
from models.column import Column, State
from models.hours import Hour
from models.rules import Asked

SHIFTS = (1.0, -1.0, 2.5, -2.5)  # standard deviations
SPREADS = (2.0, 0.25)  # ratios of them
BETS = ("up", "down", "far_up", "far_down", "wider", "narrower", "stuck", "above_day", "below_day")
NARROWER, STUCK = BETS.index("narrower"), BETS.index("stuck")
RESTLESS = tuple(BETS.index(name) for name in ("wider", "above_day", "below_day"))  # on no other level, and no calm
CAUTION = 0.001  # of a stake in being narrower: after every incident a series is, beside what has been learnt of it
OFF_THE_DAY = 2.0  # standard deviations that an hour is off the pattern of the day by
MOST_AN_HOUR = 6.0  # nats, of such a bet: two hours make an alarm
MOST_A_READING = 3.0  # nats: one reading is a spike; a change takes three
HEADROOM_DECADES = 2.0  # that a bet's worth keeps above its line: more would only keep an alarm from closing
MOST_DECADES = 12.0  # of a stake, whatever its line: powers of it must be numbers in single precision
ONSET_DECADES = 1.0  # a change began when its stake last was below this
FEWEST_UNMOVED = 8.0  # readings, the longest run that a channel is known by when it first moves
FORGETTING = 1 / 512  # of the longest run, a reading that moved
MOST_RUNS = 100.0  # of a channel: more would change nothing
LEARNT_RUN = 512.0  # unmoved readings, after which standing still is what the channel does


class Change(NamedTuple):
    """What the bets say of one reading a row."""

    statistic: Tensor  # (B,) decades: of the weighted mean stake over channels and bets
    asked: Tensor  # (B,) the same, of bets on what is asked about alone
    decades: Tensor  # (B, C) of what each channel has in that
    leading: Tensor  # (B, C) int64, the number in `BETS` of the largest stake
    since: Tensor  # (B, C) readings since the stake was last as good as nothing


def columns(channels: int) -> tuple[Column, ...]:
    """The stakes of each channel, and how long it has stood still, does so at most, and has been winning."""
    shape = (channels,)
    return (
        Column("stakes", torch.float32, (channels, STUCK)),
        Column("day_stakes", torch.float32, (channels, 2)),
        Column("unmoved", torch.float32, shape),
        Column("longest_unmoved", torch.float32, shape, initial=math.inf),  # infinite: it has never moved
        Column("winning", torch.float32, shape),
    )


@cache
@torch.inference_mode(False)  # what is kept may be needed in training
def _odds(device: torch.device) -> Tensor:
    """The log-likelihood ratio of each bet as a polynomial of the score. -> (3, STUCK): of x^2, of x, constant."""
    shifts = [(0.0, shift, -shift * shift / 2) for shift in SHIFTS]
    spreads = [((1 - spread**-2) / 2, 0.0, -math.log(spread)) for spread in SPREADS]
    return torch.tensor([*shifts, *spreads], device=device).T.contiguous()


def update(
    score: Tensor,
    is_judged: Tensor,
    moved: Tensor,
    weight: Tensor,
    hour: Hour,
    state: State,
    asked: Asked | None = None,
) -> tuple[Change, dict[str, Tensor]]:
    """Bet on one reading a row, of which ``hour`` is what it says of the hour before it.

    score: (B, C) normal, is_judged, moved: (B, C), weight: (B, C) of the channels, sum 1. An absent channel bets
    nothing but on an hour that is over. asked: by the rules of the channels; None where all of it is.
    """
    square, line, constant = _odds(score.device).unbind()
    own = echo.echo_of(state)
    x = (score / own.power.sqrt()).unsqueeze(-1)
    heard = torch.where(moved, 1.0, state["move_rate"])  # a repeated value says the less the more often there is one
    odds = (x * (x * square + line) + constant) / (own.memory / heard).unsqueeze(-1)
    grown = (1 + state["stakes"]) * odds.clamp_max(MOST_A_READING).exp()
    stepped = is_judged.unsqueeze(-1).expand_as(grown).clone()
    stepped[..., NARROWER] &= moved  # a value that only repeats itself is the bet on a stuck channel's
    stakes = torch.where(stepped, grown.clamp_max(10.0**MOST_DECADES), state["stakes"])
    unmoved, longest = _runs(is_judged, moved, state)
    stuck = torch.exp(patience(unmoved, longest, state).clamp_max(MOST_DECADES * math.log(10))) - 1
    on_days = _off_the_day(hour, state)
    every = torch.cat((stakes[..., :NARROWER], stakes[..., NARROWER:] * CAUTION, stuck.unsqueeze(-1), on_days), -1)
    mean = every.mean(-1)
    winning = (state["winning"] + is_judged).masked_fill(mean < 10**ONSET_DECADES, 0.0)
    statistic = _joint(mean, weight)
    if asked is not None:
        every = every * _counted(asked)
        mean = every.mean(-1)
    worth = statistic if asked is None else _joint(mean, weight)
    after = {
        "stakes": stakes,
        "day_stakes": on_days,
        "unmoved": unmoved,
        "longest_unmoved": longest,
        "winning": winning,
    }
    return Change(statistic, worth, torch.log10(mean * weight + 1e-6), every.argmax(-1), winning), after


def held(after: State, lines: Tensor) -> dict[str, Tensor]:
    """The stakes that are kept, whose worth is no farther above the line than the headroom. lines: (B,) decades."""
    most, stakes = torch.pow(10.0, lines + HEADROOM_DECADES).view(-1, 1, 1), after["stakes"]
    kept = torch.cat((stakes[..., :NARROWER].minimum(most), stakes[..., NARROWER:].minimum(most / CAUTION)), -1)
    return {"stakes": kept, "day_stakes": after["day_stakes"].minimum(most)}


def _off_the_day(hour: Hour, state: State) -> Tensor:
    """The stakes on being above and below the pattern of the day, which change where an hour is over. -> (B, C, 2)."""
    score = torch.stack((hour.score, -hour.score), -1)
    odds = (score * OFF_THE_DAY - OFF_THE_DAY * OFF_THE_DAY / 2).clamp_max(MOST_AN_HOUR)
    grown = ((1 + state["day_stakes"]) * odds.exp()).clamp_max(10.0**MOST_DECADES)
    return torch.where(hour.is_over.unsqueeze(-1), grown, state["day_stakes"])


def _joint(stakes: Tensor, weight: Tensor) -> Tensor:
    """The mean stake over the channels. (B, C) each -> (B,) decades, at least 0."""
    return torch.log10((stakes * weight).sum(1) + 1e-6).clamp_min(0)


def _counted(asked: Asked) -> Tensor:
    """Which bets are on what is asked about: to be narrower or stuck is nobody's direction. -> (B, C, BETS)."""
    always = torch.ones_like(asked.is_enough)
    up, down, above, below = asked.has_risen, asked.has_fallen, asked.is_above_day, asked.is_below_day
    return torch.stack((up, down, up, down, asked.is_enough, always, always, above, below), -1)


def patience(unmoved: Tensor, longest: Tensor, state: State) -> Tensor:
    """How rare it is to stand still for so long, in nats: no more than in proportion to the longest run. -> (B, C).

    Of a channel that has moved k times another run is c times as long as the longest one was with a probability of
    ``1 / prod(1 + c / i for i = 1...k)``, where runs end by chance alone: the longest of two or three says little.
    """
    ratio = unmoved / (longest + 1)
    runs = (state["move_rate"] * state["age"]).clamp_max(MOST_RUNS) + 1
    return torch.minimum(ratio, torch.lgamma(runs + ratio) - torch.lgamma(runs) - torch.lgamma(ratio + 1))


def _runs(is_judged: Tensor, moved: Tensor, state: State) -> tuple[Tensor, Tensor]:
    """How many readings in a row have not moved, and how many that have been at most. (B, C) each.

    A run counts among the longest when it ends, or little by little once it has lasted for `LEARNT_RUN`.
    """
    run, longest = state["unmoved"], state["longest_unmoved"]
    ended = torch.where(longest.isinf(), run.clamp_min(FEWEST_UNMOVED), torch.maximum(run, longest * (1 - FORGETTING)))
    run = torch.where(is_judged, (run + 1).masked_fill(moved, 0.0), run)
    longest = torch.where(is_judged & moved, ended, torch.maximum(longest, run - LEARNT_RUN))
    return run, longest
