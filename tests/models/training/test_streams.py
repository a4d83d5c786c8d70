"""The synthetic streams: seeded, varied, in their own time, coupled where they should be, and honest about flaws."""

from typing import Any

import numpy as np
import pytest

from models.training.streams import Streams, draw
from models.training.streams.bursts import pulses
from models.training.streams.clock import DAY_SECONDS, WEEK_SECONDS, Clock, draw_clock
from models.training.streams.counts import intermittent
from models.training.streams.families import FAMILIES, Family, Make, draw_values
from models.training.streams.flaws import injured, rounded
from models.training.streams.memory import arma
from models.training.streams.mixing import coupled, mixed
from models.training.streams.noise import Float64, held, shocks, stretches
from models.training.streams.regimes import nearly_flat, telegraph
from models.training.streams.seasons import cycle

every_family = pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])


def regular(length: int, count: int, interval: float = 3600.0) -> Clock:
    """Clocks that tick from Monday's first midnight."""
    return Clock(np.full(count, interval), np.arange(length)[:, None] * np.full(count, interval))


@pytest.fixture(scope="module")
def streams() -> Streams:
    return draw(np.random.default_rng(0), 400, 600)


def autocorrelation(values: Float64, lag: int) -> Float64:
    """Of each stream. (T, N) -> (N,)."""
    centred = values - values.mean(0)
    correlation: Float64 = (centred[lag:] * centred[: len(centred) - lag]).mean(0) / centred.var(0)
    return correlation


def test_streams_of_one_seed_are_the_same_and_of_another_are_not() -> None:
    first, again, other = (draw(np.random.default_rng(seed), 50, 40, channels=2) for seed in (1, 1, 2))

    for name in Streams.__dataclass_fields__:
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
        assert getattr(first, name).tobytes() != getattr(other, name).tobytes()


def test_streams_are_finite_and_some_readings_are_missing_or_not_scored(streams: Streams) -> None:
    assert np.isfinite(streams.values).all()
    assert 0.95 < streams.present.mean() < 0.995
    assert 0.99 < streams.scored[streams.present].mean() < 1
    assert not (streams.scored & ~streams.present).any()


@pytest.mark.parametrize("part", ["mixing.mixed", "flaws.injured", "flaws.presence"])
def test_what_one_part_rules_out_is_not_scored(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_rng: np.random.Generator, what: Any, *_: Any) -> Any:
        shape = what if isinstance(what, tuple) else what.shape
        ruled_out = np.zeros(shape, dtype=bool)
        return ruled_out if part == "flaws.presence" else (np.zeros(shape), ruled_out)

    monkeypatch.setattr(f"models.training.streams.{part}", nothing)

    assert not draw(np.random.default_rng(0), 60, 30).scored.any()


def test_streams_have_units_and_levels_over_many_decades(streams: Streams) -> None:
    spread = streams.values.std(axis=0)
    level = np.abs(streams.values.mean(axis=0)) / spread.clip(1e-300)

    assert np.quantile(spread, 0.95) > 1e7 * np.quantile(spread, 0.05)
    assert np.quantile(level, 0.9) > 100 * np.quantile(level, 0.3)


def test_hardly_any_stream_is_constant(streams: Streams) -> None:
    assert (streams.values.std(axis=0) == 0).mean() < 0.01


def test_the_shares_of_the_families_are_the_prior() -> None:
    shares = [family.share for family in FAMILIES]

    assert sum(shares) == pytest.approx(1)
    assert sum(shares[:3]) == pytest.approx(0.30)
    assert len({family.name for family in FAMILIES}) == len(FAMILIES) > 20


@every_family
def test_a_family_is_finite_seeded_and_never_constant(family: Family) -> None:
    clock = draw_clock(np.random.default_rng(3), 700, 60)
    first, again, other = (family.make(np.random.default_rng(seed), clock) for seed in (1, 1, 2))

    assert first.shape == clock.shape
    assert np.isfinite(first).all()
    assert first.tobytes() == again.tobytes() != other.tobytes()
    assert (first.std(axis=0) > 0).all()


def test_a_demand_that_is_mostly_nothing_is_something_once_at_least() -> None:
    values = intermittent(np.random.default_rng(0), regular(30, 2000))

    assert values.any(axis=0).all()


@pytest.mark.parametrize("make", [telegraph, nearly_flat, pulses])
def test_what_is_rare_happens_once_at_least(make: Make) -> None:
    values = make(np.random.default_rng(0), regular(30, 2000))

    assert (np.ptp(values, axis=0) > 0).all()


