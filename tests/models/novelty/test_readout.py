"""The readout forecasts what is not linear, forgets nothing it should know, and stays sound whatever comes."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.column import fresh_state
from models.novelty.legendre import Legendre
from models.novelty.readout import LARGEST_TRACE, Readout
from tests.models.novelty import reference
from tests.models.novelty.chaos import lorenz

Float64 = NDArray[np.float64]
ROWS = 32


class Along:
    """A readout of one channel taken along the readings of some rows, and the past that it stands on."""

    def __init__(self) -> None:
        self.past = Legendre()
        self.readout = Readout(self.past.order)
        columns = (*self.past.columns(1), *self.readout.columns(1))
        self.state: dict[str, Tensor] = {**fresh_state(columns, ROWS), "age": torch.zeros(ROWS, 1)}

    def run(self, places: Float64) -> Float64:
        """places: (T, ROWS) -> errors of late / of all life (T, ROWS)."""
        out = []
        for place in torch.from_numpy(places).float().unsqueeze(-1):
            ratio, learnt = self.readout.learn(place, self.state)
            past = self.past.learn(place, self.state)
            self.state = {**self.state, **learnt, "past": past, "age": self.state["age"] + 1}
            out.append(ratio[:, 0].double().numpy())
        ratios: Float64 = np.array(out)
        return ratios


def standardised(values: Float64) -> Float64:
    scaled: Float64 = (values - values.mean(0)) / values.std(0)
    return scaled


def test_the_readout_is_that_of_a_plain_loop_with_a_plain_covariance() -> None:
    places = standardised(lorenz(700, rows=1)) + np.random.default_rng(0).normal(size=(700, 1)) * 0.1
    places[400:550] += 5.0  # coefficients beyond what they are clipped at

    ratio = Along().run(np.tile(places, ROWS))

    np.testing.assert_allclose(ratio[:, 0], reference.readout_of(places[:, 0]), rtol=0.02)


def test_it_learns_a_chaotic_series_that_a_linear_forecast_does_not() -> None:
    places = standardised(lorenz(1_500, rows=ROWS))
    along = Along()

    along.run(places)

    ours = along.state["readout_errors"][:, 0, 0].mean().item()
    linear = [np.abs(reference.readout_errors(places[:, row], reference.linear))[-200:].mean() for row in range(4)]
    assert ours < np.mean(linear) / 2


def test_no_readings_make_it_unsound() -> None:
    random = np.random.default_rng(1)
    kinds = np.stack(
        (
            random.choice([-8.0, 8.0], size=2_500),
            np.zeros(2_500),
            np.full(2_500, 8.0),
            np.sin(np.arange(2_500) / 300),
            np.where(random.random(2_500) < 0.01, 8.0, 1e-6),
            np.where(np.arange(2_500) < 1_500, 1e-9, random.normal(size=2_500)),
        ),
        axis=1,
    )
    along = Along()

    ratio = along.run(np.resize(kinds, (2_500, ROWS)))

    assert np.isfinite(ratio).all()
    assert all(column.isfinite().all() for column in along.state.values())
    trace = along.state["readout_root"].square().sum((-2, -1))
    assert (trace <= LARGEST_TRACE * along.readout.features * 1.001).all()
    assert (along.state["readout_weights"].abs() < 1e3).all()


def test_a_constant_has_no_error() -> None:
    assert not Along().run(np.zeros((100, ROWS))).any()


@pytest.mark.parametrize("size", [0.5, 2.0])
def test_noise_is_as_hard_to_forecast_late_as_ever(size: float) -> None:
    ratio = Along().run(np.random.default_rng(2).normal(size=(1_000, ROWS)) * size)

    assert (np.abs(ratio[300:].mean(0) - 1) < 0.2).all()
