"""Bets on a change: they win by what they are on, stay finite, and leave alone what is only being itself."""

import math

import numpy as np
import pytest
import torch

from models.calibration import bets, echo
from models.calibration.bets import BETS, MOST_DECADES, Change
from models.column import fresh_state
from models.hours import Hour

ROWS = 64
LINE = 4.0  # decades: about one alarm in ten thousand readings


def state_of(channels: int = 1) -> dict[str, torch.Tensor]:
    columns = (*bets.columns(channels), *echo.columns(channels))
    return fresh_state(columns, ROWS) | {"age": torch.zeros(ROWS, channels), "move_rate": torch.ones(ROWS, channels)}


def follow(
    scores: torch.Tensor, moved: torch.Tensor | None = None, state: dict[str, torch.Tensor] | None = None
) -> tuple[list[Change], dict[str, torch.Tensor]]:
    """Bet on scores (T, ROWS, C), one after the other."""
    state, changes = state or state_of(scores.shape[2]), []
    weight = torch.full_like(scores[0], 1 / scores.shape[2])
    for t, score in enumerate(scores):
        has_moved = torch.ones_like(score, dtype=torch.bool) if moved is None else moved[t]
        is_judged, hour = torch.ones_like(has_moved), Hour.none(has_moved)
        change, after = bets.update(score, is_judged, has_moved, weight, hour, state)
        after.update(bets.held(after, torch.full((ROWS,), LINE)))
        state = {**state, **after, **echo.update(score, has_moved, state), "age": state["age"] + 1}
        changes.append(change)
    return changes, state


