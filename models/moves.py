"""The moves of a channel: how many readings move it, how far, whether to where it has not just been; and its absence.

A forecast distribution is smooth, so it has no likelihood for a channel that mostly stays where it is: a command, a
state, a count that is mostly zero. What is usual of such a channel is told by its own moves.
"""

import torch
from torch import Tensor

from models.column import Column, State

SLOWEST = 1 / 16_384  # rate of the shares: a valve that moves once in some thousand readings is no news each time
NEWEST_STRIDES = 1 / 32  # rate of the mean size of a move, per move
CLIP = 5.0  # strides that one move counts for at most
CALM = 19.0  # readings that never moved, by which a channel's share of fresh moves begins
LIVELY = 0.1  # share of readings with a value that is new, from which on a channel is judged by its forecast alone
FIRST = 2.0  # a first move after n readings is as rare as ``n ** -2``
USUAL_STRIDES, DECAY = 2.0, 4.0  # a move of x strides, beyond the usual, is as rare as ``(x / 2) ** -4``


def columns(channels: int) -> tuple[Column, ...]:
    """Shares of the readings that moved, and that moved to a value other than the one before; moves; absence."""
    shape = (channels,)
    return (
        Column("move_rate", torch.float32, shape, initial=1.0),
        Column("fresh_rate", torch.float32, shape),  # a channel is lively once it has shown so
        Column("stride", torch.float32, shape),  # mean size of a move, 0 before the first
        Column("last_move", torch.float32, shape),
        Column("away", torch.float32, shape),  # steps since its newest value, up to the newest reading
    )


def liveliness(state: State) -> Tensor:
    """How far a channel is an analog one, 0 to 1: 0 for constants, for commands, for what hardly moves. -> (B, C)."""
    return (state["fresh_rate"] / LIVELY).clamp_max(1.0).square()


def tempered(surprise: Tensor, values: Tensor, steps: Tensor, state: State) -> Tensor:
    """No more surprise than the channel's own moves account for, where it is none that is lively. -> (B, C).

    A move has ``p = rate of moves * elapsed steps * tail of its size``; to stay is no surprise at all. The first move
    ever, after n readings, has ``p = n ** -2``: a coarse sensor makes it soon, and what has stood still for long should
    not. surprise, steps: (B, C), values: (B, C) float64.
    """
    size = (values - state["last"]).float().abs()
    stride = state["stride"]
    far = torch.log10((size / (stride * USUAL_STRIDES)).clamp(1.0, 1e30)) * DECAY
    usual = (far - torch.log10((state["move_rate"] * steps).clamp_max(1.0))).masked_fill(size == 0, 0.0)
    usual = torch.minimum(surprise, torch.where(stride > 0, usual, torch.log10(state["age"].clamp_min(1.0)) * FIRST))
    lively = liveliness(state)
    either = torch.minimum(surprise - torch.log10(lively), usual - torch.log10(1 - lively))
    return torch.minimum(surprise, either)


def update(values: Tensor, seen: Tensor, steps: Tensor, state: State) -> dict[str, Tensor]:
    """Learn one reading a row where ``seen``. values: (B, C) float64, seen: (B, C), steps: (B,) -> the columns."""
    age, stride = state["age"], state["stride"]
    move = (values - state["last"]).float()
    is_move = seen & (age > 0) & (move != 0)
    is_none = ~seen | (age == 0)
    rate = (age + 1).reciprocal().clamp_min(SLOWEST).masked_fill(is_none, 0.0)
    of_fresh = (age + CALM).reciprocal().clamp_min(SLOWEST).masked_fill(is_none, 0.0)
    size = torch.minimum(move.abs(), torch.where(stride > 0, stride * CLIP, torch.inf))
    per_move = (state["move_rate"] * age).clamp_min(1.0).reciprocal().clamp_min(NEWEST_STRIDES)
    return {
        "move_rate": torch.lerp(state["move_rate"], is_move.float(), rate),
        "fresh_rate": torch.lerp(state["fresh_rate"], (is_move & (move != -state["last_move"])).float(), of_fresh),
        "stride": torch.where(is_move, torch.lerp(stride, size, per_move), stride),
        "last_move": torch.where(is_move, move, state["last_move"]),
        "away": (state["away"] + steps.unsqueeze(1)).masked_fill(seen, 0.0),
    }
