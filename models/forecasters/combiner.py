"""The combiner: online experts, weighed, corrected and given a spread by a network, or by their errors alone."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from typing_extensions import override

from models import scaler
from models.column import Column, State
from models.experts.bank import Bank, Views, shares_by_errors
from models.experts.dot import shares
from models.experts.record import FREEDOM, LEAST, MOST, log_errors, spread_of
from models.experts.sight import Sight
from models.experts.yule_walker import ORDER
from models.forecasters.forecaster import Forecaster, Moment
from models.forecasters.network import Network, Sighted
from models.forecasters.panel import heard, log_shares, mixed
from models.heads import StudentT, squash

UNSETTLED = 0.4  # what the spread of a moment has in that by which a reading is judged; the rest is the usual one
FEWEST = 24.0  # readings, of whose errors nothing can be called usual yet
UNKNOWN = torch.tensor([0.0, 0.0, FREEDOM])  # the forecast before the first reading


class Observation(NamedTuple):
    """All that a network learns of a reading."""

    features: Tensor  # (B, C, F)
    sighted: Sighted


class Combiner(Forecaster):
    """A bank of experts with a network on top; without one, the experts alone.

    A panel mixes the network's forecast with the experts' by how well each has forecast, so that no series loses much
    by a network that does not know its kind, nor by experts that together are worse than the best of them.
    """

    has_season = True
    log_horizon: Tensor  # (K,)

    def __init__(self, bank: Bank, network: Network | None) -> None:
        super().__init__()
        if bank.horizons[0] != 1:
            raise ValueError(f"horizons: Expected 1 as the first one, got {bank.horizons}")
        self.bank = bank
        self.tier = bank.tier
        self.network = network
        self.horizons = bank.horizons
        self.experts = bank.experts[:-1]
        self.register_buffer("log_horizon", torch.log(bank.horizon_steps), persistent=False)

    @override
    def at(self, horizons: tuple[int, ...]) -> "Combiner":
        return Combiner(Bank(self.tier, horizons), self.network)

    @override
    def parts(self, channels: int) -> dict[str, tuple[Column, ...]]:
        shapes = self.network.state_shapes(channels) if self.network else {}
        hidden = tuple(Column(name, torch.float32, shape) for name, shape in shapes.items())
        forecast = Column("forecast", torch.float32, (channels, len(self.horizons), 3), initial=UNKNOWN)
        return {"experts": self.bank.columns(channels), "cell": hidden, "forecast": (forecast,)}

    @override
    def usual(self, state: State) -> Tensor:
        return self.bank.usual(state)

    @override
    def ahead(self, state: State) -> StudentT:
        return StudentT(*state["forecast"].unbind(-1))

    @override
    def calm(self, forecast: StudentT, scale: Tensor, state: State) -> StudentT:
        usual = spread_of(log_errors(state["errors"][:, :, 0, -1:], scale)).squeeze(-1)
        moment = (state["age"] <= FEWEST).float().clamp_min(UNSETTLED)
        return StudentT(
            forecast.location,
            torch.lerp(usual, forecast.log_scale, moment),
            torch.lerp(torch.full_like(forecast.freedom, FREEDOM), forecast.freedom, moment),
        )

    @override
    def trust(self, state: State) -> Tensor:
        views = self.bank.remembered(state)
        sighted = self._sighted(views)._replace(log_horizon=self.log_horizon[:1])
        hidden = self.network.last_hidden(state) if self.network else None
        if self.network is None or hidden is None:
            share = shares(sighted.log_shares)
        else:
            panel, own = heard(views), self.network.weights(hidden.expand(*state["age"].shape, -1), sighted)
            share = panel[..., :-1] + panel[..., -1:] * own
        by_errors = shares_by_errors(views.log_errors[..., :-1])  # all of them together are each of them in part
        return (share[..., :-1] + share[..., -1:] * by_errors)[:, :, 0]

    @override
    def half_life_steps(self) -> float:
        return self.network.cell.half_life_steps() if self.network else math.inf

    @override
    def advance(self, moment: Moment, state: State) -> dict[str, Tensor]:
        sight = Sight.of(*moment, state)
        views, learnt = self.bank.observe(sight, state)
        after = {**state, **learnt}
        own, hidden = self._own(moment, sight, views, after)
        forecast = mixed(own, views) if self.network else own
        learnt.update(self.bank.settle(sight, views, own, state))
        in_scales = StudentT(
            forecast.location * self.bank.spreading,
            forecast.log_scale + self.bank.log_spreading,
            forecast.freedom,
        )
        is_stepped = moment.present.any(1)
        stepped = torch.where(is_stepped[:, None, None, None], torch.stack(in_scales, -1), state["forecast"])
        return {**learnt, **hidden, "forecast": stepped}

    def observation(self, moment: Moment, sight: Sight, views: Views, state: State) -> Observation:
        """What the network is fed of a reading that the bank has observed."""
        sighted = self._sighted(views)
        return Observation(features(moment, sight, sighted, state), sighted)

    def _sighted(self, views: Views) -> Sighted:
        errors = views.log_errors.clamp(LEAST, MOST)
        return Sighted(views.offsets, errors, self.log_horizon, log_shares(views), views.log_recent)

    def _own(self, moment: Moment, sight: Sight, views: Views, state: State) -> tuple[StudentT, dict[str, Tensor]]:
        network = self.network
        if network is None:
            return self.free(views), {}
        observation = self.observation(moment, sight, views, state)
        before = {name: state[name] for name in network.cell.state_shapes}
        hidden, after = network.step(observation.features, before, moment.steps, moment.present.any(1))
        return network.forecast(hidden, observation.sighted), after

    def free(self, views: Views) -> StudentT:
        """What the experts forecast without a network, in units. -> (B, C, K) each."""
        return self._sighted(views).together()


def feature_count(experts: int) -> int:
    """Features of one channel that `features` makes."""
    return ORDER + 5 + 5 + (experts - 1) + experts + 7


def features(moment: Moment, sight: Sight, sighted: Sighted, state: State) -> Tensor:
    """What the cell is fed: recent moves, levels, the experts and their errors, time and context. -> (B, C, F)."""
    scale = sight.scale
    gaps = torch.stack((state["near_gap"], state["far_gap"]), -1)
    moves = torch.cat((state["levels"], gaps), -1) / scale.unsqueeze(-1)
    squashed = squash(torch.cat((state["lags"], moves, sighted.offsets[..., 0, 1:]), -1))
    first = ORDER + moves.shape[-1]  # of the experts' offsets
    weight = moment.present.float()
    weighted = squash(moment.difference / scale) * weight
    of_all = torch.stack((weighted, weighted.abs()), -1).sum(1) / weight.sum(1, keepdim=True).clamp_min(1)  # (B, 2)
    size = (sight.last / scale).float()
    of_channel = torch.stack(
        (
            torch.log(state["slow_scale"].clamp_min(scaler.TINY) / scale).clamp(-4, 4),
            torch.log1p(sight.age) / 8,
            1 - weight,
            state["still"],
            torch.log1p(size.abs()) * torch.sign(size) / 8,
        ),
        dim=-1,
    )
    angle = moment.calendar * (2 * math.pi)
    of_row = torch.cat((torch.log1p(moment.steps).unsqueeze(-1), of_all, torch.sin(angle), torch.cos(angle)), -1)
    return torch.cat(
        (
            squashed[..., :first],
            of_channel,
            squashed[..., first:],
            sighted.log_errors[..., 0, :] / 2,
            of_row.unsqueeze(1).expand(*scale.shape, -1),
        ),
        dim=-1,
    )
