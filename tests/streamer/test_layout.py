"""The layout of a row: what is packed is found again, whatever its dtypes, and narrow ones fill whole words."""

import pytest
import torch
from torch import Tensor

from models.alarm import KINDS
from models.artifact import load, shipped
from models.calibration.budget import Budget
from models.calibration.pool import Pool
from models.column import Column, fresh_state
from models.context import Context
from models.outcome import Outcome
from streamer.layout import WORD, Layout
from tests.streamer.steps import detector

ROWS = 5
COLUMNS = (
    Column("flag", torch.bool, ()),
    Column("level", torch.float64, (2,)),
    Column("flags", torch.bool, (2, 3)),
    Column("half", torch.float16, (3,)),
    Column("count", torch.int64, ()),
    Column("spread", torch.float32, (1,)),
)


def some() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    drawn = {
        column.name: torch.randint(-9, 9, (ROWS, *column.shape), generator=generator).to(column.dtype)
        for column in COLUMNS
    }
    return {name: column > 0 if column.dtype is torch.bool else column for name, column in drawn.items()}


@pytest.mark.parametrize("count", range(1, len(COLUMNS) + 1))
def test_what_is_packed_is_found_again(count: int) -> None:
    layout, state = Layout(COLUMNS[:count]), some()

    block = layout.pack(state)

    assert block.shape == (ROWS, layout.words)
    for column in COLUMNS[:count]:
        for found in (layout.views(block)[column.name], layout.view(block, column.name)):
            assert found.dtype is column.dtype
            assert found.data_ptr() >= block.data_ptr()  # where it lies
            assert torch.equal(found, state[column.name])


def test_what_is_written_into_a_blank_block_is_the_packed_one_to_the_last_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    layout, state = Layout(COLUMNS), some()
    soiled = torch.full((ROWS, layout.words), -1, dtype=torch.int32)
    monkeypatch.setattr(Layout, "empty", lambda *_: soiled)

    block = layout.blank(ROWS)
    for name, column in layout.views(block).items():
        column[...] = state[name]

    assert torch.equal(block, layout.pack(state))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_columns_of_an_outcome_are_those_that_a_detector_gives(channels: int) -> None:
    of, rows = detector(load(shipped("gru")).forecaster, channels), 32
    context = Context.of(torch.full((rows,), torch.nan), torch.zeros(rows, 2))

    values, present = torch.ones(rows, channels, dtype=torch.float64), torch.ones(rows, channels, dtype=torch.bool)
    outcome, _ = of.step(values, present, context, fresh_state(of.columns, rows), Pool.fresh(Budget()))

    said = {name: (column.dtype, tuple(column.shape[1:])) for name, column in outcome._asdict().items()}
    assert said == {column.name: (column.dtype, column.shape) for column in Outcome.columns(channels)}
    assert said["climb"] == (torch.float32, (len(KINDS), 2))
    assert Layout(Outcome.columns(channels)).words % (64 // WORD) == 0
