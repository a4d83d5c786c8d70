"""The outcome of a step: what the detector says of one reading a row."""

from typing import NamedTuple

import torch
from torch import Tensor

from models.alarm import KINDS
from models.calibration.pool import Sample
from models.column import Column


class Outcome(NamedTuple):
    """The verdict on one reading a row. NaN where a channel is absent or has no forecast yet."""

    value: Tensor  # (B, C) float64, as judged: after the transform
    forecast: Tensor  # (B, C) float64, made before the reading
    spread: Tensor  # (B, C) float32, of the forecast, in the unit of the value
    freedom: Tensor  # (B, C) float32, degrees of freedom
    half_band: Tensor  # (B, C) float32, half the width of the band, in the unit of the value
    raw_surprise: Tensor  # (B, C) float32, -log10 of the p-value by the calm forecast
    surprise: Tensor  # (B, C) float32, -log10 of the calibrated p-value
    signed: Tensor  # (B, C) float32, raw surprise in the channel's own tail, negative below the forecast
    score: Tensor  # (B, C) float32, normal: calibrated, negative below the forecast
    score_before: Tensor  # (B, C) that of the reading before
    is_judged: Tensor  # (B, C) present, and forecast
    has_scale: Tensor  # (B, C) judged, by a scale of its own moves and not by a guess
    moved: Tensor  # (B, C) of those, not the value before once more
    evidence: Tensor  # (B, C) surprise that may alarm, less the price of looking at so many channels; or -inf
    joint_surprise: Tensor  # (B,) of the reading: the largest evidence, whatever the rules, at least 0
    anomaly_score: Tensor  # (B,) the largest ratio: 1 is the line
    ratios: Tensor  # (B, K) of each kind's statistic to its line
    novelty: Tensor  # (B,) how unlike what is usual, 0…1, for ranking: it has no line
    surge: Tensor  # (B,) how many times beyond its own record, or a change called: 0 but at a peak, each incident once
    change_decades: Tensor  # (B, C) of what each channel has staked on its having changed, by its weight
    bet: Tensor  # (B, C) int64, which bet on a change leads: a number in `bets.BETS`
    since: Tensor  # (B, C) readings since that stake was last as good as nothing
    climb: Tensor  # (B, K, 2) the largest statistic of a kind since it was calm: before and after the reading
    opened: Tensor  # (B, K) an alarm of this kind opened at this reading
    closed: Tensor  # (B, K)
    is_open: Tensor  # (B, K) after the reading
    peak: Tensor  # (B, K) score, of the alarm that is open or has just closed
    warming: Tensor  # (B,) judged on little history of its own

    @staticmethod
    def columns(channels: int) -> tuple[Column, ...]:
        """Dtype and shape of what is said of one reading of so many channels."""
        kinds = (len(KINDS),)
        shapes: dict[str, tuple[int, ...]] = {"climb": (*kinds, 2)}
        shapes |= dict.fromkeys(("joint_surprise", "anomaly_score", "novelty", "surge", "warming"), ())
        shapes |= dict.fromkeys(("ratios", "opened", "closed", "is_open", "peak"), kinds)
        dtypes = dict.fromkeys(("value", "forecast"), torch.float64) | {"bet": torch.int64}
        are = ("is_judged", "has_scale", "moved", "opened", "closed", "is_open", "warming")
        dtypes |= dict.fromkeys(are, torch.bool)
        return tuple(
            Column(name, dtypes.get(name, torch.float32), shapes.get(name, (channels,))) for name in Outcome._fields
        )

    @property
    def is_impossible(self) -> Tensor:
        """Where a value is outside its valid range: nothing else is evidence without being judged. -> (B, C)."""
        return self.evidence.isfinite() & ~self.is_judged

    @property
    def sample(self) -> Sample:
        """What a pool counts of it: an alarm about a value that cannot be is no matter of chance.

        A reading that was judged by a guess of its scale is not counted: nothing surprises then, and those to come do.
        """
        is_sure = self.is_impossible.any(1)
        before = self.climb[..., :1].expand_as(self.climb)
        return Sample(
            signed=self.signed,
            is_counted=self.moved,
            score=self.score,
            score_before=self.score_before,
            is_judged=self.has_scale.any(1),
            climb=torch.where(is_sure[:, None, None], before, self.climb),
            opened=self.opened & ~is_sure.unsqueeze(1),
            is_open=self.is_open,
        )


class Ahead(NamedTuple):
    """What is expected at H further horizons, forecast after a reading. NaN where there is nothing to go by yet."""

    forecast: Tensor  # (B, C, H) float64, in the unit of the value as judged
    lower: Tensor  # (B, C, H) float64, of the band
    upper: Tensor  # (B, C, H) float64


class Explanation(NamedTuple):
    """What an outcome means, for people: worked out for many readings at once, since no state depends on it."""

    lower: Tensor  # (B, C) float64, of the band
    upper: Tensor  # (B, C) float64
    shares: Tensor  # (B, C) float32 of the surprise, sum 1 over the judged channels
