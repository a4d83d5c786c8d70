"""The trainer: any interruption, any number of processes and the seed alone decide what is learnt."""

import dataclasses
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from typing_extensions import override

from models.training.snapshot import Keeper, Position, SnapshotError
from models.training.trainer import DivergedError, Observer, Settings, Trainer, learning_rate
from tests.models.training.recall import ROWS, Recall

SETTINGS = Settings(epochs=4, learning_rate=0.02, saved_steps=3, reset_ratio=0.2, masked_readings=2)


class Interrupted(Exception):
    """The process is gone."""


class InMemory(Keeper):
    """Keeps snapshots in memory, and breaks down right after the ``last`` one."""

    def __init__(self, last: int | None = None) -> None:
        self.kept: list[bytes] = []
        self.last = last

    @override
    def load(self) -> bytes | None:
        return self.kept[-1] if self.kept else None

    @override
    def save(self, content: bytes) -> None:
        self.kept.append(content)
        if len(self.kept) == self.last:
            raise Interrupted


class Diary(Observer):
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.steps: list[Position] = []
        self.trained: list[float | None] = []
        self.held_out: list[float] = []

    @override
    def stepped(self, position: Position, windows: int, readings: float) -> None:
        self.steps.append(position)

    @override
    def judged(self, position: Position, trained: float | None, held_out: float | None) -> None:
        self.trained.append(trained)
        if held_out is not None:
            self.held_out.append(held_out)


def weights(task: Recall) -> Tensor:
    return torch.cat([weight.flatten() for weight in task.model.state_dict().values()])


def fitted(settings: Settings = SETTINGS, **changes: float) -> tuple[Recall, Diary]:
    task, diary = Recall(**changes), Diary()  # type: ignore[arg-type]
    Trainer(task, settings, observer=diary).fit()
    return task, diary


def changed(**changes: float) -> Settings:
    return dataclasses.replace(SETTINGS, **changes)  # type: ignore[arg-type]


def test_the_seed_decides_the_weights() -> None:
    weights_of = [weights(fitted(settings)[0]) for settings in (SETTINGS, SETTINGS, changed(seed=8))]

    assert torch.equal(weights_of[0], weights_of[1])
    assert not torch.equal(weights_of[0], weights_of[2])


def test_an_interruption_after_any_snapshot_changes_no_bit() -> None:
    undisturbed, keeper = Recall(), InMemory()
    Trainer(undisturbed, SETTINGS, keeper=keeper).fit()
    count = len(keeper.kept)

    for last in range(1, count + 1):
        interrupted = InMemory(last)
        with pytest.raises(Interrupted):
            Trainer(Recall(), SETTINGS, keeper=interrupted).fit()
        task = Recall(seed=99)
        Trainer(task, SETTINGS, keeper=interrupted).fit()
        assert torch.equal(weights(task), weights(undisturbed)), f"after snapshot {last} of {count}"
        assert interrupted.kept[-1] == keeper.kept[-1]


def test_a_training_that_ended_trains_no_further() -> None:
    keeper, diary = InMemory(), Diary()
    Trainer(Recall(), SETTINGS, keeper=keeper).fit()

    Trainer(Recall(seed=99), SETTINGS, keeper=keeper, observer=diary).fit()

    assert diary.steps == []


def test_the_generators_outside_are_left_alone() -> None:
    torch.manual_seed(5)
    task = Recall()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)

    Trainer(task, SETTINGS).fit()

    assert torch.equal(torch.rand(3), expected)


def test_training_stops_when_nothing_gets_better_and_leaves_the_best_weights() -> None:
    task, diary = fitted(changed(epochs=200, learning_rate=0.3, patience=3))
    best = min(range(len(diary.held_out)), key=diary.held_out.__getitem__)

    assert len(diary.held_out) < 200
    assert len(diary.held_out) - 1 == best + 3
    judged = Trainer(task, changed(epochs=0)).fit().best
    assert judged is not None
    assert judged.loss == diary.held_out[best]


def test_weights_that_only_get_worse_are_given_back_as_they_were() -> None:
    task, _ = fitted(changed(epochs=30, learning_rate=0.01))
    before = weights(task)

    Trainer(task, changed(epochs=2, learning_rate=10.0, warm_up_ratio=0.0)).fit()

    assert torch.equal(weights(task), before)


