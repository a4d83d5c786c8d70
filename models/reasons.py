"""The reasons of alarms: which channel, which bet, whom its forecast had trusted, worked out where one opens alone."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from models import tempo
from models.alarm import CHANGE
from models.calibration import joint
from models.cells import padded_rows
from models.column import State
from models.forecasters import Forecaster
from models.outcome import Outcome

NO_BET = -1


class Reasons(NamedTuple):
    """Why alarms opened: one row an alarm. A alarms, E experts of the forecaster."""

    at: Tensor  # (A,) int64, the row of the reading; from a scorer its number
    kind: Tensor  # (A,) int64
    shares: Tensor  # (A, C) of what this kind of alarm is made of, sum 1
    channel: Tensor  # (A,) int64, the one with the largest share
    bet: Tensor  # (A,) int64, a number in `bets.BETS`; `NO_BET` of a spike
    off_day: Tensor  # (A,) how far above the pattern of the day that channel has been of late, in its unit
    since: Tensor  # (A,) readings, this one included, for which the bet has been winning; 1 of a spike
    trust: Tensor  # (A, E) what each expert had in the forecast of that channel
    memory_seconds: Tensor  # (A,) after which, without a reading, half of what the cell remembers has faded


def reasons(outcome: Outcome, before: State, forecaster: Forecaster) -> Reasons:
    """Why alarms opened at one reading a row, where one did. ``before``: the state that it was judged by.

    The rows are padded to a size of the ladder, so that no bit depends on who else opened one.
    """
    row, kind = outcome.opened.nonzero().unbind(1)
    at = torch.nn.functional.pad(row, (0, padded_rows(len(row)) - len(row)))
    state = {name: column.index_select(0, at) for name, column in before.items()}
    is_change = (kind == CHANGE).unsqueeze(1)
    decades = torch.where(is_change, outcome.change_decades[row], outcome.evidence[row])
    channel = decades.argmax(1)
    here = torch.arange(len(row), device=row.device), channel
    seconds = tempo.interval_seconds(state)[: len(row)] * forecaster.half_life_steps()
    return Reasons(
        at=row,
        kind=kind,
        shares=joint.shares(decades),
        channel=channel,
        bet=outcome.bet[row][here].masked_fill(kind != CHANGE, NO_BET),
        off_day=state["hour_gap"][: len(row)][here],
        since=outcome.since[row][here].masked_fill(kind != CHANGE, 1.0),
        trust=forecaster.trust(state)[here],
        memory_seconds=seconds.masked_fill(seconds <= 0, math.inf),
    )
