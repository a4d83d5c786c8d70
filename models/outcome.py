"""The outcome of a step: what the detector says of one reading a row."""

from typing import NamedTuple

from torch import Tensor


class Outcome(NamedTuple):
    """The verdict on one reading a row. NaN where a channel is absent or has no forecast yet."""

    value: Tensor  # (B, C) float64, as judged: after the transform
    forecast: Tensor  # (B, C) float64, made before the reading
    spread: Tensor  # (B, C) float32, of the forecast, in the unit of the value
    freedom: Tensor  # (B, C) float32, degrees of freedom
    surprise: Tensor  # (B, C) float32, -log10 p
    is_judged: Tensor  # (B, C) present, and forecast
    alarming: Tensor  # (B, C) what of the surprise may alarm, by the rules
    joint_surprise: Tensor  # (B,) of the reading: Bonferroni over its judged channels
    anomaly_score: Tensor  # (B,) the largest ratio: 1 is the line
    ratios: Tensor  # (B, K) of each kind's statistic to its line
    novelty: Tensor  # (B,) how unlike what is usual, 0…1, for ranking: it has no line
    opened: Tensor  # (B, K) an alarm of this kind opened at this reading
    closed: Tensor  # (B, K)
    is_open: Tensor  # (B, K) after the reading
    peak: Tensor  # (B, K) score, of the alarm that is open or has just closed
    warming: Tensor  # (B,) judged on little history of its own


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
