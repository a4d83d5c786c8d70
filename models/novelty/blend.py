"""The blend that ranks: the parts of novelty, over the channels of a reading, in one number."""

from collections.abc import Collection
from enum import IntEnum

import torch
from torch import Tensor, nn

from models.column import Column, State
from models.experts.bank import Tier
from models.experts.dot import dot, total
from models.novelty import normal, restlessness, surge
from models.novelty.glance import SLOWEST, Glance, Noticed, kept
from models.novelty.legendre import Legendre
from models.novelty.prototypes import Prototypes
from models.novelty.readout import Readout

MOST = 20.0  # that a part of the whole vector is at most
MIDDLE = 8.0  # what the parts come to where novelty is one half: twice what is usual of each, cubed
YOUNG = 512.0  # readings that a mean of one counts for, of what is usual of a part
LEAST_USUAL = 0.02
LEAST_WEIGHT = 1e-6
MOST_SURPRISE = 2.5  # decades: how often readings are improbable counts for more than how much one is
SETTLING = 16.0  # readings after which novelty is half of what it would be of a series that is known


class Part(IntEnum):
    """What novelty is made of. Each is one number a channel."""

    MOVES = 0  # sizes of the moves of late
    SEASON = 1  # distances from the season of the day of late
    SPREAD = 2  # deviation of late
    MEMORY = 3  # distance of the recent past from all that it has looked like
    READOUT = 4  # errors of late of a nonlinear forecast, of the rich tier alone

    @staticmethod
    def of(tier: Tier) -> "tuple[Part, ...]":
        """The parts that a tier has."""
        return tuple(part for part in Part if part is not Part.READOUT or tier is Tier.RICH)


WEIGHTS = {  # of a channel that is alone, and what it comes to of very many: chosen as decision 31 says
    Part.MOVES: (0.0, 1.0),
    Part.SEASON: (0.05, 0.5),
    Part.SPREAD: (1.0, 1.0),
    Part.MEMORY: (1.0, 0.0),
    Part.READOUT: (1.0, 0.5),
}


class Novelty(nn.Module):
    """``x / (x + 8)`` of ``x``, a mean of ``(p_i / u_i)^3``: a cube lets the surest speak, and adds up two that agree.

    A part ``p_i`` of the vector is the weighted mean over its channels, root mean square from the memory on: dozens of
    small distances mean nothing. ``u_i`` is its mean over the life of the series: a part that is often large is one
    that means little here. It is no quantile of the recent past: what adapts so fast forgets an incident before it is
    over, and ranks its second half as normal.

    The weights in that mean go from those of one analog channel to those of many as the variance of a mean does, by
    ``1 / n``: what a few readings of one channel say is noise, and of dozens together it is not.
    """

    alone: Tensor  # (P,) weights
    among_many: Tensor  # (P,)

    def __init__(self, tier: Tier = Tier.COMPACT, left_out: Collection[Part] = ()) -> None:
        """``left_out``: parts that have no say, to measure what they are worth. They are learnt all the same."""
        super().__init__()
        self.past = Legendre()
        self.prototypes = Prototypes(self.past.order)
        self.readout = Readout(self.past.order) if tier is Tier.RICH else None
        self.parts = Part.of(tier)
        weights = torch.tensor([(0.0, 0.0) if part in left_out else WEIGHTS[part] for part in self.parts])
        self.register_buffer("alone", weights[:, 0].clone(), persistent=False)
        self.register_buffer("among_many", weights[:, 1].clone(), persistent=False)

    def columns(self, channels: int) -> tuple[Column, ...]:
        """Everything that novelty remembers of a series."""
        return (
            *normal.columns(channels),
            *restlessness.columns(channels),
            *self.past.columns(channels),
            *self.prototypes.columns(channels),
            *(self.readout.columns(channels) if self.readout else ()),
            *surge.columns(channels),
            Column("novelty_usual", torch.float32, (len(self.parts),), initial=1.0),
        )

    def step(self, glance: Glance, state: State) -> tuple[Noticed, dict[str, Tensor]]:
        """Notice and learn one reading a row, before the scaler has learnt it."""
        difference = glance.difference(state)
        standing, learnt = normal.learn(difference, state)
        restless, of_moves = restlessness.learn(glance, difference, state)
        past = self.past.learn(standing.place, state)
        distance, of_memory = self.prototypes.learn(past, state)
        sizes = torch.cat((restless.size, glance.surprise.clamp_max(MOST_SURPRISE).unsqueeze(-1)), -1)
        surged, of_records = surge.learn(standing.off, standing.rise, sizes, glance.present, glance.is_called, state)
        each = [*restless.ratio.unbind(-1), standing.spread, distance]
        columns = {**learnt, **of_moves, "past": past, **of_memory}
        if self.readout:
            error, of_readout = self.readout.learn(standing.place, state)
            each.append(error)
            columns.update(of_readout)
        parts = torch.stack(each, -1)
        novelty, usual = self._blended(parts, glance, state)
        noticed = Noticed(novelty, surged, parts)
        return noticed, {**kept(glance.present, columns, state), **of_records, "novelty_usual": usual}

    def _blended(self, parts: Tensor, glance: Glance, state: State) -> tuple[Tensor, Tensor]:
        """parts: (B, C, P) -> novelty (B,), and what is usual of each part after it (B, P)."""
        seen = parts.masked_fill(~glance.present.unsqueeze(-1), 0.0)
        by_part = torch.cat((seen[..., : Part.MEMORY], seen[..., Part.MEMORY :].square()), -1)
        mean = total((by_part * glance.weight.unsqueeze(-1)).transpose(1, 2))  # (B, P)
        mean = torch.cat((mean[:, : Part.MEMORY], mean[:, Part.MEMORY :].sqrt()), -1).clamp_max(MOST)
        usual = state["novelty_usual"]
        ratio = mean / usual.clamp_min(LEAST_USUAL)
        weights = torch.lerp(self.among_many, self.alone, glance.lively.clamp_min(1.0).reciprocal().unsqueeze(-1))
        size = dot(ratio * ratio * ratio, weights) / total(weights).clamp_min(LEAST_WEIGHT)
        age = state["age"].amax(1)
        rate = (age + YOUNG).reciprocal().clamp_min(SLOWEST) * glance.present.any(1)
        novelty = size / (size + MIDDLE) * (age / (age + SETTLING))
        return novelty, torch.lerp(usual, mean, rate.unsqueeze(-1))
