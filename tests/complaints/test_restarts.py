"""Complaints 3, 11, 19, 20 and 21: what a detector knows must outlive it, be a value, and need no second reading."""

import numpy as np
import torch

from models.column import fresh_state
from models.context import Context
from streamer import snapshot
from streamer.checkpoint import decode, encode
from streamer.partition import Partition
from tests.complaints.lives import MONDAY, QUARTER, Life, lived, noise
from tests.streamer.fleets import WHERE, judge

BEFORE = 400  # readings
DAY_AFTER = MONDAY + BEFORE * QUARTER


def days(count: int) -> np.ndarray:
    """A day of quarters of an hour, over and over, in noise."""
    hours = np.arange(count) / 4
    values: np.ndarray = noise(count) + 10 * np.sin(hours * np.pi / 12)
    return values


def restarted(partition: Partition) -> Partition:
    """The partition as another process has it from the checkpoint."""
    stored = decode(b"".join(encode(snapshot.take(partition, BEFORE))), "test")
    return snapshot.restored(stored, judge())


def after(partition: Partition) -> Life:
    """What is said of the readings after the first ones."""
    return lived(days(BEFORE + 200)[BEFORE:], QUARTER, partition=partition, starts=DAY_AFTER)


def known() -> Partition:
    partition = Partition(judge(), WHERE)
    lived(days(BEFORE), QUARTER, partition=partition)
    return partition


def test_03_after_a_restart_it_goes_on_as_if_it_had_never_stopped() -> None:
    expected, ours, without = after(known()), after(restarted(known())), after(Partition(judge(), WHERE))

    np.testing.assert_array_equal(ours.score, expected.score)
    assert not ours.warming.any()
    assert without.warming[:20].all()


def test_11_a_restart_loses_nothing_that_was_learnt() -> None:
    partition = known()
    rows = slice(1, partition.series.height)

    again = restarted(partition)

    for name, column in partition.table.views.items():
        assert column[rows].equal(again.table.views[name][rows]) or column[rows].isnan().any(), name
    assert again.pool.closed.equal(partition.pool.closed)
    assert partition.table.views["day"][1].abs().max() > 5  # the day was learnt, and would be lost
    assert not Partition(judge(), WHERE).table.views["day"].isfinite().any()


def test_19_the_state_is_a_plain_value_that_can_be_saved() -> None:
    state = known().table.views

    assert all(type(column) is torch.Tensor for column in state.values())
    assert b"".join(
        encode(snapshot.take(known(), BEFORE))
    )  # which knows names, shapes and numbers, and runs no code on loading


def test_20_new_readings_are_scored_by_a_model_that_was_kept_and_leave_it_as_it_was() -> None:
    detector, pool = judge().detector, judge().pool
    rows = 32
    context = Context.of(torch.full((rows,), 60.0), torch.zeros(rows, 2))
    present = torch.ones(rows, 1, dtype=torch.bool)

    def stepped(value: float, state: dict[str, torch.Tensor]) -> tuple[float, dict[str, torch.Tensor]]:
        with torch.inference_mode():
            outcome, later = detector.step(torch.full((rows, 1), value).double(), present, context, state, pool)
        return float(outcome.anomaly_score[0]), later

    kept = fresh_state(detector.columns, rows)
    for value in noise(60):
        _, kept = stepped(float(value), kept)
    copy = {name: column.clone() for name, column in kept.items()}

    first, later = stepped(80.0, kept)
    again, _ = stepped(80.0, kept)
    learnt, _ = stepped(80.0, later)

    assert first == again
    assert learnt != first  # the state after it is another
    assert all(column.allclose(copy[name], equal_nan=True) for name, column in kept.items())


def test_21_a_new_day_is_one_step_a_reading_and_no_look_back() -> None:
    size = Partition(judge(), WHERE).table.row_bytes
    partition = known()
    forgotten = {name: column[1].clone() for name, column in partition.table.views.items()}

    whole = lived(days(BEFORE + 200), QUARTER)
    ours = after(partition)

    assert partition.table.row_bytes == size  # whatever was read
    np.testing.assert_array_equal(ours.score, whole.score[BEFORE:])  # from the state alone
    assert any(not column.equal(partition.table.views[name][1]) for name, column in forgotten.items())
