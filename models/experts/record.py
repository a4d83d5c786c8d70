"""The record of each expert: how wrong it has been, and how good the distribution around what it said."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.column import Column, State
from models.experts.sight import Sight

SLOWEST_ERROR, SLOWEST_SCORE = 0.012, 0.005  # rates at which either is forgotten, per error
NEWCOMER = "day"  # the expert that has nothing to say of its own before the first day is over
BEFORE = 4.0  # errors that its record of until then counts as
FEWEST = 3.0  # readings that a forecast was made after, for its score to count: before, a scale is next to unknown
LATELY = 0.33  # the rate at which it is forgotten how large errors were of late
UNREST = 0.15  # the power of that, in usual errors, in the spread of a moment
LEAST_RECENT = 0.05  # usual errors
LARGEST_ERROR = 20.0  # scales, or usual errors: an outlier must not decide for long whom to trust
LEAST, MOST = -3.0, 5.0  # log errors, in units, that a spread is made of
NARROWNESS = 0.9  # of a spread in a mean absolute error
FREEDOM = 5.0  # of the Student-t around what an expert says


class Record(nn.Module):
    """Running means over the forecasts whose readings have come: of the absolute error of each expert, and of a score.

    The score is that of the expert's whole distribution and of its user's, who is the last one. So it tells apart who
    is right on average from who knows when he is wrong. Of the day's expert both begin anew when the first day is over.
    A mean of scores begins with the first forecast that knows a scale: one that takes the value for it would outweigh
    a thousand that follow.
    """

    horizon_steps: Tensor  # (K,) float32
    spreading: Tensor  # (K,)
    pace: Tensor  # (K,) errors learnt a reading
    largest_score: Tensor  # (K,) scales, or usual scores
    is_newcomer: Tensor  # (E + 1,) bool

    def __init__(self, horizon_steps: Tensor, spreading: Tensor, pace: Tensor, experts: Sequence[str]) -> None:
        """``pace``: errors learnt a reading, of each horizon; ``experts``: all of them together are the last one."""
        super().__init__()
        self.experts = len(experts)
        self.register_buffer("is_newcomer", torch.tensor([*(e == NEWCOMER for e in experts), False]), persistent=False)
        self.register_buffer("horizon_steps", horizon_steps, persistent=False)
        self.register_buffer("spreading", spreading, persistent=False)
        self.register_buffer("pace", pace, persistent=False)
        self.register_buffer("largest_score", LARGEST_ERROR * horizon_steps.sqrt(), persistent=False)

    def columns(self, channels: int) -> tuple[Column, ...]:
        """Errors and scores in raw units, NaN where there is none yet, and the errors of late in usual ones."""
        shape = (channels, len(self.horizon_steps))
        return (
            Column("errors", torch.float32, (*shape, self.experts), initial=float("nan")),
            Column("scores", torch.float32, (*shape, self.experts + 1), initial=float("nan")),
            Column("recent", torch.float32, shape, initial=1.0),
        )

    def experience(self, age: Tensor) -> Tensor:
        """About how many errors were seen at this age. (B, C) -> (B, C, K)."""
        return ((age.unsqueeze(-1) - self.horizon_steps) * self.pace).clamp_min(0)

    @staticmethod
    def usual(expert: int, state: State) -> Tensor:
        """The mean absolute error of one expert at the first horizon, 0 where there is none yet. -> (B, C)."""
        return state["errors"][:, :, 0, expert].nan_to_num(nan=0.0)

    def learn(
        self, error: Tensor, log_spread: Tensor, unit: Tensor, is_learnt: Tensor, sight: Sight, state: State
    ) -> dict[str, Tensor]:
        """Take in the errors of all experts and of their user, whose own spread is given.

        error: (B, C, K, E + 1) raw, log_spread: (B, C, K) in units, unit, is_learnt: (B, C, K).

        The scale alone is no measure of an outlier: where a series stands still for most of the time, it says nothing
        of the moves that keep coming. What is usual of the errors, and of the scores, of all experts together does. A
        score may be the larger the further the horizon: who lost in a burst is judged there once in many readings.
        """
        errors, scores, size = state["errors"], state["scores"], error.abs()
        scale = torch.minimum(unit, sight.scale.unsqueeze(-1) * self.spreading)
        log_spreads = torch.cat((spread_of(log_errors(errors, unit)), log_spread.unsqueeze(-1)), -1)
        score = laplace_crps(size, torch.exp(log_spreads) * unit.unsqueeze(-1))
        share = self._share(sight)
        is_scored = is_learnt & (sight.age.unsqueeze(-1) - self.horizon_steps >= FEWEST)
        error = _clipped(size[..., :-1], scale, errors[..., -1], LARGEST_ERROR)
        score = _clipped(score, scale, scores[..., -2], self.largest_score)
        return {
            "recent": _recent(size[..., -2], errors[..., -1], is_learnt, state["recent"]),
            "errors": _mean(errors, error, share[..., :-1].clamp_min(SLOWEST_ERROR), is_learnt),
            "scores": _mean(scores, score, share.clamp_min(SLOWEST_SCORE), is_scored),
        }

    def _share(self, sight: Sight) -> Tensor:
        """What one error is of a plain mean of all that count. -> (B, C, K, E + 1)."""
        share = (self.experience(sight.age - 1) + 1).reciprocal()
        since = (sight.age - sight.pace[:, :1].reciprocal()).unsqueeze(-1)  # the first day, readings
        anew = torch.maximum((since * self.pace + BEFORE).reciprocal().masked_fill(since < 0.5, 0.0), share)
        return torch.where(self.is_newcomer, anew.unsqueeze(-1), share.unsqueeze(-1))


def _recent(size: Tensor, usual: Tensor, is_learnt: Tensor, before: Tensor) -> Tensor:
    """How large the errors of all experts together were of late, in usual ones. (B, C, K) each."""
    news = torch.lerp(before, (size / usual).clamp_max(LARGEST_ERROR), LATELY)
    return torch.where(is_learnt & (usual > 0), news, before)


def log_recent(recent: Tensor) -> Tensor:
    """Its logarithm, as spreads and a network see it. (...) -> (...)."""
    return torch.log(recent.clamp_min(LEAST_RECENT))


def log_errors(errors: Tensor, unit: Tensor) -> Tensor:
    """errors: (..., E) raw, unit: (...) -> the logarithm of each in units, 0 where there is none yet."""
    return torch.log(errors / unit.unsqueeze(-1)).clamp(-12, 12).nan_to_num(nan=0.0)


def spread_of(log_errors: Tensor) -> Tensor:
    """The logarithm of the usual spread around what an expert says, in units. (...) -> (...)."""
    return log_errors.clamp(LEAST, MOST) + math.log(NARROWNESS)


def spread_at(log_errors: Tensor, log_recent: Tensor) -> Tensor:
    """That of a moment, which is wider where errors of late were large. (...) twice -> (...)."""
    return spread_of(log_errors) + UNREST * log_recent


def laplace_crps(size: Tensor, spread: Tensor) -> Tensor:
    """``|e| + b exp(-|e| / b) - 3 b / 4``: the CRPS of a Laplace distribution (Jordan et al., 2019, scoringRules).

    It stands for that of Student's t, which takes several special functions and ranks alike.
    """
    return size + spread * (torch.exp(-size / spread) - 0.75)


def _clipped(news: Tensor, scale: Tensor, usual: Tensor, most: float | Tensor) -> Tensor:
    """At most so many times the scale, or what is usual, NaN where nothing is. (B, C, K, N), (B, C, K) twice, (K,)."""
    limit = torch.maximum(scale, usual.nan_to_num(nan=0.0)) * most
    return torch.minimum(news, limit.unsqueeze(-1))


def _mean(before: Tensor, news: Tensor, rate: Tensor, is_learnt: Tensor) -> Tensor:
    """The running mean of each, which begins with the first. (B, C, K, N) three times, (B, C, K) -> (B, C, K, N)."""
    mean = torch.lerp(torch.where(before.isnan(), news, before), news, rate)
    return torch.where(is_learnt.unsqueeze(-1), mean, before)
