"""The detector: one pure step from a reading and the state before it to a verdict and the state after it."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models import alarm, pause, scaler, tempo
from models.alarm import Hysteresis
from models.column import Column, State
from models.context import Context
from models.forecasters import Forecaster, Moment
from models.outcome import Ahead, Explanation, Outcome
from models.pool import Pool
from models.rules import CERTAIN, Rule, Rules
from models.tail import StudentQuantile, StudentTail
from models.transform import Transform, Transforms

MAX_GAP_STEPS = 64.0  # a band widens with the root of the elapsed steps up to this
WARMING_READINGS = 32
LARGEST = 1e30  # a larger value is judged as this one: differences of values must be numbers in single precision


@dataclass(frozen=True, slots=True)
class DetectorOptions:
    """What of a detector is the group's choice and not the artifact's."""

    transforms: tuple[Transform, ...] = (Transform.NONE,)  # one a channel
    hysteresis: Hysteresis = Hysteresis()
    band_coverage: float = 0.99
    rules: tuple[Rule, ...] = ()  # by the numbers from 1 on in a context


class Seen(NamedTuple):
    """What of a reading is judged."""

    value: Tensor  # (B, C) float64
    present: Tensor  # (B, C) and possible
    is_impossible: Tensor  # (B, C) there, but outside its valid range
    steps: Tensor  # (B,) since the reading before


class Detector(nn.Module):
    """Judges readings of C channels: first by the forecast made before, then it learns, then it forecasts the next."""

    def __init__(self, forecaster: Forecaster, options: DetectorOptions) -> None:
        super().__init__()
        self.forecaster = forecaster
        self.options = options
        self.transforms = Transforms(options.transforms)
        self.rules = Rules(options.rules)
        self.tail = StudentTail()
        self.quantile = StudentQuantile(options.band_coverage)

    @property
    def parts(self) -> dict[str, tuple[Column, ...]]:
        """Everything that is remembered of a series, by what remembers it."""
        channels = len(self.options.transforms)
        return {
            "transform": self.transforms.columns,
            "tempo": (*tempo.columns(), *pause.columns()),
            "scale": scaler.columns(channels),
            **self.forecaster.parts(channels),
            "alarm": alarm.columns(),
        }

    @property
    def columns(self) -> tuple[Column, ...]:
        """Everything that is remembered of a series."""
        return tuple(column for part in self.parts.values() for column in part)

    def step(
        self, values: Tensor, present: Tensor, context: Context, state: State, pool: Pool
    ) -> tuple[Outcome, dict[str, Tensor]]:
        """Judge and learn one reading a row.

        values: (B, C) float64, present: (B, C) bool; B a multiple of 32. The pool is read only.
        """
        elapsed_seconds = pause.elapsed_seconds(context.elapsed_seconds, state)
        is_impossible = self.rules.impossible(values, present, context.rule)
        judged, present, raw = self.transforms(values, present & ~is_impossible, elapsed_seconds, state)
        judged = judged.clamp(-LARGEST, LARGEST)
        steps = tempo.elapsed_steps(elapsed_seconds, state)
        outcome, alarm_state = self._judge(Seen(judged, present, is_impossible, steps), context, state, pool)
        learnt = {**state, **raw, **tempo.update(elapsed_seconds, state), **alarm_state}
        learnt.update(scaler.update(judged, present, state))
        is_new = present & (state["age"] > 0)
        difference = (judged - state["last"]).float().masked_fill(~is_new, 0.0)
        learnt.update(self.forecaster.advance(Moment(difference, present, steps, context.calendar), learnt))
        return outcome, pause.state_after(context.learns, learnt, {**state, **alarm_state}, elapsed_seconds)

    def explain(self, outcome: Outcome) -> Explanation:
        """The band around each forecast and the channels' shares of the surprise. Any number of rows."""
        half_band = (self.quantile(outcome.freedom) * outcome.spread).double()
        weight = outcome.alarming + outcome.is_judged.float() * 1e-9  # equal shares where nothing surprises
        return Explanation(
            lower=outcome.forecast - half_band,
            upper=outcome.forecast + half_band,
            shares=weight / weight.sum(1, keepdim=True).clamp_min(1e-12),
        )

    def ahead(self, state: State) -> Ahead:
        """The forecasts beyond the next reading, and their bands, from the state after a reading.

        B a multiple of 32, so that no bit of a row depends on how many came with it.
        """
        location, log_scale, freedom = (part[..., 1:] for part in self.forecaster.ahead(state))
        scale = scaler.floored_scale(state)
        is_unknown = ~scaler.is_known(state, scale)
        forecast = state["last"].unsqueeze(-1) + location * scale.unsqueeze(-1)
        forecast = forecast.masked_fill(is_unknown.unsqueeze(-1), torch.nan)
        half_band = (self.quantile(freedom) * torch.exp(log_scale) * scale.unsqueeze(-1)).double()
        return Ahead(forecast, forecast - half_band, forecast + half_band)

    def _judge(self, seen: Seen, context: Context, state: State, pool: Pool) -> tuple[Outcome, dict[str, Tensor]]:
        location, log_scale, freedom = self.forecaster.forecast(state)
        scale = scaler.floored_scale(state)
        has_no_forecast = ~scaler.is_known(state, scale)
        is_judged = seen.present & ~has_no_forecast
        is_not_judged = ~is_judged
        spread = scale * torch.exp(log_scale) * seen.steps.clamp(1, MAX_GAP_STEPS).sqrt().unsqueeze(1)
        expected = (state["last"] + location * scale).masked_fill(has_no_forecast, torch.nan)
        deviation = seen.value - expected
        z = deviation.float() / spread
        surprise = self.tail(z.masked_fill(is_not_judged, 0.0), freedom).masked_fill(is_not_judged, 0.0)
        alarming = self.rules.alarming(surprise, deviation, expected, context.rule)
        alarming = alarming.masked_fill(seen.is_impossible, CERTAIN)
        count = (is_judged | seen.is_impossible).sum(1)
        joint = (alarming.amax(1) - torch.log10(count.clamp_min(1).float())).clamp_min(0)
        spike = joint / pool.line
        ratios = torch.stack((spike, torch.zeros_like(spike)), 1)
        change, alarm_state = alarm.update(ratios, count > 0, context.is_muted, self.options.hysteresis, state)
        outcome = Outcome(
            value=seen.value.masked_fill(~(seen.present | seen.is_impossible), torch.nan),
            forecast=expected,
            spread=spread,
            freedom=freedom,
            surprise=surprise,
            is_judged=is_judged,
            alarming=alarming,
            joint_surprise=joint,
            anomaly_score=ratios.amax(1),
            ratios=ratios,
            novelty=torch.zeros_like(spike),
            opened=change.opened,
            closed=change.closed,
            is_open=change.is_open,
            peak=change.peak,
            warming=state["readings"] < WARMING_READINGS,
        )
        return outcome, alarm_state
