"""Prototypes are the means of the pasts that were nearest to them."""

import numpy as np
import torch

from models.column import fresh_state
from models.novelty.prototypes import Prototypes
from tests.models.novelty import reference


def test_the_distance_is_that_of_a_plain_k_means_over_one_series() -> None:
    pasts = np.random.default_rng(0).normal(size=(500, 4))
    bank = Prototypes(4)
    state = fresh_state(bank.columns(1), 1)
    distances = []

    for age, past in enumerate(pasts):
        state["age"] = torch.full((1, 1), float(age))
        distance, learnt = bank.learn(torch.from_numpy(past).float().view(1, 1, 4), state)
        state = {**state, **learnt}
        distances.append(distance.item())

    np.testing.assert_allclose(distances, reference.distances(pasts), atol=5e-3)


def test_an_old_memory_hardly_takes_an_incident_for_normal() -> None:
    bank = Prototypes(4)
    state = fresh_state(bank.columns(1), 1)
    for age in range(1_000):
        state["age"] = torch.full((1, 1), float(age))
        state = {**state, **bank.learn(torch.full((1, 1, 4), float(age % 3)), state)[1]}
    far = torch.full((1, 1, 4), 50.0)

    first, learnt = bank.learn(far, state)
    for _ in range(30):
        state = {**state, **learnt}
        last, learnt = bank.learn(far, state)

    assert last > 0.9 * first
