"""A Legendre memory is the projection of its past, step by step as in one piece."""

import numpy as np
import torch
from numpy.polynomial import legendre

from models.column import fresh_state
from models.novelty.legendre import Legendre
from tests.models.novelty import reference

WINDOW = 128


def _remembered(places: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    memory = Legendre()
    state = fresh_state(memory.columns(1), 1)
    for place in places:
        state["past"] = memory.learn(torch.full((1, 1), float(place)), state)
    return state["past"][0, 0].double().numpy()


def test_the_memory_is_that_of_a_plain_loop() -> None:
    places = np.random.default_rng(0).normal(size=300)

    coefficients = _remembered(places)

    np.testing.assert_allclose(coefficients, reference.memory_of(places)[-1], atol=1e-4)


def test_the_memory_of_a_constant_is_its_mean_and_nothing_else() -> None:
    coefficients = _remembered(np.full(1_000, 3.0))

    np.testing.assert_allclose(coefficients, [3.0, 0.0, 0.0, 0.0], atol=1e-3)


def test_the_memory_of_a_slow_wave_is_its_projection_on_legendre_polynomials() -> None:
    time = np.arange(1_000)
    wave = np.sin(2 * np.pi * time / 300)

    coefficients = _remembered(wave)

    back = np.linspace(0, 1, 4_001)  # of the window, from now
    past = np.interp(time[-1] + 0.5 - back * WINDOW, time + 0.5, wave)
    shapes = [np.sqrt(2 * i + 1) * legendre.legval(2 * back - 1, np.eye(4)[i]) for i in range(4)]
    projection = [np.trapezoid(past * shape, back) for shape in shapes]
    np.testing.assert_allclose(np.abs(coefficients), np.abs(projection), atol=0.06)


def test_the_distance_of_two_memories_is_that_of_the_two_pasts() -> None:
    time = np.arange(1_000)
    one, other = np.sin(2 * np.pi * time / 250), np.cos(2 * np.pi * time / 400)

    distance = np.linalg.norm(_remembered(one) - _remembered(other))

    assert abs(distance - np.sqrt(np.mean((one - other)[-WINDOW:] ** 2))) < 0.1
