"""The state table: what is scattered is gathered, and growing loses nothing."""

import torch

from models.column import Column
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


def test_what_is_scattered_is_gathered() -> None:
    table = StateTable(COLUMNS)
    rows, state = torch.tensor([5, 1, 9]), some_state(3)

    table.scatter(rows, state)

    gathered = table.gather(rows)
    assert all(torch.equal(gathered[name], column) for name, column in state.items())
    assert gathered["level"].dtype is torch.float64


def test_rows_nobody_has_seen_hold_the_initial_values() -> None:
    fresh = StateTable(COLUMNS).gather(torch.tensor([PADDING_ROW, 3]))

    assert fresh["level"].eq(7).all()
    assert fresh["hidden"].isnan().all()
    assert fresh["count"].eq(0).all()


def test_growing_keeps_every_row() -> None:
    table = StateTable(COLUMNS)
    rows, state = torch.arange(1, 60), some_state(59)
    table.scatter(rows, state)
    size = table.size_bytes

    table.ensure(10_000)

    assert all(torch.equal(table.gather(rows)[name], column) for name, column in state.items())
    assert table.gather(torch.tensor([9_999]))["level"].eq(7).all()
    assert table.size_bytes >= 10_000 * table.row_bytes > size


def test_padding_behind_the_rows_is_left_out() -> None:
    table = StateTable(COLUMNS)

    table.scatter(torch.tensor([4]), some_state(32))

    assert table.gather(torch.tensor([PADDING_ROW]))["level"].eq(7).all()


def test_what_was_gathered_is_a_copy() -> None:
    table = StateTable(COLUMNS)
    before = table.gather(torch.tensor([1]))

    table.scatter(torch.tensor([1]), some_state(1))

    assert before["level"].eq(7).all()


def test_a_row_is_a_whole_number_of_cache_lines() -> None:
    assert StateTable(COLUMNS).row_bytes % 64 == 0