def test_what_is_carried_teaches_what_zero_started_windows_cannot() -> None:
    long = {"dropout": 0.0, "windows": 8}
    _, carried = fitted(changed(epochs=80, reset_ratio=0.0), **long)
    _, zeroed = fitted(changed(epochs=80, reset_ratio=1.0), **long)

    assert min(carried.held_out) < 0.5 * min(zeroed.held_out)


@pytest.mark.parametrize(("reset_ratio", "expected"), [(0.0, {0}), (1.0, {2})])
def test_rows_that_are_reset_have_their_first_readings_masked(reset_ratio: float, expected: set[int]) -> None:
    task, _ = fitted(changed(epochs=1, reset_ratio=reset_ratio))

    assert task.masks[0] == [0] * ROWS  # a walk begins as a series does
    assert {mask for window in task.masks[1:] for mask in window} == expected


def test_a_share_of_the_rows_is_reset() -> None:
    task, _ = fitted(changed(epochs=40, reset_ratio=0.25))
    later = [mask for number, window in enumerate(task.masks) if number % 4 for mask in window]

    assert sum(mask > 0 for mask in later) / len(later) == pytest.approx(0.25, abs=0.05)


def test_accumulated_windows_make_one_step_by_their_mean_gradient() -> None:
    plain = changed(epochs=1, learning_rate=0.01, warm_up_ratio=0.0, clip_norm=math.inf, reset_ratio=0.0)
    whole, whole_diary = fitted(plain, dropout=0.0, windows=1, length=16)
    together = dataclasses.replace(plain, accumulated_windows=4)

    parts, parts_diary = fitted(together, dropout=0.0, windows=4, length=4)

    assert len(whole_diary.steps) == len(parts_diary.steps) == 1
    assert parts_diary.trained[1] == pytest.approx(whole_diary.trained[1], rel=1e-6)
    one, other = (task.model.get_parameter("output.1.bias").grad for task in (whole, parts))  # cut off nowhere
    assert one is not None
    assert other is not None
    assert torch.allclose(one, other)


def test_a_gradient_is_clipped() -> None:
    free, clipped = (changed(epochs=1, learning_rate=1e-3, clip_norm=norm) for norm in (math.inf, 1e-12))

    moved = [(weights(fitted(settings)[0]) - weights(Recall())).abs().max() for settings in (free, clipped)]

    assert moved[1] < 0.2 * moved[0]


def test_the_learning_rate_rises_in_a_line_and_falls_by_a_cosine() -> None:
    settings = Settings(epochs=1, learning_rate=1.0, warm_up_ratio=0.1, final_ratio=0.02)

    rates = [learning_rate(progress, settings) for progress in (0.0, 0.05, 0.1, 0.55, 1.0)]

    assert rates == pytest.approx([0.0, 0.5, 1.0, 0.51, 0.02])


def test_a_loss_that_is_no_number_ends_training_and_says_where() -> None:
    task = Recall()
    task.factor = math.nan

    with pytest.raises(DivergedError, match=r"loss in epoch 1, windows 1 to 1 of 4: Expected a number, got nan"):
        Trainer(task, SETTINGS).fit()


def shortened(content: bytes) -> bytes:
    return content[: len(content) // 2]


def renumbered(content: bytes) -> bytes:
    return content.replace(b'\\"format_version\\": 1', b'\\"format_version\\": 7')


@pytest.mark.parametrize(
    ("spoil", "settings", "message"),
    [
        (shortened, SETTINGS, "Expected the snapshot of a training, got: SafetensorError"),
        (renumbered, SETTINGS, "Expected format_version 1, got 7"),
        (bytes, changed(seed=8), r"Expected the snapshot of a training with {'seed': 8}, got one with {'seed': 7}"),
    ],
)
def test_a_snapshot_that_does_not_fit_is_refused(
    spoil: Callable[[bytes], bytes], settings: Settings, message: str
) -> None:
    keeper = InMemory()
    Trainer(Recall(), SETTINGS, keeper=keeper).fit()
    keeper.kept.append(spoil(keeper.kept[-1]))

    with pytest.raises(SnapshotError, match=message):
        Trainer(Recall(), settings, keeper=keeper).fit()
