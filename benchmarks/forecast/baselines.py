"""What needs no network and no bank: the last value, the seasonal one, exponential means, AR(8) learnt online.

Each gives points; its spread is a Student-t of five degrees of freedom around its own running error at each horizon,
as the experts' is, so that their CRPS compare what they foresee and not how they guess their spread.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from forecast.batch import Batch, Float64
from forecast.scores import Forecast
from models import scaler
from models.column import State, fresh_state
from models.experts.bank import SPREADING
from models.experts.record import FREEDOM, LARGEST_ERROR, NARROWNESS, SLOWEST_ERROR

FLOOR = 1e-5  # of the level: the spread of what has never been wrong
TIMES = (2.0, 8.0, 32.0)  # readings that an exponential mean remembers
ORDER, FORGETTING, CLIP = 8, 0.998, 8.0  # of the autoregression
FARTHEST = 24  # steps that it is iterated: where it is to look farther, it says the same
BASELINES = LAST, SEASONAL, EWMA, AR8 = "last value", "seasonal", "EWMA", "AR(8)"


@dataclass(frozen=True, slots=True)
class Baselines:
    """All of them on one batch. ``scales``: (T, B), each series' own running scale."""

    batch: Batch
    horizons: tuple[int, ...]
    scales: Float64

    @staticmethod
    def of(batch: Batch, horizons: tuple[int, ...]) -> "Baselines":
        """Learn the scales first."""
        return Baselines(batch, horizons, running_scales(batch))

    def say(self) -> Iterator[tuple[str, int, Forecast]]:
        """Every baseline's forecasts of the whole batch. -> name, first reading (0), forecasts."""
        for name, points in (
            (LAST, self.last_value),
            (SEASONAL, self.seasonal_value),
            (EWMA, self.exponential_mean),
            (AR8, self.autoregression),
        ):
            yield name, 0, self.with_spread(points())

    def last_value(self) -> Float64:
        """-> (T, B, K)."""
        return np.repeat(self.batch.values[:, :, None], len(self.horizons), axis=2)

    def seasonal_value(self) -> Float64:
        """The latest value whole periods before the target, the last one in the first period. -> (T, B, K)."""
        season = np.array([row.season for row in self.batch.series])
        now = np.arange(len(self.batch.values))[:, None]
        points = self.last_value()
        for k, horizon in enumerate(self.horizons):
            before = now + horizon - season * -(-horizon // season)
            known = np.take_along_axis(self.batch.values, before.clip(0), axis=0)
            points[:, :, k] = np.where(before >= 0, known, points[:, :, k])
        return points

    def exponential_mean(self) -> Float64:
        """Of three memories, the one whose running error has been the smallest at each horizon. -> (T, B, K)."""
        best = self.last_value()
        least = np.full(best.shape, np.inf)
        for memory in TIMES:
            points = np.repeat(_filtered(self.batch.values, 1 / memory)[:, :, None], len(self.horizons), axis=2)
            errors = self.running_errors(points)
            is_better = errors < least
            best, least = np.where(is_better, points, best), np.where(is_better, errors, least)
        return best

    def autoregression(self) -> Float64:
        """AR(8) on scaled differences by recursive least squares, iterated to each horizon. -> (T, B, K).

        ``q = P x; D = f + x q; w += q e / D; P = (P - q q' / D) min(1 / f, 8 / tr P)``, from the last value onwards.
        """
        values, points = self.batch.values, self.last_value()
        rows = values.shape[1]
        weights, covariance = np.zeros((rows, ORDER)), np.tile(np.eye(ORDER), (rows, 1, 1))
        moves = np.zeros((rows, ORDER))  # the latest first
        for t in range(1, len(values)):
            move, scale = values[t] - values[t - 1], self.scales[t - 1]
            x = (moves / scale[:, None]).clip(-CLIP, CLIP)
            q = np.einsum("bij,bj->bi", covariance, x)
            divisor = FORGETTING + np.einsum("bi,bi->b", x, q)
            error = (move / scale).clip(-CLIP, CLIP) - np.einsum("bi,bi->b", weights, x)
            weights += q * (error / divisor)[:, None]
            covariance -= q[:, :, None] * q[:, None, :] / divisor[:, None, None]
            growth = np.minimum(1 / FORGETTING, ORDER / np.trace(covariance, axis1=1, axis2=2))
            covariance *= growth[:, None, None]
            moves = np.column_stack((move, moves[:, :-1]))
            points[t] += _iterated(weights, moves, self.scales[t], self.horizons)
        return points

    def with_spread(self, points: Float64) -> Forecast:
        """Points with the spread of their own running error. points: (T, B, K)."""
        least = np.maximum(FLOOR * np.abs(self.batch.values), 1e-12)[:, :, None]
        scale = np.maximum(NARROWNESS * self.running_errors(points), least)
        return Forecast(points, scale, np.full(points.shape, FREEDOM))

    def running_errors(self, points: Float64) -> Float64:
        """The mean absolute error so far, the latest ones counting most, as the experts' is. -> (T, B, K).

        ``E += max(.012, 1/n) (min(|e|, 20 scales) - E)``.
        """
        errors = np.zeros(points.shape)
        for k, horizon in enumerate(self.horizons):
            if horizon < len(points):
                seen = np.abs(self.batch.values[horizon:] - points[:-horizon, :, k])
                scale = np.maximum(self.scales[horizon:], self.scales[:-horizon])
                limit = LARGEST_ERROR * horizon**SPREADING * scale
                errors[horizon:, :, k] = _filtered(np.minimum(seen, limit), SLOWEST_ERROR)
        return errors


def running_scales(batch: Batch) -> Float64:
    """The scale of every series after each of its readings, as every forecaster of the project has it. -> (T, B)."""
    values = torch.from_numpy(batch.values).unsqueeze(-1)
    is_seen = torch.ones(values.shape[1:], dtype=torch.bool)
    state: State = fresh_state(scaler.columns(1), values.shape[1])
    scales = np.empty(batch.values.shape)
    for t, value in enumerate(values):
        state = scaler.update(value, is_seen, state)
        scales[t] = scaler.floored_scale(state)[:, 0].numpy()
    return scales


def _iterated(weights: Float64, moves: Float64, scale: Float64, horizons: tuple[int, ...]) -> Float64:
    """How far the value will have moved at each horizon. weights, moves: (B, ORDER), scale: (B,) -> (B, K)."""
    state, total = (moves / scale[:, None]).clip(-CLIP, CLIP), np.zeros(len(scale))
    totals = []
    for _ in range(min(horizons[-1], FARTHEST)):
        following = np.einsum("bi,bi->b", weights, state).clip(-CLIP, CLIP)
        total = total + following
        state = np.column_stack((following, state[:, :-1]))
        totals.append(total * scale)
    return np.stack([totals[min(horizon, FARTHEST) - 1] for horizon in horizons], axis=-1)


def _filtered(values: Float64, slowest: float) -> Float64:
    """A mean of all at first, an exponential one later. (T, B) -> (T, B)."""
    out, mean = np.empty(values.shape), np.zeros(values.shape[1])
    for t, value in enumerate(values):
        mean = mean + max(slowest, 1 / (t + 1)) * (value - mean)
        out[t] = mean
    return out
