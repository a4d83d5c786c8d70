"""Explanations of alarms for people: the reasons that the detector gives, in words."""

import math
from collections.abc import Iterator

from connectors.columns import Explanation, Results
from models.alarm import KINDS
from models.calibration.bets import BETS
from models.reasons import NO_BET, Reasons

SAID_OF_BETS = {
    "up": "runs above what is expected of it",
    "down": "runs below what is expected of it",
    "far_up": "runs far above what is expected of it",
    "far_down": "runs far below what is expected of it",
    "wider": "varies more than it used to",
    "narrower": "varies less than it used to",
    "stuck": "stands still",
    "above_day": "is {off_day} above the pattern of its days",
    "below_day": "is {off_day} below the pattern of its days",
}
SAID_OF_EXPERTS = {
    "last": "the last value",
    "ewma4": "the mean of the last few readings",
    "ewma32": "the recent mean",
    "direct": "recent moves",
    "yule_walker": "the rhythm of recent moves",
    "day": "the pattern of the day",
    "week": "the pattern of the week",
    "seasonal": "its own period",
    "seasonal_change": "the changes a period ago",
}
WORTH_A_WORD = 0.1  # of the shares: a channel with less is not named beside the first
NAMED = 3  # channels at most


def explanations(reasons: Reasons, results: Results, experts: tuple[str, ...]) -> Iterator[Explanation]:
    """Say in words why alarms opened. results: of their readings, in the order of the reasons. -> one each."""
    for i, (kind, bet) in enumerate(zip(reasons.kind.tolist(), reasons.bet.tolist(), strict=True)):
        shares = dict(zip(results.channels, reasons.shares[i].tolist(), strict=True))
        trust = dict(zip(experts, reasons.trust[i].tolist(), strict=True))
        won = None if bet == NO_BET else BETS[bet]
        said = won and SAID_OF_BETS[won].format(off_day=f"{abs(float(reasons.off_day[i])):.3g}")
        since = int(reasons.since[i])
        seconds = float(reasons.memory_seconds[i])
        yield Explanation(
            text=_text(KINDS[kind], results, i, shares, (said, since), trust),
            channel=results.channels[int(reasons.channel[i])],
            shares=shares,
            bet=won,
            since_readings=since,
            trust=trust,
            memory_seconds=seconds if math.isfinite(seconds) else None,
        )


def _text(
    kind: str,
    results: Results,
    position: int,
    shares: dict[str, float],
    change: tuple[str | None, int],
    trust: dict[str, float],
) -> str:
    """Such as: ``temperature 81.2, expected 64.1 (60.2 to 68) by the pattern of the day (80 %)``."""
    ranked = sorted(shares, key=lambda channel: -shares[channel])
    named = [channel for channel in ranked[:NAMED] if channel == ranked[0] or shares[channel] >= WORTH_A_WORD]
    parts = [_channel(results, position, channel) for channel in named]
    said, since = change
    if said is not None:
        readings = "reading" if since == 1 else f"{since} readings"
        parts[0] = f"{named[0]} {said}, for the last {readings}: {parts[0]}"
    if trust:
        expert = max(trust, key=lambda name: trust[name])
        parts[0] += f" by {SAID_OF_EXPERTS.get(expert, expert)} ({trust[expert]:.0%})"
    shared = [f"{part}; {shares[channel]:.0%} of the {kind}" for part, channel in zip(parts, named, strict=True)]
    return ". ".join(shared if len(named) > 1 else parts)


def _channel(results: Results, position: int, channel: str) -> str:
    place = results.channels.index(channel)
    value, forecast, lower, upper = (
        f"{column[position, place]:.5g}" for column in (results.value, results.forecast, results.lower, results.upper)
    )
    return f"{channel} {value}, expected {forecast} ({lower} to {upper})"