def noise(readings: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(readings, ROWS, 1, generator=torch.Generator().manual_seed(seed))


def first_beyond(changes: list[Change]) -> torch.Tensor:
    """The reading at which the statistic first passes the line, infinite where it never does. -> (ROWS,)."""
    beyond = torch.stack([change.statistic > LINE for change in changes])
    return torch.where(beyond.any(0), beyond.float().argmax(0).float() + 1, torch.inf)


def test_a_series_that_is_itself_is_left_alone() -> None:
    changes, _ = follow(noise(400))

    assert first_beyond(changes).isfinite().sum() <= 8  # 2.6 expected of 25,600 readings at most


def test_a_series_that_is_always_wider_is_left_alone_once_it_is_known() -> None:
    changes, _ = follow(noise(900) * 1.7)

    assert first_beyond(changes[600:]).isfinite().sum() <= 4  # without its own width, every one


def test_a_spike_does_not_widen_what_a_channel_is_measured_by() -> None:
    _, settled = follow(noise(300))

    _, after = follow(noise(1) + 1e6, state=settled)

    assert (echo.echo_of(after).power - echo.echo_of(settled).power).max() < 0.05


@pytest.mark.parametrize(
    ("shift", "scale", "expected"),
    [(1.5, 1.0, {"up", "far_up"}), (-1.5, 1.0, {"down", "far_down"}), (0, 3.0, {"wider"}), (0, 0.1, {"narrower"})],
)
def test_a_change_is_found_soon_and_by_its_own_bet(shift: float, scale: float, expected: set[str]) -> None:
    _, settled = follow(noise(300))

    changes, _ = follow(noise(60, seed=1) * scale + shift, state=settled)

    found = first_beyond(changes)
    assert (found <= 40).float().mean() >= 0.9
    at = changes[30]
    leading = [BETS[number] for number in at.leading[:, 0].tolist()]
    assert sum(name in expected for name in leading) > 0.7 * ROWS
    assert ((at.since[:, 0] > 0) & (at.since[:, 0] <= 60)).float().mean() > 0.9


def test_one_reading_far_out_is_no_change() -> None:
    _, settled = follow(noise(300))
    spike = noise(1, seed=2) + 30

    changes, _ = follow(spike, state=settled)

    assert (changes[0].statistic < LINE).all()


def test_a_sensor_that_stands_still_is_stuck() -> None:
    _, settled = follow(noise(600))
    still = torch.full((60, ROWS, 1), 0.3)

    changes, _ = follow(still, torch.zeros_like(still, dtype=torch.bool), settled)

    assert first_beyond(changes).max() <= 45
    assert (changes[-1].leading == BETS.index("stuck")).all()


def test_a_series_that_is_flat_for_ever_is_not() -> None:
    flat = torch.zeros(1500, ROWS, 1)

    changes, _ = follow(flat, torch.zeros_like(flat, dtype=torch.bool))

    assert first_beyond(changes).isinf().all()


def test_a_series_that_often_stands_still_is_not_stuck_for_doing_so() -> None:
    moves = torch.zeros(900, ROWS, 1, dtype=torch.bool)
    moves[::60] = True
    score = noise(900) * moves

    changes, _ = follow(score, moves)

    assert first_beyond(changes).isinf().all()


def test_scores_that_follow_each_other_are_worth_less() -> None:
    wave = [noise(1)[0]]
    for step in noise(700, seed=3):
        wave.append(0.6 * wave[-1] + 0.8 * step)
    alone, waving = follow(noise(600))[0], follow(torch.stack(wave))[0]

    calls = [int(sum((change.statistic > LINE + 1).sum() for change in said[300:])) for said in (alone, waving)]

    assert calls[1] <= 0.01 * ROWS * 400, calls


def test_stakes_are_finite_for_ever_and_an_absent_channel_keeps_its_own() -> None:
    hostile = torch.tensor([30.0, -30.0, 0.0, 1e-30]).repeat(200).view(-1, 1, 1).expand(-1, ROWS, 2)

    changes, state = follow(hostile)
    nobody = torch.zeros(ROWS, 2, dtype=torch.bool)
    _, after = bets.update(hostile[0], nobody, nobody, torch.zeros(ROWS, 2), Hour.none(nobody), state)

    assert all(change.statistic.isfinite().all() for change in changes)
    assert state["stakes"].max() <= 10**MOST_DECADES
    assert state["stakes"].min() > 0
    assert all(after[name].equal(state[name]) for name in after)
    assert math.isfinite(float(changes[-1].decades.max()))


def test_a_longest_run_of_few_says_little_as_if_runs_ended_by_chance() -> None:
    for moves, times in ((2, 8.0), (3, 4.0), (10, 2.0)):
        runs = np.random.default_rng(moves).exponential(size=(400_000, moves + 1))
        share = (runs[:, 0] > times * runs[:, 1:].max(1)).mean()
        state = {"move_rate": torch.full((1, 1), moves / 1000), "age": torch.full((1, 1), 1000.0)}

        nats = bets.patience(torch.tensor([[times * 1000.0]]), torch.tensor([[999.0]]), state)

        expected = min(-math.log(share), times)
        assert abs(float(nats) - expected) < 0.05, (moves, times)


def test_a_value_that_is_often_repeated_says_as_much_less_to_be_lower() -> None:
    scores, still = torch.full((12, ROWS, 1), -0.8), torch.zeros(12, ROWS, 1, dtype=torch.bool)
    often = state_of() | {"move_rate": torch.full((ROWS, 1), 0.3)}

    always, seldom = follow(scores, still)[0], follow(scores, still, often)[0]
    moving = follow(scores, ~still, often)[0]

    assert seldom[-1].statistic[0] < always[-1].statistic[0] - 0.5
    torch.testing.assert_close(moving[-1].statistic, follow(scores)[0][-1].statistic)


def test_an_hour_that_is_over_is_bet_on_to_both_sides_and_wins_so_much_at_most() -> None:
    state, nothing = state_of(), torch.zeros(ROWS, 1)
    is_over = torch.arange(ROWS).unsqueeze(1) < ROWS // 2

    def stakes(score: float) -> torch.Tensor:
        said = Hour(is_over, nothing + score)
        change, after = bets.update(nothing, is_over, is_over, torch.ones(ROWS, 1), said, state)
        assert BETS[int(change.leading[0, 0])] == ("above_day" if score > 0 else "below_day")
        return after["day_stakes"][:, 0]

    for score, won in ((3.0, math.exp(2 * 3 - 2)), (-3.0, math.exp(-2 * 3 - 2)), (40.0, math.exp(6))):
        above, below = stakes(score).unbind(1)
        assert above[: ROWS // 2].tolist() == pytest.approx([won] * (ROWS // 2))
        assert not above[ROWS // 2 :].any()
        assert not below[ROWS // 2 :].any()
    assert stakes(-3.0)[0, 1] == pytest.approx(math.exp(2 * 3 - 2))


def test_a_day_stake_is_held_two_decades_above_its_line() -> None:
    after = {"stakes": torch.ones(ROWS, 1, 6), "day_stakes": torch.full((ROWS, 1, 2), 1e11)}

    assert bets.held(after, torch.full((ROWS,), LINE))["day_stakes"].max() == 10 ** (LINE + 2)
