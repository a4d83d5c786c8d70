"""A season of any length: its period found online, and the values one period ago."""

import torch
from torch import Tensor, nn

from models.column import Column, State
from models.experts.sight import Sight

LONGEST = 336  # readings: two weeks of hours, more than a day of five minutes
SHORTEST = 4
FASTEST = 1 / 128  # rate of a lag's error: of white noise, no lag seems better than another for long
FEWEST = 48  # errors before a lag may be a period
CLEAR = 0.8  # of the error at half the lag: only a period that beats it is one
BINS = 24  # of the expert of the day: where a day has no more readings than that, it tells them apart
RING = LONGEST + 1  # the value a longest period ago is still there when the newest one is
PENALTY = 0.04  # of the ratio, for every doubling of the period: a multiple of a period is one too


class Cycle(nn.Module):
    """``e_c += min(.5 / c, 1 / 128) (|y_t - y_{t-c}| - e_c)`` for every lag ``c``.

    A period has the smallest ``e_c / e_{c/2}``. Until it can be told of a day whether it is one, it is taken for it.
    """

    lags: Tensor  # (L,) 1 ... LONGEST
    rates: Tensor  # (L,)
    halves: Tensor  # (L,) index of half the lag
    penalties: Tensor  # (L,)

    def __init__(self) -> None:
        super().__init__()
        lags = torch.arange(1, LONGEST + 1)
        penalties = PENALTY * torch.log2(lags.float())
        penalties[: SHORTEST - 1] = torch.inf
        self.register_buffer("lags", lags, persistent=False)
        self.register_buffer("rates", (0.5 / lags).clamp_max(FASTEST), persistent=False)
        self.register_buffer("halves", (lags // 2 - 1).clamp_min(0), persistent=False)
        self.register_buffer("penalties", penalties, persistent=False)

    def columns(self, channels: int) -> tuple[Column, ...]:
        """The values of the longest period as a ring, where in it the newest lies, the error at every lag, the period.

        The period is 0 where none is clear.
        """
        return (
            Column("ring", torch.float64, (channels, RING), initial=float("nan")),
            Column("ring_newest", torch.int32, (channels,)),
            Column("lag_error", torch.float32, (channels, LONGEST)),
            Column("period", torch.int32, (channels,)),
        )

    def learn(self, sight: Sight, state: State) -> dict[str, Tensor]:
        """Take in one reading a row."""
        ring, newest = state["ring"], (state["ring_newest"].long() + sight.present).unsqueeze(-1) % RING
        then = ring.gather(-1, (newest - self.lags) % RING)  # (B, C, L): by lag
        error = (sight.last.unsqueeze(-1) - then).abs().float()
        known = state["lag_error"]
        is_known = ~error.isnan()
        errors = sight.age.unsqueeze(-1) - self.lags  # seen, at each lag
        rate = torch.maximum(self.rates, errors.clamp_min(1).reciprocal())
        learnt = torch.where(is_known & sight.present.unsqueeze(-1), torch.lerp(known, error, rate), known)
        half = learnt.index_select(-1, self.halves)
        ratio = (learnt / half.clamp_min(1e-30)).masked_fill(errors < self.lags.clamp_min(FEWEST), torch.inf)
        score, best = (ratio + self.penalties).min(-1)
        is_clear = ratio.gather(-1, best.unsqueeze(-1)).squeeze(-1) < CLEAR
        period = torch.where(is_clear & score.isfinite(), (best + 1).float(), self._first_guess(sight))
        return {
            "ring": torch.where(sight.present.unsqueeze(-1), ring.scatter(-1, newest, sight.last.unsqueeze(-1)), ring),
            "ring_newest": newest.squeeze(-1).int(),
            "lag_error": learnt,
            "period": period.int(),
        }

    def _first_guess(self, sight: Sight) -> Tensor:
        """A day, from its end on and as long as nobody knows better, where it has many readings; else 0. -> (B, C)."""
        day = sight.pace[:, :1].reciprocal().round()
        is_guessed = (day > BINS) & (day <= LONGEST) & (sight.age > day) & (sight.age - day < day.clamp_min(FEWEST))
        return day.masked_fill(~is_guessed, 0.0)

    def seasonal(self, sight: Sight, state: State, horizons: Tensor) -> tuple[Tensor, Tensor]:
        """The value a period before each horizon, less the value, and its change over the horizon. -> (B, C, K) twice.

        horizons: (K,) steps. Zero where there is no period.
        """
        period = state["period"].long().unsqueeze(-1)
        steps = horizons.long()
        whole = period.clamp_min(1)
        back = whole * (-(-steps // whole)) - steps  # (B, C, K): 0 where the horizon is a whole number of periods
        newest = state["ring_newest"].long().unsqueeze(-1)
        has_period = period > 0
        at = state["ring"].gather(-1, (newest - back) % RING)
        before = state["ring"].gather(-1, (newest - whole) % RING)
        last = sight.last.unsqueeze(-1)
        ahead = (at - last).float()
        return (
            torch.nan_to_num(ahead).masked_fill(~has_period, 0.0),
            torch.nan_to_num((at - before).float()).masked_fill(~has_period, 0.0),
        )
