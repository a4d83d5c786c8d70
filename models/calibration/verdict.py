"""The verdict on a reading: from the raw surprise of its channels to the kinds of alarm, one pure step."""

from typing import NamedTuple

import torch
from torch import Tensor

from models import alarm
from models.alarm import AlarmChange, Hysteresis
from models.calibration import bets, echo, habit
from models.calibration.bets import Change
from models.calibration.pool import Pool, Sample
from models.calibration.table import calibrate
from models.column import Column, State
from models.rules import Asked


class Evidence(NamedTuple):
    """What a step knows of one reading a row before it is calibrated."""

    signed: Tensor  # (B, C) raw surprise in decades, negative below the forecast, 0 where there is none
    is_judged: Tensor  # (B, C)
    moved: Tensor  # (B, C) it is judged, and is not the value before once more
    is_muted: Tensor  # (B,)
    asked: Asked | None = None  # by the rules of its channels; None where all of it is


class Verdict(NamedTuple):
    """What a reading means, by the pool and by what its series was before."""

    surprise: Tensor  # (B, C) calibrated, two-sided, in decades
    alarming: Tensor  # (B, C) the part of it that may alarm
    joint_surprise: Tensor  # (B,) of the reading: Bonferroni over its judged channels
    ratios: Tensor  # (B, K) of each kind's statistic to its line
    change: Change
    alarm: AlarmChange
    sample: Sample  # what the pool counts of it


def columns(channels: int) -> dict[str, tuple[Column, ...]]:
    """Everything that is remembered of a series, by what remembers it. ``age`` is the scaler's."""
    return {
        "habit": habit.columns(channels),
        "echo": echo.columns(channels),
        "change": bets.columns(channels),
        "alarm": alarm.columns(),
    }


def judge(evidence: Evidence, hysteresis: Hysteresis, state: State, pool: Pool) -> tuple[Verdict, dict[str, Tensor]]:
    """Judge one reading a row, and learn it. The pool is read only; B / P rows in a row share one of its P."""
    signed, is_judged, moved, is_muted, asked = evidence
    raw = signed.abs()
    tempered = torch.copysign(habit.tempered(raw, state), signed).masked_fill(~is_judged, 0.0)
    surprise, score = calibrate(tempered, pool.table)
    surprise, score = surprise.masked_fill(~is_judged, 0.0), score.masked_fill(~is_judged, 0.0)
    count = (is_judged if asked is None else is_judged | asked.is_impossible).sum(1)
    change, change_state = bets.update(score, is_judged, moved, echo.echo_of(state), state, asked)
    alarming, statistic = surprise, torch.stack((_joint(surprise, count), change.statistic), 1)
    worth = statistic
    if asked is not None:
        alarming = asked.alarming(surprise)
        worth = torch.stack((_joint(alarming, count), change.asked), 1)
        statistic = torch.maximum(statistic, worth)
    lines = pool.lines.repeat_interleave(len(count) // len(pool.lines), 0)
    became, alarm_state = alarm.update(statistic, lines, count > 0, is_muted, hysteresis, state, worth)
    sample = Sample(
        signed=tempered,
        is_counted=moved,
        score=score,
        score_before=state["last_score"],
        is_judged=is_judged.any(1),
        climb=became.climb,
        opened=became.opened,
        is_open=became.is_open,
    )
    after = {**habit.update(raw, is_judged, state), **echo.update(score, moved, state), **change_state, **alarm_state}
    return Verdict(surprise, alarming, statistic[:, 0], worth / lines, change, became, sample), after


def _joint(surprise: Tensor, count: Tensor) -> Tensor:
    """Bonferroni over so many channels. (B, C), (B,) -> (B,)."""
    return (surprise.amax(1) - torch.log10(count.clamp_min(1).float())).clamp_min(0)
