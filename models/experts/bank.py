"""The bank of experts of a tier: what each of them forecasts, and how wrong it has been."""

from enum import StrEnum
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.column import Column, State
from models.experts.cycle import Cycle
from models.experts.direct import Direct
from models.experts.dot import dot, shares
from models.experts.levels import Levels
from models.experts.record import Record, log_errors, log_recent
from models.experts.season import Season
from models.experts.sight import Sight
from models.experts.slots import Matured, Slots
from models.experts.yule_walker import YuleWalker
from models.heads import StudentT

EXPERTS: tuple[str, ...] = ("last", "ewma32", "direct", "yule_walker", "day")
RICH_EXPERTS: tuple[str, ...] = ("ewma4", "week", "seasonal", "seasonal_change")
OWN: tuple[str, ...] = ("location", "log_scale")  # what is kept of the user's own forecast
LEVEL = "ewma32"  # the expert whose errors say how far a reading is usually from where the series has been
TOGETHER = "together"  # all of them, weighed by their errors; the last one of every bank
SHARPNESS = 8.0  # its weights fall with the eighth power of an error (research: zero-shot)
CLIP = 8.0  # of the direct inputs
FARTHEST = 1e4  # units: what an expert says beyond is as good as this
SPREADING = 0.4  # the size of a change grows like horizon ** .4


class Tier(StrEnum):
    """How much is remembered of a channel."""

    COMPACT = "compact"  # at most 1 KiB
    RICH = "rich"  # at most 8 KiB

    @property
    def limit_bytes(self) -> int:
        """Of all the state of one channel, at horizon 1."""
        return 1024 if self is Tier.COMPACT else 8192


class Views(NamedTuple):
    """What the experts say after a reading. K horizons, E experts."""

    offsets: Tensor  # (B, C, K, E) float32, forecast less the value, in units
    log_errors: Tensor  # (B, C, K, E) log of the mean absolute error, in units
    log_scores: Tensor  # (B, C, K, E + 1) log of the mean score of each distribution, the user's as the last one
    log_recent: Tensor  # (B, C, K) log of how large errors were of late, in usual ones
    experience: Tensor  # (B, C, K) about how many errors were seen
    inputs: Tensor  # (B, C, K, D) of the direct forecasts
    unit: Tensor  # (B, C, K) float32: the scale * horizon ** .4, about the size of a change


