"""The loop that fits a cell to a task."""

import pytest
import torch

from docs.gradients.fitting import RECENT, Fit, Recipe, fit, seeded
from docs.gradients.tasks import Echo
from models.cells import GRU, RNN


@pytest.mark.parametrize("clip", [1e-3, 1e9])
def test_a_step_is_as_long_as_the_gradient_or_as_the_limit(clip: float) -> None:
    task = Echo(lag=2, length=10)
    reader, generator = seeded(GRU, task, seed=0)
    before = torch.cat([weight.detach().flatten() for weight in reader.parameters()])

    course = fit(reader, task, Recipe(steps=1, learning_rate=0.5, optimiser="sgd", clip=clip), generator)

    moved = torch.cat([weight.detach().flatten() for weight in reader.parameters()]) - before
    assert float(moved.norm()) == pytest.approx(0.5 * min(course.norms[0], clip), rel=1e-2)


def test_a_fitting_ends_when_solved_and_says_so() -> None:
    task = Echo(lag=0, length=10)
    reader, generator = seeded(RNN, task, seed=0)

    course = fit(reader, task, Recipe(steps=500, solved=0.1), generator)

    assert RECENT <= len(course.losses) < 500
    assert course.is_solved(0.1, task.baseline)


def test_a_fitting_ends_where_the_loss_is_no_number() -> None:
    task = Echo(lag=2, length=10)
    reader, generator = seeded(GRU, task, seed=0)
    torch.nn.init.constant_(reader.head.bias, 1e30)

    course = fit(reader, task, Recipe(steps=9), generator)

    assert len(course.losses) == 1
    assert course.recent_loss == float("inf")


def test_nothing_is_solved_before_it_was_tried_for_a_while() -> None:
    assert not Fit([0.0] * (RECENT - 1), []).is_solved(0.1, 1.0)
    assert Fit([0.0] * RECENT, []).is_solved(0.1, 1.0)


def test_the_same_seed_gives_the_same_course() -> None:
    task, recipe = Echo(lag=2, length=10), Recipe(steps=3)

    courses = [fit(*seeded(GRU, task, seed)[:1], task, recipe, seeded(GRU, task, seed)[1]) for seed in (1, 1, 2)]

    assert courses[0] == courses[1] != courses[2]
