"""Training: the streams are seeded and varied, and a few rounds make a forecaster better."""

import numpy as np
import torch

from models.forecasters.recurrent import RecurrentForecaster
from models.training.pretrain import Recipe, batches, evaluate, train
from models.training.streams import draw

TINY = Recipe(cell="gru", hidden=8, streams=96, length=96, window=32, rounds=12)


def test_streams_of_one_seed_are_the_same_and_of_another_are_not() -> None:
    first, again, other = (draw(np.random.default_rng(seed), 50, 40) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first.values, again.values)
    assert not np.array_equal(first.values, other.values)


def test_streams_are_finite_varied_and_partly_missing() -> None:
    streams = draw(np.random.default_rng(0), 200, 300)

    assert np.isfinite(streams.values).all()
    assert 0.9 < streams.present.mean() < 1
    assert not (streams.scored & ~streams.present).any()
    spreads = np.std(np.diff(streams.values, axis=0), axis=0)
    assert np.quantile(spreads, 0.9) > 1000 * np.quantile(spreads, 0.1)


def test_streams_keep_their_own_time() -> None:
    streams = draw(np.random.default_rng(0), 100, 60)

    assert np.isnan(streams.elapsed_seconds[0]).all()
    assert (streams.elapsed_seconds[1:] > 0).all()
    assert ((streams.calendar >= 0) & (streams.calendar < 1)).all()


def test_training_is_repeatable_and_makes_a_better_forecaster() -> None:
    torch.set_num_threads(1)
    trained, again = train(TINY), train(TINY)
    untrained = RecurrentForecaster(TINY.cell, TINY.hidden)

    assert all(torch.equal(ours, theirs) for ours, theirs in zip(trained.parameters(), again.parameters(), strict=True))
    assert evaluate(trained, TINY)[1]["nll"] < evaluate(untrained, TINY)[1]["nll"] - 0.05


def test_rounds_hold_single_channels_and_groups_of_four() -> None:
    shapes = {batch.values.shape[2] for batch in batches(TINY, np.random.default_rng(0), 3)}

    assert shapes == {1, 4}