@every_family
def test_a_family_is_varied_in_itself(family: Family) -> None:
    values = family.make(np.random.default_rng(0), draw_clock(np.random.default_rng(3), 500, 80))
    roughness = np.abs(np.diff(values, axis=0)).mean(axis=0) / values.std(axis=0)

    assert np.quantile(roughness, 0.9) > 1.15 * np.quantile(roughness, 0.1)


@every_family
def test_every_family_is_drawn(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    flat = tuple(Family(other.name, other.share, lambda _rng, clock: np.zeros(clock.shape)) for other in FAMILIES)
    marked = tuple(
        Family(other.name, other.share, lambda _rng, clock: np.ones(clock.shape))
        if other.name == family.name
        else other
        for other in flat
    )
    monkeypatch.setattr("models.training.streams.families.FAMILIES", marked)

    values = draw_values(np.random.default_rng(0), regular(2, 20_000))

    assert values.mean() == pytest.approx(family.share, rel=0.25)


def test_elapsed_time_and_phases_tell_of_one_clock(streams: Streams) -> None:
    day, week = streams.calendar[..., 0], streams.calendar[..., 1]
    elapsed = streams.elapsed_seconds[1:]

    assert np.isnan(streams.elapsed_seconds[0]).all()
    assert (elapsed > 0).all()
    assert streams.calendar.min() >= 0
    assert streams.calendar.max() < 1
    turned = (np.diff(day, axis=0) - elapsed / DAY_SECONDS + 0.5) % 1 - 0.5
    np.testing.assert_allclose(turned, 0, atol=1e-6)
    np.testing.assert_allclose((week * 7 - day + 0.5) % 1 - 0.5, 0, atol=1e-6)


def test_cadences_reach_from_a_second_to_a_day_and_some_streams_are_irregular(streams: Streams) -> None:
    usual = np.median(streams.elapsed_seconds[1:], axis=0)
    steps = streams.elapsed_seconds[1:] / usual
    is_regular = np.abs(steps - 1).max(axis=0) < 1e-3

    for cadence in (1, 10, 60, 300, 900, 3600, 86_400):
        assert np.isclose(usual, cadence, rtol=1e-3).mean() > 0.01
    assert 0.5 < is_regular.mean() < 0.8
    assert (steps.max(axis=0) > 8).mean() > 0.05


def test_some_streams_rest_at_the_weekend_and_some_of_them_at_night() -> None:
    clock = draw_clock(np.random.default_rng(0), 2000, 400)
    is_long = clock.seconds[-1] - clock.seconds[0] > 2 * WEEK_SECONDS
    works_at_weekends = (clock.seconds % WEEK_SECONDS >= 5 * DAY_SECONDS).any(axis=0)
    rests_at_night = (np.ptp(clock.seconds % DAY_SECONDS, axis=0) < 0.7 * DAY_SECONDS) & (clock.interval < 10_000)

    assert 0.02 < (is_long & ~works_at_weekends).mean() < 0.15
    assert 0.005 < (is_long & rests_at_night).mean() < 0.1
    assert not (is_long & rests_at_night & works_at_weekends).any()


def test_some_regular_streams_have_gaps_of_any_length() -> None:
    steps = draw_clock(np.random.default_rng(0), 1000, 400).steps.round(3)

    gaps = [len(np.unique(stream[stream > 8])) for stream in steps.T if np.mean(stream == 1) > 0.9]
    assert 0.05 < np.mean(np.array(gaps) > 4) < 0.3  # closed hours have two or three


def test_a_regular_season_returns_after_a_day() -> None:
    (family,) = (family for family in FAMILIES if family.name == "by_calendar")

    values = family.make(np.random.default_rng(1), regular(24 * 28, 200))

    assert np.median(autocorrelation(values, 24)) > 0.4
    assert np.median(autocorrelation(values, 24)) > np.median(autocorrelation(values, 12)) + 0.3


def test_a_cycle_repeats_and_holds_sharp_and_smooth_shapes() -> None:
    phase = (np.arange(720) + 0.5)[:, None] / 240 * np.ones(300)

    wave = cycle(np.random.default_rng(0), phase)

    steps = np.abs(np.diff(wave, axis=0))
    sharpness = steps.max(axis=0) / steps.mean(axis=0)
    repeats = np.abs(wave[240:480] - wave[:240]).max(axis=0) < 1e-9
    assert 0.6 < repeats.mean() < 0.8  # in the others its size wanders
    assert (sharpness > 50).any()
    assert (sharpness < 5).any()


def test_autoregressions_are_stable_and_many_of_them_oscillate() -> None:
    values = arma(np.random.default_rng(0), regular(3000, 300))

    early, late = values[:1500].std(axis=0), values[1500:].std(axis=0)
    half_turns = np.stack([autocorrelation(values, lag) for lag in range(1, 60)]).min(axis=0)
    assert np.median(late / early) == pytest.approx(1, abs=0.2)
    assert (half_turns < -0.3).mean() > 0.2


def test_shocks_have_unit_spread_and_some_have_heavy_tails() -> None:
    noise = shocks(np.random.default_rng(0), (20_000, 100))

    np.testing.assert_allclose(np.quantile(noise.std(axis=0), [0.25, 0.5, 0.85]), 1, atol=0.05)
    assert np.abs(noise.mean(axis=0)).max() < 0.1
    assert 0.2 < (np.abs(noise).max(axis=0) > 8).mean() < 0.6


def test_stretches_are_no_longer_than_they_may_be() -> None:
    inside = stretches(np.random.default_rng(0), (5000, 3), np.array([0.0, 0.001, 0.001]), 7)

    edges = np.diff(inside.astype(int), axis=0, prepend=0, append=0)
    begins, ends = np.flatnonzero(edges[:, 1] == 1), np.flatnonzero(edges[:, 1] == -1)
    assert not inside[:, 0].any()
    assert 1 <= (ends - begins).min() < (ends - begins).max() <= 7


def test_a_held_value_is_that_of_the_latest_new_one() -> None:
    values = np.arange(6.0)[:, None]
    is_new = np.array([False, False, True, False, True, False])[:, None]

    assert held(values, is_new)[:, 0].tolist() == [0, 0, 2, 2, 4, 4]


def test_outliers_shifts_and_releases_are_not_scored_and_nothing_else_is_hurt() -> None:
    values = np.cumsum(np.random.default_rng(1).standard_normal((500, 2000)), axis=0)

    spoilt, may_be_scored = injured(np.random.default_rng(0), values)

    moved = np.abs(np.diff(spoilt, axis=0) - np.diff(values, axis=0)) > 1e-9
    is_hurt = ~may_be_scored
    assert 0 < is_hurt.mean() < 0.01
    assert (is_hurt.any(axis=0)).mean() < 0.5
    np.testing.assert_array_equal(
        spoilt[:, ~is_hurt.any(axis=0) & ~moved.any(axis=0)], values[:, ~is_hurt.any(axis=0) & ~moved.any(axis=0)]
    )
    surprises = np.abs(np.diff(spoilt, axis=0)) > 12
    returns = is_hurt[:-1]  # from an outlier: the reading after it goes back, as it should
    assert not (surprises & ~is_hurt[1:] & ~returns).any()


def test_some_streams_keep_to_a_resolution() -> None:
    values = np.random.default_rng(1).standard_normal((300, 300)) * 50

    kept = rounded(np.random.default_rng(0), values, np.full(300, 50.0))

    distinct = np.array([len(np.unique(stream)) for stream in kept.T])
    assert 0.1 < (distinct < 200).mean() < 0.4
    assert (np.abs(kept - values).max(axis=0) == 0).mean() > 0.5


def test_the_reading_at_which_another_family_follows_is_not_scored() -> None:
    clock = regular(300, 800)

    _, may_be_scored = mixed(np.random.default_rng(0), clock)

    changes = (~may_be_scored).sum(axis=0)
    assert set(changes.tolist()) == {0, 1}
    assert 0.08 < changes.mean() < 0.17


def test_the_channels_of_a_series_are_correlated_more_than_those_of_two() -> None:
    moves = np.diff(draw(np.random.default_rng(0), 500, 150, channels=4).values, axis=0)
    moves = np.tanh(moves / np.abs(moves).mean(axis=0).clip(1e-300) / 3)  # outliers are not shared

    together, apart = moves[:, :, :2], np.stack((moves[:, 1:, 0], moves[:, :-1, 1]), -1)
    shares = [
        np.mean([abs(float(np.corrcoef(pair.T)[0, 1])) > 0.3 for pair in pairs.swapaxes(0, 1)])
        for pairs in (together, apart)
    ]
    assert shares[0] > 0.2
    assert shares[1] < 0.05


def test_a_channel_may_follow_another_one_later() -> None:
    factor = np.random.default_rng(1).standard_normal((400, 40))

    values = coupled(np.random.default_rng(0), np.random.default_rng(2).standard_normal((400, 120)), factor, 3)

    of_lag = [np.abs((values[20:] * factor[20 - lag : 400 - lag].repeat(3, axis=1)).mean(axis=0)) for lag in range(17)]
    is_coupled = np.max(of_lag, axis=0) > 0.5
    lags = np.argmax(of_lag, axis=0)[is_coupled]
    assert is_coupled.mean() > 0.3
    assert 0.6 < (lags == 0).mean() < 0.9
    assert lags.max() > 12
