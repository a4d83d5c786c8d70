"""Stretches: nothing is trained on that is held out, and a batch shows what the detector will see."""

import numpy as np
import pytest
import torch

from models.transform import Transform
from streamer.calendar import calendar_of
from streamer.training.series import Series
from streamer.training.stretches import Draw, Seen, Stretch, split
from tests.streamer.training.waves import STEP_SECONDS, wave

SEEN = Seen((Transform.NONE,), calendar_of("UTC"))


def instants(series: Series) -> set[tuple[str, int]]:
    return {(series.name, int(time)) for time in series.timestamp}


def test_whole_series_are_held_out_where_there_are_several() -> None:
    series = [wave(f"s{number}", 100) for number in range(10)]

    parts = split(series, ratio=0.2, length=40, most=100, seed=3)

    held_out = {stretch.series.name for stretch in parts.held_out}
    assert len(held_out) == 2
    assert {one.name for one in parts.trained} == {one.name for one in series} - held_out


def test_every_reading_of_a_series_held_out_is_judged_once() -> None:
    series = [wave("a", 100), wave("b", 100)]

    parts = split(series, ratio=0.5, length=40, most=100, seed=3)

    judged = [time for stretch in parts.held_out for time in stretch.series.timestamp[stretch.lead :].tolist()]
    assert judged == series[0].timestamp.tolist()
    assert [stretch.lead for stretch in parts.held_out] == [0, 20, 20]


def test_of_one_series_the_last_part_is_held_out_behind_what_leads_up_to_it() -> None:
    only = wave("a", 400)

    parts = split([only], ratio=0.25, length=64, most=100, seed=3)

    assert [len(one) for one in parts.trained] == [300]
    first = parts.held_out[0]
    assert first.lead == 32
    assert first.series.timestamp[first.lead] == only.timestamp[300]
    judged = sum(len(stretch.series) - stretch.lead for stretch in parts.held_out)
    assert judged == 100


def test_no_more_is_held_out_than_asked_for() -> None:
    parts = split([wave("a", 1_000), wave("b", 1_000)], ratio=0.5, length=10, most=7, seed=3)

    assert len(parts.held_out) == 7


@pytest.mark.parametrize("lengths", [[], [31, 31], [100]])
def test_too_little_to_split_is_refused(lengths: list[int]) -> None:
    series = [wave(f"s{number}", length) for number, length in enumerate(lengths)]

    with pytest.raises(ValueError, match="Expected several series of 32 readings and more, or one of which as many"):
        split(series, ratio=0.2, length=40, most=100, seed=3)


def test_a_draw_is_a_function_of_seed_and_epoch() -> None:
    series = [wave("a", 300), wave("b", 100)]

    draws = [Draw(series, SEEN, 64, 50, seed)(epoch).values for seed, epoch in ((1, 0), (1, 0), (1, 1), (2, 0))]

    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert not torch.equal(draws[0], draws[3])


def test_every_reading_is_drawn_about_as_often_as_any_other() -> None:
    series = [wave("a", 900), wave("b", 100)]
    draw = Draw(series, SEEN, 64, 50, 1)

    values = torch.cat([draw(epoch).values.flatten() for epoch in range(12)])

    of_long = torch.isin(values, torch.from_numpy(series[0].values)).double().mean()
    assert of_long == pytest.approx(0.9, abs=0.05)


def test_a_small_set_is_drawn_in_one_tile_and_a_large_one_in_as_many_rows_as_allowed() -> None:
    small, large = (Draw([wave("a", readings)], SEEN, 64, 50, 1) for readings in (200, 5_000))

    assert small(0).values.shape == (50, 32, 1)
    assert large(0).values.shape == (50, 64, 1)


def test_a_batch_has_the_readings_and_nothing_behind_their_end() -> None:
    long, short = wave("a", 50), wave("b", 40)
    short.present[7] = False

    batch = SEEN.batch_of([Stretch(long), Stretch(short, lead=5)])

    np.testing.assert_array_equal(batch.values[:, 0], long.values)
    assert batch.present[:, 0].all()
    assert batch.present[:40, 1, 0].tolist() == [step != 7 for step in range(40)]
    assert not batch.present[40:, 1].any()
    assert batch.scored[:, 1, 0].tolist() == [5 <= step < 40 for step in range(50)]
    assert batch.elapsed[0].isnan().all()
    assert set(batch.elapsed[1:40].flatten().tolist()) == {float(STEP_SECONDS)}


def test_the_clock_is_the_groups_own() -> None:
    berlin = Seen((Transform.NONE,), calendar_of("Europe/Berlin"))

    phases = [seen.batch_of([Stretch(wave("a", 2))]).calendar[0, 0, 0].item() for seen in (SEEN, berlin)]

    assert phases == pytest.approx([0.0, 1 / 24])  # midnight in UTC, in winter


def test_what_is_judged_is_what_is_trained_on() -> None:
    series = wave("a", 50)

    batch = Seen((Transform.DIFFERENCE,), calendar_of("UTC")).batch_of([Stretch(series)])

    np.testing.assert_array_equal(batch.values[1:, 0], np.diff(series.values, axis=0))
    assert batch.present[:, 0, 0].tolist() == [False] + [True] * 49