class Bank(nn.Module):
    """The experts of one tier at some horizons. Nothing here is trained; every series has its own."""

    from_now: Tensor  # (1 + K,) float32, steps: none, and each horizon
    horizon_steps: Tensor  # (K,) float32
    spreading: Tensor  # (K,)
    log_spreading: Tensor  # (K,)

    def __init__(self, tier: Tier, horizons: tuple[int, ...]) -> None:
        super().__init__()
        self.tier = tier
        self.horizons = horizons
        is_rich = tier is Tier.RICH
        self.experts = (*EXPERTS, *(RICH_EXPERTS if is_rich else ()), TOGETHER)
        self.levels = Levels()
        self.autoregression = YuleWalker()
        self.seasons = [Season("day", 24, 0), *([Season("week", 168, 1)] if is_rich else [])]
        self.cycle = Cycle() if is_rich else None
        self.direct = Direct(8 if is_rich else 5)
        self.slots = Slots(horizons, self.direct.inputs + 1 + len(self.experts) + len(OWN))
        steps = torch.tensor(horizons, dtype=torch.float32)
        self.record = Record(steps, steps**SPREADING, self.slots.pace, self.experts)
        self.register_buffer("from_now", torch.tensor((0, *horizons), dtype=torch.float32), persistent=False)
        self.register_buffer("horizon_steps", steps, persistent=False)
        self.register_buffer("spreading", steps**SPREADING, persistent=False)
        self.register_buffer("log_spreading", SPREADING * torch.log(steps), persistent=False)

    def columns(self, channels: int) -> tuple[Column, ...]:
        """Everything the experts remember of a series."""
        return (
            *self.levels.columns(channels),
            *self.autoregression.columns(channels),
            *(column for season in self.seasons for column in season.columns(channels)),
            *(self.cycle.columns(channels) if self.cycle else ()),
            *self.direct.columns(channels, len(self.horizons)),
            *self.slots.columns(channels),
            *self.record.columns(channels),
        )

    def observe(self, sight: Sight, state: State) -> tuple[Views, dict[str, Tensor]]:
        """Learn one reading a row where it is present, then forecast. -> views, and the columns but for the slots."""
        usual = torch.maximum(sight.scale, self.record.usual(self.experts.index(LEVEL), state))
        learnt = {**self.levels.learn(sight, usual, state), **self.autoregression.learn(sight, state)}
        for season in self.seasons:
            learnt.update(season.learn(sight, state))
        if self.cycle:
            learnt.update(self.cycle.learn(sight, state))
        matured = self.slots.read(sight, state)
        is_learnt = matured.is_due & sight.is_next.unsqueeze(-1)
        learnt.update(self.direct.learn(matured, is_learnt, state))
        learnt.update(self._judged(matured, is_learnt, sight, state))
        return self._views(sight, {**state, **learnt}), learnt

    def remembered(self, state: State) -> Views:
        """The views that the forecast of the next reading was made of, from what is kept until it can be judged.

        -> K = 1.
        """
        kept = state["slots"][:, :, :1]
        inputs, unit, offsets, _ = torch.split(kept, [self.direct.inputs, 1, len(self.experts), len(OWN)], -1)
        unit = unit.squeeze(-1)
        errors, log_scores = log_errors(state["errors"][:, :, :1], unit), _logs(state["scores"][:, :, :1])
        recent, experience = log_recent(state["recent"][:, :, :1]), self.record.experience(state["age"])[..., :1]
        return Views(offsets, errors, log_scores, recent, experience, inputs, unit)

    def usual(self, state: State) -> Tensor:
        """What the season of the day expects of the next reading, less the last value. -> (B, C), 0 at first."""
        kept, day = state["slots"][:, :, 0], self.direct.inputs + 1 + self.experts.index("day")
        return kept[..., day] * kept[..., self.direct.inputs]

    def settle(self, sight: Sight, views: Views, own: StudentT, state: State) -> dict[str, Tensor]:
        """Keep what was forecast until it can be judged. own: (B, C, K) each, the user's own forecast, in units."""
        unit, kept_of_own = views.unit.unsqueeze(-1), [part.unsqueeze(-1) for part in (own.location, own.log_scale)]
        return self.slots.write(sight, torch.cat((views.inputs, unit, views.offsets, *kept_of_own), -1), state)

    def _judged(self, matured: Matured, is_learnt: Tensor, sight: Sight, state: State) -> dict[str, Tensor]:
        """The records after what has matured."""
        unit = matured.kept[..., self.direct.inputs]
        said = matured.kept[..., self.direct.inputs + 1 : -1] * unit.unsqueeze(-1)
        error = matured.moved.unsqueeze(-1) - said
        return self.record.learn(error, matured.kept[..., -1], unit, is_learnt, sight, state)

    def _views(self, sight: Sight, state: State) -> Views:
        unit = sight.scale.unsqueeze(-1) * self.spreading
        levels = state["levels"]
        shape = (*sight.scale.shape, len(self.horizons))
        seasons = [season.seasonal(sight, state, self.from_now) for season in self.seasons]
        of_seasons, changes = [usual for usual, _ in seasons], [change for _, change in seasons]
        moves = [sight.difference, *levels.unbind(-1)]
        further = []
        if self.cycle:
            seasonal, change = self.cycle.seasonal(sight, state, self.horizon_steps)
            moves.append(state["lags"][..., 1] * sight.scale)
            changes.append(change)
            further = [levels[..., 0].unsqueeze(-1).expand(shape), of_seasons[1], seasonal, change]
        inputs = torch.stack([*(move.unsqueeze(-1).expand(shape) for move in moves), *changes], -1)
        inputs = (inputs / unit.unsqueeze(-1)).clamp(-CLIP, CLIP)
        offsets = torch.stack(
            [
                torch.zeros_like(unit),
                levels[..., 1].unsqueeze(-1).expand(shape),
                self.direct.offsets(inputs, unit, state),
                self.autoregression.offsets(sight, state, self.horizons),
                of_seasons[0],
                *further,
            ],
            dim=-1,
        )
        errors = log_errors(state["errors"], unit)
        offsets = (offsets / unit.unsqueeze(-1)).clamp(-FARTHEST, FARTHEST)
        together = dot(shares_by_errors(errors[..., :-1]), offsets)
        offsets = torch.cat((offsets, together.unsqueeze(-1)), -1)
        recent, experience = log_recent(state["recent"]), self.record.experience(sight.age)
        return Views(offsets, errors, _logs(state["scores"]), recent, experience, inputs, unit)


def shares_by_errors(log_errors: Tensor) -> Tensor:
    """What each expert has in all of them together. (..., E) of those alone -> (..., E), sum 1."""
    return shares(log_errors * -SHARPNESS)


def _logs(scores: Tensor) -> Tensor:
    """Their logarithms, 0 where there is none yet. (...) -> (...)."""
    return torch.log(scores).nan_to_num(nan=0.0)
