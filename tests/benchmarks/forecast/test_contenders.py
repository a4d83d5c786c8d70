"""Forecasters of the project on batches: a row is what it is alone, and nobody sees the future."""

import numpy as np
import pytest
import torch
from forecast import contenders
from forecast.batch import Batch, Float64, Series
from forecast.contenders import CHUNK, Said, Trained, chunks, experts
from forecast.entrants import Entrant, entrants
from forecast.field import tiers
from forecast.scores import Forecast

from models.artifact import shipped
from models.experts.bank import Tier
from models.forecasters import Forecaster, Spec, build

HORIZONS = (1, 4)
INTERVAL = 60.0
EXPERTS = Spec(cell="", hidden=0, forecaster="experts", tier="compact")
COMBINER = Spec(cell="gru", hidden=8, forecaster="combiner", tier="compact")


def series(length: int, seed: int = 0, values: Float64 | None = None) -> Series:
    walk = np.cumsum(np.random.default_rng(seed).standard_normal(length)) if values is None else values
    return Series("some", str(seed), walk, INTERVAL * np.arange(float(length)), season=5)


def forecaster(spec: Spec, horizons: tuple[int, ...] = HORIZONS) -> Forecaster:
    """With weights that say something, but not so much that only the experts are heard."""
    torch.manual_seed(0)
    made = build(spec)
    for weight in made.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    return made.eval().requires_grad_(requires_grad=False).at(horizons)


def joined(said: Said, name: str, row: int = 0) -> Forecast:
    """All that one of them said of one row. -> (T, K) each."""
    parts = [forecast for who, _, forecast in said if who == name]
    return Forecast(*(np.concatenate([part[i][:, row] for part in parts if part[i].shape[1] > row]) for i in range(3)))


def same(ours: Forecast, theirs: Forecast, rtol: float = 1e-5) -> None:
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, rtol=rtol, atol=1e-6)


def test_the_experts_together_say_what_the_forecaster_without_a_network_says() -> None:
    batch = Batch.of([series(CHUNK + 20)])

    ours = joined(experts(batch, HORIZONS, Tier.COMPACT), "compact experts")
    ports = joined(Trained("port", forecaster(EXPERTS)).say(batch), "port")

    same(ours, ports)


def test_the_best_expert_so_far_is_one_of_them() -> None:
    said = list(experts(Batch.of([series(80)]), HORIZONS, Tier.RICH))

    each = [name for name in {name for name, _, _ in said} if name.startswith("rich: ")]
    best = joined(iter(said), "rich best").location
    of_each = np.stack([joined(iter(said), name).location for name in each])
    assert "rich: last" in each
    assert (np.abs(of_each - best).min(axis=0) == 0).all()


def test_the_best_expert_so_far_is_hardly_worse_than_the_best_in_hindsight() -> None:
    one = series(120)
    said = list(experts(Batch.of([one]), HORIZONS, Tier.COMPACT))

    each = {name for name, _, _ in said if name.startswith("compact: ")}
    errors = {
        name: np.abs(one.values[40:] - joined(iter(said), name).location[39:119, 0]).mean()
        for name in (*each, "compact best")
    }
    assert errors["compact best"] < 1.1 * min(errors[name] for name in each) < 0.5 * max(errors.values())


@pytest.mark.parametrize("spec", [EXPERTS, COMBINER], ids=["experts", "combiner"])
def test_a_row_that_ends_early_is_forecast_as_it_is_alone(spec: Spec) -> None:
    short = series(CHUNK + 10, seed=1)
    contender = Trained("it", forecaster(spec))

    beside = joined(contender.say(Batch.of([series(2 * CHUNK + 10), short])), "it", row=1)
    alone = joined(contender.say(Batch.of([short])), "it")

    length = len(short.values)
    same(Forecast(*(part[:length] for part in beside)), Forecast(*(part[:length] for part in alone)))


