"""The verdict on a reading: from the raw surprise of its channels to the kinds of alarm, one pure step."""

from typing import NamedTuple

import torch
from torch import Tensor

from models import alarm
from models.alarm import CHANGE, AlarmChange, Hysteresis
from models.calibration import bets, echo, habit, joint
from models.calibration.bets import Change
from models.calibration.pool import Pool, Sample, Standard
from models.calibration.table import calibrate
from models.column import Column, State
from models.hours import Hour
from models.rules import CERTAIN, Asked


class Evidence(NamedTuple):
    """What a step knows of one reading a row before it is calibrated."""

    signed: Tensor  # (B, C) raw surprise in decades, negative below the forecast, 0 where there is none
    is_judged: Tensor  # (B, C)
    has_scale: Tensor  # (B, C) it is judged, by a scale of its own moves and not by a guess
    moved: Tensor  # (B, C) of those, it is not the value before once more
    weight: Tensor  # (B, C) of each channel in the verdict on all, sum 1; 0 where not judged
    is_muted: Tensor  # (B,)
    hour: Hour  # what the reading says of the hour before it
    asked: Asked | None = None  # by the rules of its channels; None where all of it is
    tolerance: Tensor | None = None  # (B, K) times its line is what the kind of a row must exceed; None: 1


class Verdict(NamedTuple):
    """What a reading means, by the pool and by what its series was before."""

    surprise: Tensor  # (B, C) calibrated, two-sided, in decades
    evidence: Tensor  # (B, C) surprise that may alarm, less the price of looking at so many channels; or -inf
    joint_surprise: Tensor  # (B,) of the reading: the largest evidence, asked for or not, at least 0
    ratios: Tensor  # (B, K) of each kind's statistic to its line
    change: Change
    alarm: AlarmChange
    sample: Sample  # what the pool counts of it

    def is_restless(self) -> Tensor:
        """Whether a change has just been called, for unrest or for hours off the pattern of the day. -> (B,)."""
        bet = self.change.leading.gather(1, self.change.decades.argmax(1, keepdim=True)).squeeze(1)
        return self.alarm.opened[:, CHANGE] & torch.stack([bet == each for each in bets.RESTLESS]).any(0)


def columns(channels: int) -> dict[str, tuple[Column, ...]]:
    """Everything that is remembered of a series, by what remembers it. `scaler` has the age, `moves` the rate."""
    return {
        "habit": habit.columns(channels),
        "echo": echo.columns(channels),
        "change": bets.columns(channels),
        "alarm": alarm.columns(),
    }


def judge(
    evidence: Evidence, hysteresis: Hysteresis, state: State, pool: Pool | Standard
) -> tuple[Verdict, dict[str, Tensor]]:
    """Judge one reading a row, and learn it. The pool is read only; B / P rows in a row share one of its P."""
    signed, is_judged, has_scale, moved, weight, is_muted, hour, asked, tolerance = evidence
    raw = signed.abs()
    tempered = torch.copysign(habit.tempered(raw, state), signed).masked_fill(~is_judged, 0.0)
    surprise, score = calibrate(tempered, pool.table)
    surprise, score = surprise.masked_fill(~is_judged, 0.0), score.masked_fill(~is_judged, 0.0)
    worth = joint.evidence(surprise, weight)
    is_any = is_judged.any(1)
    change, change_state = bets.update(score, is_judged, moved, weight, hour, state, asked)
    opening = statistic = _statistic(worth, change.statistic)
    is_seen = is_any
    if asked is not None:
        worth = joint.evidence(asked.alarming(surprise), weight).masked_fill(asked.is_impossible, CERTAIN)
        opening = _statistic(worth, change.asked)
        statistic, is_seen = torch.maximum(statistic, opening), is_any | asked.is_impossible.any(1)
    lines = pool.lines.repeat_interleave(signed.shape[0] // pool.lines.shape[0], 0)
    lines = lines if tolerance is None else lines * tolerance
    change_state.update(bets.held(change_state, lines[:, 1]))
    became, alarm_state = alarm.update(statistic, lines, is_seen, is_muted, hysteresis, state, opening)
    sample = Sample(
        signed=tempered,
        is_counted=moved,
        score=score,
        score_before=state["last_score"],
        is_judged=has_scale.any(1),
        climb=became.climb,
        opened=became.opened,
        is_open=became.is_open,
    )
    after = {**habit.update(raw, is_judged, state), **echo.update(score, moved, state), **change_state, **alarm_state}
    return Verdict(surprise, worth, statistic[:, 0], opening / lines, change, became, sample), after


def _statistic(evidence: Tensor, change: Tensor) -> Tensor:
    """Of each kind of alarm. evidence: (B, C), change: (B,) -> (B, K) decades."""
    return torch.stack((evidence.amax(1).clamp_min(0), change), 1)
