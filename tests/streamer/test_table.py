"""The state table: what is scattered is gathered, growing loses nothing, and what is exported can be loaded."""

import numpy as np
import pytest
import torch

from models.column import Column
from streamer.room import Room
from streamer.series_rows import PADDING_ROW
from streamer.table import StateTable

COLUMNS = (
    Column("narrow", torch.float32, ()),
    Column("level", torch.float64, (2,), initial=7.0),
    Column("count", torch.int64, ()),
    Column("hidden", torch.float32, (2, 3), initial=float("nan")),
)


def some_state(rows: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(rows)
    return {
        column.name: torch.randint(-(2**40), 2**40, (rows, *column.shape), generator=generator).to(column.dtype)
        for column in COLUMNS
    }


def gathered_from(table: StateTable, rows: torch.Tensor) -> dict[str, torch.Tensor]:
    return table.layout.views(table.gather(rows))


def scatter(table: StateTable, rows: torch.Tensor, state: dict[str, torch.Tensor]) -> None:
    table.scatter(rows, table.layout.pack(state))


def test_what_is_scattered_is_gathered() -> None:
    table = StateTable(COLUMNS)
    rows, state = torch.tensor([5, 1, 9]), some_state(3)

    scatter(table, rows, state)

    gathered = gathered_from(table, rows)
    assert all(torch.equal(gathered[name], column) for name, column in state.items())
    assert gathered["level"].dtype is torch.float64


def test_rows_nobody_has_seen_hold_the_initial_values() -> None:
    fresh = gathered_from(StateTable(COLUMNS), torch.tensor([PADDING_ROW, 3]))

    assert fresh["level"].eq(7).all()
    assert fresh["hidden"].isnan().all()
    assert fresh["count"].eq(0).all()


def test_growing_keeps_every_row() -> None:
    table = StateTable(COLUMNS)
    rows, state = torch.arange(1, 60), some_state(59)
    scatter(table, rows, state)
    size = table.size_bytes

    table.ensure(10_000)

    assert all(torch.equal(gathered_from(table, rows)[name], column) for name, column in state.items())
    assert gathered_from(table, torch.tensor([9_999]))["level"].eq(7).all()
    assert table.size_bytes >= 10_000 * table.row_bytes > size


def test_padding_behind_the_rows_is_left_out() -> None:
    table = StateTable(COLUMNS)

    scatter(table, torch.tensor([4]), some_state(32))

    assert gathered_from(table, torch.tensor([PADDING_ROW]))["level"].eq(7).all()


def test_what_was_gathered_is_a_copy() -> None:
    table = StateTable(COLUMNS)
    before = gathered_from(table, torch.tensor([1]))

    scatter(table, torch.tensor([1]), some_state(1))

    assert before["level"].eq(7).all()


def test_a_row_is_a_whole_number_of_cache_lines() -> None:
    assert StateTable(COLUMNS).row_bytes % 64 == 0


def a_full_table(rows: int = 59) -> tuple[StateTable, dict[str, torch.Tensor]]:
    table, state = StateTable(COLUMNS), some_state(rows)
    table.ensure(rows + 1)
    scatter(table, torch.arange(1, rows + 1), state)
    return table, state


def test_rows_that_are_reset_hold_the_initial_values_and_others_stay() -> None:
    table, state = a_full_table()

    table.reset(torch.tensor([2, 59]))

    gathered = gathered_from(table, torch.arange(1, 60))
    fresh = gathered_from(StateTable(COLUMNS), torch.tensor([1, 1]))
    for name, column in gathered.items():
        assert torch.equal(column[2:58], state[name][2:58])
        assert torch.equal(column[0], state[name][0])
        assert torch.allclose(column[[1, 58]], fresh[name], rtol=0, atol=0, equal_nan=True)


def test_a_table_that_grew_in_a_step_can_be_reset_after_it() -> None:
    table = StateTable(COLUMNS)
    with torch.inference_mode():
        table.ensure(1000)
        scatter(table, torch.tensor([900]), some_state(1))

    table.reset(torch.tensor([900]))

    assert gathered_from(table, torch.tensor([900]))["level"].eq(7).all()


@pytest.mark.parametrize("rows", [slice(1, 60), np.arange(1, 60)])
def test_exported_columns_hold_the_state_without_a_copy(rows: np.ndarray | slice) -> None:
    table, state = a_full_table()

    block = table.export(rows, Room())

    columns = table.columns_of(block)
    assert sorted(columns) == sorted(state)
    for name, column in columns.items():
        np.testing.assert_array_equal(column, state[name].numpy())
        assert np.shares_memory(column, block.numpy())


def test_chosen_rows_are_exported_in_the_order_asked_for() -> None:
    table, state = a_full_table()

    columns = table.columns_of(table.export(np.array([40, 3]), Room()))

    np.testing.assert_array_equal(columns["hidden"], state["hidden"][[39, 2]].numpy())


@pytest.mark.parametrize("rows", [slice(1, 20), np.arange(1, 20)])
def test_exports_take_the_same_room_again(rows: np.ndarray | slice) -> None:
    table, state = a_full_table()
    room = Room()
    room.clear(table.size_bytes)
    before = table.export(slice(1, 60), room)
    room.clear(table.size_bytes)

    block = table.export(rows, room)

    assert block.shape[0] == 19
    assert block.data_ptr() == before.data_ptr()
    np.testing.assert_array_equal(table.columns_of(block)["level"], state["level"][:19].numpy())


def test_an_export_is_a_copy() -> None:
    table, state = a_full_table()
    block = table.export(slice(1, 60), Room())

    table.reset(torch.arange(1, 60))

    np.testing.assert_array_equal(table.columns_of(block)["level"], state["level"].numpy())


def test_loaded_columns_are_gathered_and_absent_ones_are_initial() -> None:
    table, state = a_full_table()
    other = StateTable(COLUMNS)
    columns = table.columns_of(table.export(slice(1, 60), Room()))
    del columns["level"]
    rows = slice(100, 159)

    other.load(rows, columns)

    gathered = gathered_from(other, torch.arange(100, 159))
    assert gathered["level"].eq(7).all()
    for name in ("narrow", "count", "hidden"):
        assert torch.equal(gathered[name], state[name])
    assert gathered_from(other, torch.tensor([99]))["count"].eq(0).all()


def test_what_is_loaded_leaves_nothing_of_the_rows_before() -> None:
    table, _ = a_full_table()

    table.load(slice(5, 6), {"narrow": np.array([3], np.float32)})

    gathered = gathered_from(table, torch.tensor([5]))
    assert gathered["narrow"].item() == 3
    assert gathered["level"].eq(7).all()


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("depth", np.zeros(1), r"state: Expected columns among \['count', .*\], got 'depth'"),
        ("level", np.zeros((1, 2), np.float32), r"'level': Expected float64 \(1, 2\), got float32 \(1, 2\)"),
        ("level", np.zeros((1, 3)), r"'level': Expected float64 \(1, 2\), got float64 \(1, 3\)"),
    ],
)
def test_a_column_that_does_not_fit_is_refused(name: str, column: np.ndarray, message: str) -> None:
    table = StateTable(COLUMNS)

    with pytest.raises(ValueError, match=message):
        table.load(slice(1, 2), {name: column})