@pytest.mark.parametrize("kind", ["gru", "attention"])  # which has machine code, and which has none
def test_machine_code_says_what_the_step_says_to_the_bit(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = Batch.of([series(CHUNK + 20), series(CHUNK - 20, seed=1)])
    contender = Trained("it", forecaster(Spec(cell=kind, hidden=8, forecaster="combiner", tier="compact")))

    quick = [*contender.say(batch), *experts(batch, HORIZONS, Tier.COMPACT)]
    monkeypatch.setattr(contenders, "Quick", lambda step, **_: step)
    plain = [*contender.say(batch), *experts(batch, HORIZONS, Tier.COMPACT)]

    for (name, first, ours), (their_name, their_first, theirs) in zip(quick, plain, strict=True):
        assert (name, first) == (their_name, their_first)
        for our, their in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(our, their)


def test_the_phases_are_those_of_the_clock_and_the_week_begins_on_monday() -> None:
    monday = 4 * 86_400.0  # 5 January 1970
    times = monday + 21_600.0 * np.arange(40.0)

    (chunk,) = chunks(Batch.of([Series("some", "one", times, times, 4)]))

    phases = np.asarray(chunk.readings.calendar)[[0, 1, 4, 28], 0]
    np.testing.assert_allclose(phases, [[0.0, 0.0], [0.25, 0.25 / 7], [0.0, 1 / 7], [0.0, 0.0]], atol=1e-6)


def test_nobody_sees_the_future() -> None:
    known = series(100)
    other = series(100, values=np.where(np.arange(100) < 90, known.values, 1e5))

    for contender in (Trained("it", forecaster(EXPERTS)), Trained("it", forecaster(COMBINER))):
        before, after = (joined(contender.say(Batch.of([one])), "it") for one in (known, other))

        for ours, theirs in zip(before, after, strict=True):
            np.testing.assert_array_equal(ours[:90], theirs[:90])


def test_the_next_reading_alone_is_awaited_with_a_wider_spread_over_a_gap() -> None:
    seconds = INTERVAL * np.arange(100.0)
    late = seconds + np.where(np.arange(100) > 60, 24 * INTERVAL, 0)
    walk = series(100).values
    contender = Trained("it", forecaster(EXPERTS))

    usual, gap = (
        joined(contender.say(Batch.of([Series("some", "one", walk, times, 5)])), "it") for times in (seconds, late)
    )

    np.testing.assert_allclose(gap.scale[60] / usual.scale[60], [5, 1], rtol=1e-4)
    np.testing.assert_allclose(gap.scale[:60], usual.scale[:60])


def test_zeroing_the_cell_leaves_the_first_readings_and_the_experts_as_they_were() -> None:
    entrant = Entrant("it", "compact", forecaster(COMBINER))
    batch = Batch.of([series(90)])

    whole = joined(entrant.trained(HORIZONS).say(batch), "it")
    zeroed = joined(entrant.without_memory(HORIZONS).say(batch), "it, cell zeroed")
    forgetful = joined(entrant.without_past(HORIZONS).say(batch), "it, all zeroed")

    np.testing.assert_array_equal(whole.location[:64], zeroed.location[:64])
    np.testing.assert_array_equal(whole.location[:64], forgetful.location[:64])
    assert (whole.scale[64:70, 0] != zeroed.scale[64:70, 0]).all()
    assert (zeroed.location[64:70, 0] != forgetful.location[64:70, 0]).all()


def test_the_shipped_artifacts_enter_under_their_cells_and_twice_by_their_files() -> None:
    found = entrants([shipped("gru"), shipped("lstm"), shipped("gru")])

    names = [entrant.name for entrant in found]
    assert len(set(names)) == 3
    assert "gru" in names[0]
    assert "lstm" in names[1]


def test_who_has_no_experts_is_compared_with_the_compact_ones() -> None:
    made = forecaster(EXPERTS)
    everybody = [Entrant(name, tier, made) for name, tier in (("a", "compact"), ("c", ""), ("d", "rich"))]

    assert tiers(everybody) == [Tier.COMPACT, Tier.RICH]
    assert tiers(everybody[1:2]) == [Tier.COMPACT]


def test_a_forecaster_that_knows_the_next_reading_alone_enters_with_that() -> None:
    spec = Spec(cell="gru", hidden=8)
    entrant = Entrant("alone", "", forecaster(spec, horizons=(1,)))

    said = joined(entrant.trained(HORIZONS).say(Batch.of([series(40)])), "alone")

    assert said.location.shape == (40, 1)
