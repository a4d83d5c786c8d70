"""What holds for every forecaster that a group may choose."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models.artifact import load, shipped
from models.forecasters import BASELINES, Forecaster, Kind
from models.training.forecasting import Batch
from tests.models.walks import taken, walk

CHANNELS, ORDER = 3, [2, 0, 1]
CHOICES = [
    ("gru", "combiner", "compact"),
    ("lstm", "combiner", "compact"),
    ("gru", "combiner", "rich"),
    ("gru", "recurrent", "compact"),
    ("", "experts", "rich"),
    *(("", baseline, "compact") for baseline in BASELINES),
]


def chosen(cell: str, kind: str, tier: str) -> Forecaster:
    forecaster = load(shipped(cell, kind, tier)).forecaster
    return forecaster.at((1, 5)) if Kind(kind).has_experts else forecaster


@pytest.fixture(params=CHOICES, ids=" ".join)
def forecaster(request: pytest.FixtureRequest) -> Forecaster:
    return chosen(*request.param)


def widened(batch: Batch, rows: int) -> Batch:
    """The same series behind others, in a batch of as many rows as that."""
    others = walk(len(batch.values), rows=rows - 32, channels=CHANNELS, seed=8)
    return Batch(*(torch.cat((getattr(others, name), getattr(batch, name)), 1) for name in Batch.__slots__))


def test_a_row_has_the_same_bits_in_every_batch(forecaster: Forecaster) -> None:
    batch = walk(30, channels=CHANNELS, flaws=0.1)

    said, state = taken(forecaster, batch)
    beside, beside_state = taken(forecaster, widened(batch, 96))

    assert all(torch.equal(ours[:, 64:], theirs) for ours, theirs in zip(beside, said, strict=True))
    for name, column in state.items():
        assert torch.equal(beside_state[name][64:].nan_to_num(), column.nan_to_num()), name


def test_permuted_channels_permute_the_forecasts(forecaster: Forecaster) -> None:
    batch = walk(30, channels=CHANNELS, flaws=0.1)
    turned = {name: getattr(batch, name)[..., ORDER] for name in ("values", "present", "scored")}

    said, _ = taken(forecaster, batch)
    permuted, _ = taken(forecaster, replace(batch, **turned))

    for ours, theirs in zip(permuted, said, strict=True):
        torch.testing.assert_close(ours, theirs[:, :, ORDER], atol=1e-3, rtol=1e-3)


def test_a_reading_of_nothing_leaves_the_forecast_as_it_was(forecaster: Forecaster) -> None:
    batch = walk(30, channels=CHANNELS, cadence_seconds=3 * 3600.0)
    batch.present[20:25] = False

    said, _ = taken(forecaster, batch)

    assert all(torch.equal(part[24], part[19]) for part in said)
    assert not any(torch.equal(part[25], part[19]) for part in said[:2])


def test_the_first_forecasts_of_a_series_are_finite_and_wide(forecaster: Forecaster) -> None:
    said, _ = taken(forecaster, walk(3))

    assert all(part.isfinite().all() for part in said)
    assert (said.log_scale[:2].exp() > 0.05).all()  # of a scale that is the size of the value itself
    assert (said.freedom > 1).all()


@pytest.mark.parametrize("choice", [choice for choice in CHOICES if Kind(choice[1]).has_experts], ids=" ".join)
def test_other_horizons_are_forecast_by_the_same_weights(choice: tuple[str, str, str]) -> None:
    near = load(shipped(*choice)).forecaster
    far = near.at((1, 3, 24))

    said, _ = taken(far, walk(30))
    nearest, _ = taken(near, walk(30))

    assert said.location.shape == (30, 32, 1, 3)
    assert [*map(id, far.parameters())] == [*map(id, near.parameters())]
    assert_close_first(said.location, nearest.location)
    with pytest.raises(ValueError, match="Expected 1 as the first one"):
        near.at((2,))


def assert_close_first(many: Tensor, one: Tensor) -> None:
    torch.testing.assert_close(many[..., :1], one, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("choice", [choice for choice in CHOICES if not Kind(choice[1]).has_experts], ids=" ".join)
def test_without_experts_a_forecaster_sees_one_step_ahead(choice: tuple[str, str, str]) -> None:
    forecaster = chosen(*choice)

    assert forecaster.at((1,)) is forecaster
    with pytest.raises(ValueError, match="Expected "):
        forecaster.at((1, 12))
