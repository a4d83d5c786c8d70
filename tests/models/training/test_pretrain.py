"""The shipped weights: made by a seed, the same again, and better than where they began."""

from itertools import combinations
from pathlib import Path

import pytest
import torch

from models.artifact import load, save
from models.forecasters import Kind, Spec, build
from models.training.pretrain import RECIPES, Recipe, batch_of, make, task_of
from models.training.task import Shard
from models.training.trainer import Settings


def tiny(spec: Spec, epochs: int = 3) -> Recipe:
    """A recipe that takes a second."""
    return Recipe(spec, streams=32, length=64, window=32, settings=Settings(epochs=epochs, warm_up_ratio=0.2))


@pytest.mark.parametrize("kind", [Kind.COMBINER, Kind.RECURRENT])
def test_weights_are_repeatable_and_better_than_those_they_began_with(kind: Kind, tmp_path: Path) -> None:
    recipe = tiny(Spec("gru", 8, kind.value))
    (tmp_path / "again").mkdir()

    made = make("tiny", recipe, tmp_path)

    again = make("tiny", recipe, tmp_path / "again")
    assert made.name == again.name
    begun = make("begun", tiny(recipe.spec, epochs=0), tmp_path)
    assert made.origin.metrics["loss"] < begun.origin.metrics["loss"] - 0.001


def test_an_artifact_of_experts_alone_needs_no_training(tmp_path: Path) -> None:
    recipe = tiny(RECIPES["experts"].spec)

    save(make("experts", recipe, tmp_path), tmp_path / "experts.safetensors")

    loaded = load(tmp_path / "experts.safetensors")
    assert loaded.spec == recipe.spec
    assert loaded.prior.sum() > 0


def test_a_batch_is_a_function_of_its_number_and_every_third_has_four_channels() -> None:
    recipe = tiny(Spec("gru", 8))

    first, again = (batch_of(recipe, number) for number in (4, 4))

    assert torch.equal(first.values, again.values)
    assert [batch_of(recipe, number).values.shape[2] for number in range(3)] == [1, 1, 4]


def test_every_batch_is_seen_once_at_horizons_of_its_own() -> None:
    recipe = tiny(Spec("gru", 8, Kind.COMBINER.value))
    task = task_of(build(recipe.spec), recipe)

    walks = [task.walk(epoch, Shard()) for epoch in range(3)]

    horizons = [[round(h) for h in walk[0].log_horizon.exp()[0, 0, 0].tolist()] for walk in walks]
    assert horizons == [[1, 12, 24], [1, 3, 48], [1, 6, 96]]
    features = [walk[0].features.flatten() for walk in walks]
    assert not any(torch.equal(one, other) for one, other in combinations(features, 2))
