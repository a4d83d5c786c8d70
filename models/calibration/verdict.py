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


class Evidence(NamedTuple):
    """What a step knows of one reading a row before it is calibrated."""

    signed: Tensor  # (B, C) raw surprise in decades, negative below the forecast, 0 where there is none
    is_judged: Tensor  # (B, C)
    moved: Tensor  # (B, C) it is judged, and is not the value before once more
    is_muted: Tensor  # (B,)
    tolerance: Tensor | None = None  # (B, K) times its line is what the kind of a row must exceed; None: 1


class Verdict(NamedTuple):
    """What a reading means, by the pool and by what its series was before."""

    surprise: Tensor  # (B, C) calibrated, two-sided, in decades
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
    signed, is_judged, moved, is_muted, tolerance = evidence
    raw = signed.abs()
    tempered = torch.copysign(habit.tempered(raw, state), signed).masked_fill(~is_judged, 0.0)
    surprise, score = calibrate(tempered, pool.table)
    surprise, score = surprise.masked_fill(~is_judged, 0.0), score.masked_fill(~is_judged, 0.0)
    count = is_judged.sum(1)
    joint = (surprise.amax(1) - torch.log10(count.clamp_min(1).float())).clamp_min(0)
    change, change_state = bets.update(score, is_judged, moved, echo.echo_of(state), state)
    statistic = torch.stack((joint, change.statistic), 1)
    lines = pool.lines.repeat_interleave(len(joint) // len(pool.lines), 0)
    lines = lines if tolerance is None else lines * tolerance
    became, alarm_state = alarm.update(statistic, lines, count > 0, is_muted, hysteresis, state)
    sample = Sample(
        signed=tempered,
        is_counted=moved,
        score=score,
        score_before=state["last_score"],
        is_judged=count > 0,
        climb=became.climb,
        opened=became.opened,
        is_open=became.is_open,
    )
    after = {**habit.update(raw, is_judged, state), **echo.update(score, moved, state), **change_state, **alarm_state}
    return Verdict(surprise, joint, statistic / lines, change, became, sample), after
