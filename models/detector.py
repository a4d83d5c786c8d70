"""The detector: one pure step from a reading and the state before it to a verdict and the state after it."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models import alarm, band, hours, moves, pause, rhythm, scaler, tempo
from models.alarm import Hysteresis
from models.band_ahead import BandAhead
from models.calibration import joint, verdict
from models.calibration.pool import Pool, Standard
from models.calibration.verdict import Evidence
from models.column import Column, State
from models.context import Context
from models.experts.dot import total
from models.experts.sight import Sight
from models.forecasters import Forecaster, Moment
from models.hours import Hour
from models.novelty import Glance, Novelty
from models.outcome import Ahead, Explanation, Outcome
from models.rules import Rule, Rules
from models.tail import StudentQuantile, StudentTail
from models.transform import Transform, Transforms

MAX_GAP_STEPS = 64.0  # a band widens with the root of the elapsed steps up to this; one channel away longer is unknown
WARMING_READINGS = 32
LEAST_MOVE = 0.01  # scales: a value that moves by less stands still
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
        self.novelty = Novelty(forecaster.tier)
        self.tail = StudentTail()
        self.quantile = StudentQuantile(options.band_coverage)
        further = forecaster.horizons[1:]
        self.band_ahead = BandAhead(further, 1 - options.band_coverage) if further else None

    @property
    def parts(self) -> dict[str, tuple[Column, ...]]:
        """Everything that is remembered of a series, by what remembers it."""
        channels = len(self.options.transforms)
        return {
            "transform": self.transforms.columns,
            "tempo": (*tempo.columns(), *pause.columns()),
            "scale": scaler.columns(channels),
            "rhythm": rhythm.columns(channels),
            "hours": hours.columns(channels),
            "band": (*band.columns(channels), *(self.band_ahead.columns(channels) if self.band_ahead else ())),
            "moves": moves.columns(channels),
            "novelty": self.novelty.columns(channels),
            **self.forecaster.parts(channels),
            **verdict.columns(channels),
        }

    @property
    def columns(self) -> tuple[Column, ...]:
        """Everything that is remembered of a series."""
        return tuple(column for part in self.parts.values() for column in part)

    def step(
        self, values: Tensor, present: Tensor, context: Context, state: State, pool: Pool | Standard
    ) -> tuple[Outcome, dict[str, Tensor]]:
        """Judge and learn one reading a row.

        values: (B, C) float64, present: (B, C) bool; B a multiple of 32. The pool is read only.
        """
        elapsed_seconds = pause.elapsed_seconds(context.elapsed_seconds, state)
        is_impossible = self.rules.impossible(values, present, context.rule)
        judged, present, raw = self.transforms(values, present & ~is_impossible, elapsed_seconds, state)
        judged = judged.clamp(-LARGEST, LARGEST)
        steps = tempo.elapsed_steps(elapsed_seconds, state)
        outcome, after = self._judge(Seen(judged, present, is_impossible, steps), context, state, pool)
        learnt = {**state, **raw, **tempo.update(elapsed_seconds, state), **after}
        learnt.update(scaler.update(judged, present, state))
        learnt.update(moves.update(judged, present, steps, state))
        is_new = present & (state["age"] > 0)
        difference = (judged - state["last"]).float().masked_fill(~is_new, 0.0)
        moment = Moment(difference, present, steps, context.calendar)
        learnt.update(self.forecaster.advance(moment, learnt))
        if self.band_ahead is not None:
            learnt.update(self.band_ahead.learn(Sight.of(*moment, learnt), *self._further(learnt), learnt))
        return outcome, pause.state_after(context.learns, learnt, {**state, **alarm.only(after)}, elapsed_seconds)

    def explain(self, outcome: Outcome) -> Explanation:
        """The band around each forecast and the channels' shares of the surprise. Any number of rows."""
        return Explanation(
            lower=outcome.forecast - outcome.half_band,
            upper=outcome.forecast + outcome.half_band,
            shares=joint.shares(outcome.evidence),
        )

    def ahead(self, state: State) -> Ahead:
        """The forecasts beyond the next reading, and their bands, from the state after a reading.

        B a multiple of 32, so that no bit of a row depends on how many came with it.
        """
        offset, half_width = self._further(state)
        forecast = state["last"].unsqueeze(-1) + offset
        half_band = (self.band_ahead.half_band(half_width, state) if self.band_ahead else half_width).double()
        return Ahead(forecast, forecast - half_band, forecast + half_band)

    def _further(self, state: State) -> tuple[Tensor, Tensor]:
        """The forecasts beyond the next reading, less the value, and half the width of their own bands. (B, C, K) each.

        NaN where there is none.
        """
        location, log_scale, freedom = (part[..., 1:] for part in self.forecaster.ahead(state))
        scale = scaler.floored_scale(state)
        is_unknown = ~scaler.is_known(state, scale).unsqueeze(-1)
        half_width = self.quantile(freedom) * torch.exp(log_scale) * scale.unsqueeze(-1)
        offset = (location * scale.unsqueeze(-1)).masked_fill(is_unknown, torch.nan)
        return offset, half_width.masked_fill(is_unknown, torch.nan)

    def _judge(
        self, seen: Seen, context: Context, state: State, pool: Pool | Standard
    ) -> tuple[Outcome, dict[str, Tensor]]:
        forecast = self.forecaster.forecast(state)
        scale = scaler.floored_scale(state)
        calm = self.forecaster.calm(forecast, scale, state)
        has_no_forecast = ~scaler.is_known(state, scale)
        is_judged = seen.present & ~has_no_forecast & (state["away"] <= MAX_GAP_STEPS)
        is_not_judged, has_scale = ~is_judged, is_judged & scaler.is_measured(state)
        away = state["away"] + seen.steps.unsqueeze(1)
        unit = scale * away.clamp(1, MAX_GAP_STEPS).sqrt()
        expected = (state["last"] + forecast.location * scale).masked_fill(has_no_forecast, torch.nan)
        error = (seen.value - expected).float().masked_fill(is_not_judged, 0.0)
        z = error / (torch.exp(calm.log_scale) * unit)
        clock = rhythm.clock(is_judged, context.calendar, state)
        after = rhythm.update(z.detach(), is_judged, clock, state)
        usual = self.forecaster.usual(state)
        hour, of_hours = self._hour(seen, usual, is_judged, away, clock.has_turned, state)
        after.update(of_hours)
        widening = rhythm.widening(clock, state)
        z, spread = z / widening, torch.exp(forecast.log_scale) * unit * widening
        half_band = band.width(self.quantile(forecast.freedom), state) * spread
        after.update(band.update(error.abs() > half_band, is_judged, 1 - self.options.band_coverage, state))
        by_forecast = self.tail(z, calm.freedom)
        surprise = self.forecaster.surprise(seen.value, by_forecast, state).masked_fill(is_not_judged, 0.0)
        told = moves.tempered(surprise, seen.value, away, state).masked_fill(is_not_judged, 0.0)
        lively = moves.liveliness(state) * is_judged
        weight = joint.weights(lively, is_judged)
        evidence = Evidence(
            signed=torch.copysign(told, z).detach(),  # no weight learns from what is made of it
            is_judged=is_judged,
            has_scale=has_scale,
            moved=has_scale & ((seen.value - state["last"]).abs() > scale * LEAST_MOVE),
            weight=weight,
            is_muted=context.is_muted,
            hour=hour,
            asked=self.rules.asked(seen.value, expected, seen.is_impossible, context.rule, state),
            tolerance=context.tolerance,
        )
        said, verdict_state = verdict.judge(evidence, self.options.hysteresis, state, pool)
        glance = Glance(seen.value, seen.present, usual, surprise, weight, total(lively), said.is_restless())
        noticed, of_normal = self.novelty.step(glance, state)
        outcome = Outcome(
            value=seen.value.masked_fill(~(seen.present | seen.is_impossible), torch.nan),
            forecast=expected,
            spread=spread,
            freedom=forecast.freedom,
            half_band=half_band,
            raw_surprise=surprise,
            surprise=said.surprise,
            signed=said.sample.signed,
            score=said.sample.score,
            score_before=said.sample.score_before,
            is_judged=is_judged,
            has_scale=has_scale,
            moved=evidence.moved,
            evidence=said.evidence,
            joint_surprise=said.joint_surprise,
            anomaly_score=said.ratios.amax(1),
            ratios=said.ratios,
            novelty=noticed.novelty,
            surge=noticed.surge,
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
        return outcome, {**after, **of_normal, **verdict_state}

    def _hour(
        self, seen: Seen, usual: Tensor, is_judged: Tensor, away: Tensor, has_turned: Tensor, state: State
    ) -> tuple[Hour, dict[str, Tensor]]:
        """What a reading says of the hour before it, where the forecaster knows what is usual at a time of the day."""
        is_told = is_judged if self.forecaster.has_season else torch.zeros_like(is_judged)
        distance = ((seen.value - state["last"]).float() - usual).masked_fill(~is_told, 0.0)
        return hours.learn(distance, away, is_told, has_turned, tempo.interval_seconds(state), state)
