"""The tasks ask for what they say they ask for."""

import math

import torch
from torch import Generator, Tensor

from docs.gradients.streams import EVERY, GAP, Filling, Forecast, Values
from docs.gradients.tasks import Adding, Copying, Echo, Waves


def seeded() -> Generator:
    return Generator().manual_seed(3)


def streams() -> Values:
    return Values(torch.randn(2 * EVERY + 1, 5, dtype=torch.float64, generator=seeded()).cumsum(0) * 1e6)


def test_adding_asks_for_the_sum_of_the_two_marked_numbers_one_in_each_half() -> None:
    x, target = Adding(10).draw(64, seeded())

    number, mark = x.unbind(-1)
    assert mark[:5].sum(0).eq(1).all()
    assert mark[5:].sum(0).eq(1).all()
    assert torch.equal((number * mark).sum(0), target)


def test_guessing_the_mean_of_adding_has_the_loss_of_the_baseline() -> None:
    task = Adding(10)
    _, target = task.draw(20_000, seeded())

    loss = task.loss(torch.ones(10, 20_000, 1), target)

    assert math.isclose(float(loss), task.baseline, rel_tol=0.05)


def test_copying_asks_for_the_letter_that_came_the_lag_before() -> None:
    task = Copying(lag=7)
    x, target = task.draw(64, seeded())

    assert torch.equal(x[0].argmax(-1), target[0])
    assert x.shape[0] - 1 == 7
    assert x[1:7].argmax(-1).eq(task.letters).all()
    assert x[7].argmax(-1).eq(task.letters + 1).all()


def test_who_knows_the_letter_has_no_loss_and_who_guesses_has_that_of_the_baseline() -> None:
    task = Copying(lag=7)
    _, letter = task.draw(64, seeded())
    known = 100.0 * torch.nn.functional.one_hot(letter, task.letters)
    output = torch.cat((torch.zeros(7, 64, task.letters), known))

    assert float(task.loss(output, letter)) < 1e-6
    assert math.isclose(float(task.loss(0 * output, letter)), task.baseline, rel_tol=1e-6)


def test_an_echo_is_what_was_shown_the_lag_before() -> None:
    x, target = Echo(lag=3, length=9).draw(4, seeded())

    assert torch.equal(target[3:], x[:-3])
    assert target[:3].eq(0).all()


def test_waves_are_asked_for_one_step_ahead_and_vary_as_the_baseline_says() -> None:
    task = Waves(length=168)
    x, target = task.draw(2_000, seeded())

    assert torch.equal(target[:-1], x[1:])
    assert math.isclose(float(task.loss(torch.zeros_like(target), target)), task.baseline, rel_tol=0.03)


def test_a_forecast_is_asked_for_the_step_after_the_newest() -> None:
    task = Forecast(streams())

    answer, weight = task.target.unbind(-1)
    assert torch.equal(answer[:-1], task.x[1:, :, 0])
    assert weight.eq(1).all()


def held(task: Filling) -> Tensor:
    """The answer that repeats the last value before a gap, one step after the other."""
    answers, last = [], torch.zeros(task.x.shape[1])
    for step in task.x:
        last = torch.where(step[:, 1] > 0, last, step[:, 0])
        answers.append(last)
    return torch.stack(answers).unsqueeze(-1)


def test_a_gap_shows_nothing_counts_alone_and_has_the_last_value_before_it_for_a_baseline() -> None:
    task = Filling(streams())

    shown, hidden = task.x.unbind(-1)
    assert hidden.sum(0).eq(2 * GAP).all()
    assert shown[hidden > 0].eq(0).all()
    assert torch.equal(task.target[..., 1], hidden)
    assert math.isclose(float(task.loss(held(task), task.target)), task.baseline, rel_tol=1e-6)
    assert float(task.loss(task.target[..., :1], task.target)) == 0
