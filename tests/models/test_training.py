"""Training: a few rounds make a forecaster better, by single channels and groups of them."""

import numpy as np
import torch

from models.forecasters.recurrent import RecurrentForecaster
from models.training.pretrain import Recipe, batches, evaluate, train

TINY = Recipe(cell="gru", hidden=8, streams=96, length=96, window=32, rounds=12)


def test_training_is_repeatable_and_makes_a_better_forecaster() -> None:
    torch.set_num_threads(1)
    trained, again = train(TINY), train(TINY)
    untrained = RecurrentForecaster(TINY.cell, TINY.hidden)

    assert all(torch.equal(ours, theirs) for ours, theirs in zip(trained.parameters(), again.parameters(), strict=True))
    assert evaluate(trained, TINY)[1]["nll"] < evaluate(untrained, TINY)[1]["nll"] - 0.05


def test_rounds_hold_single_channels_and_groups_of_four() -> None:
    shapes = {batch.values.shape[2] for batch in batches(TINY, np.random.default_rng(0), 3)}

    assert shapes == {1, 4}
