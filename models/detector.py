"""The detector: one pure step from a reading and the state before it to a verdict and the state after it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models import rhythm, scaler, tempo
from models.alarm import Hysteresis
from models.calibration import verdict
from models.calibration.pool import Pool
from models.calibration.verdict import Evidence
from models.column import Column, State
from models.context import Context
from models.forecasters import Forecaster, Moment
from models.outcome import Ahead, Explanation, Outcome
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


class Detector(nn.Module):
    """Judges readings of C channels: first by the forecast made before, then it learns, then it forecasts the next."""

    def __init__(self, forecaster: Forecaster, options: DetectorOptions) -> None:
        super().__init__()
        self.forecaster = forecaster
        self.options = options
        self.transforms = Transforms(options.transforms)
        self.tail = StudentTail()
        self.quantile = StudentQuantile(options.band_coverage)

    @property
    def parts(self) -> dict[str, tuple[Column, ...]]:
        """Everything that is remembered of a series, by what remembers it."""
        channels = len(self.options.transforms)
        return {
            "transform": self.transforms.columns,
            "tempo": tempo.columns(),
            "scale": scaler.columns(channels),
            "rhythm": rhythm.columns(channels),
            **self.forecaster.parts(channels),
            **verdict.columns(channels),
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
        elapsed_seconds = context.elapsed_seconds
        judged, present, raw = self.transforms(values, present, elapsed_seconds, state)
        judged = judged.clamp(-LARGEST, LARGEST)
        steps = tempo.elapsed_steps(elapsed_seconds, state)
        outcome, after = self._judge(judged, present, steps, context, state, pool)
        learnt = {**state, **raw, **tempo.update(elapsed_seconds, state), **after}
        learnt.update(scaler.update(judged, present, state))
        is_new = present & (state["age"] > 0)
        difference = (judged - state["last"]).float().masked_fill(~is_new, 0.0)
        learnt.update(self.forecaster.advance(Moment(difference, present, steps, context.calendar), learnt))
        return outcome, learnt

    def explain(self, outcome: Outcome) -> Explanation:
        """The band around each forecast and the channels' shares of the surprise. Any number of rows."""
        half_band = (self.quantile(outcome.freedom) * outcome.spread).double()
        weight = outcome.surprise + outcome.is_judged.float() * 1e-9  # equal shares where nothing surprises
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

    def _judge(
        self, judged: Tensor, present: Tensor, steps: Tensor, context: Context, state: State, pool: Pool
    ) -> tuple[Outcome, dict[str, Tensor]]:
        location, log_scale, freedom = self.forecaster.forecast(state)
        scale = scaler.floored_scale(state)
        has_no_forecast = ~scaler.is_known(state, scale)
        is_judged = present & ~has_no_forecast
        is_not_judged = ~is_judged
        spread = scale * torch.exp(log_scale) * steps.clamp(1, MAX_GAP_STEPS).sqrt().unsqueeze(1)
        expected = (state["last"] + location * scale).masked_fill(has_no_forecast, torch.nan)
        z = ((judged - expected).float() / spread).masked_fill(is_not_judged, 0.0)
        after = rhythm.update(z, is_judged, context.calendar, state)
        widening = rhythm.widening(context.calendar, state)
        spread = spread * widening
        surprise = self.tail(z / widening, freedom).masked_fill(is_not_judged, 0.0)
        moved = is_judged & (judged != state["last"])
        evidence = Evidence(torch.copysign(surprise, z), is_judged, moved, context.is_muted, context.tolerance)
        said, verdict_state = verdict.judge(evidence, self.options.hysteresis, state, pool)
        outcome = Outcome(
            value=judged.masked_fill(~present, torch.nan),
            forecast=expected,
            spread=spread,
            freedom=freedom,
            raw_surprise=surprise,
            surprise=said.surprise,
            signed=said.sample.signed,
            score=said.sample.score,
            score_before=said.sample.score_before,
            is_judged=is_judged,
            moved=moved,
            joint_surprise=said.joint_surprise,
            anomaly_score=said.ratios.amax(1),
            ratios=said.ratios,
            novelty=torch.zeros_like(said.joint_surprise),
            change_decades=said.change.decades,
            bet=said.change.leading,
            since=said.change.since,
            climb=said.alarm.climb,
            opened=said.alarm.opened,
            closed=said.alarm.closed,
            is_open=said.alarm.is_open,
            peak=said.alarm.peak,
            warming=state["readings"] < WARMING_READINGS,
        )
        return outcome, {**after, **verdict_state}
