"""What holds for every expert of every tier."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models.column import fresh_state
from models.experts.bank import Bank, Tier, Views
from models.forecasters import Spec, build
from models.training.forecasting import Batch
from tests.models.experts.banks import Along, along
from tests.models.walks import detector_of, walk

LIMITS = {Tier.COMPACT: 1024, Tier.RICH: 8192}  # bytes a channel
CHANNELS = 3
ORDER = [2, 0, 1]


@pytest.fixture(scope="module", params=list(Tier))
def run(request: pytest.FixtureRequest) -> Along:
    return along(Bank(request.param, (1, 5)), flawed())


def flawed() -> Batch:
    return walk(90, rows=8, channels=CHANNELS, flaws=0.1)


def of_rows(batch: Batch, rows: slice) -> Batch:
    return Batch(*(getattr(batch, name)[:, rows] for name in Batch.__slots__))


def of_time(batch: Batch, time: slice) -> Batch:
    return Batch(*(getattr(batch, name)[time] for name in Batch.__slots__))


def of_channels(batch: Batch, channels: list[int]) -> Batch:
    chosen = {name: getattr(batch, name)[..., channels] for name in ("values", "present", "scored")}
    return replace(batch, **chosen)


def parts(views: Views) -> Iterator[Tensor]:
    return iter((views.offsets, views.log_errors, views.log_scores, views.unit))


def test_a_row_does_not_depend_on_its_neighbours(run: Along) -> None:
    alone = along(run.bank, of_rows(flawed(), slice(5, 6)))

    for ours, theirs in zip(alone.views, run.views, strict=True):
        for one, all_of_them in zip(parts(ours), parts(theirs), strict=True):
            torch.testing.assert_close(one, all_of_them[5:6], atol=1e-4, rtol=1e-4)


def test_a_walk_is_its_two_halves(run: Along) -> None:
    half = along(run.bank, of_time(flawed(), slice(40)))

    whole = along(run.bank, of_time(flawed(), slice(40, None)), half.state)

    torch.testing.assert_close(whole.state, run.state, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(whole.views[-1].offsets, run.views[-1].offsets)


def test_permuted_channels_permute_what_is_said(run: Along) -> None:
    permuted = along(run.bank, of_channels(flawed(), ORDER))

    for ours, theirs in zip(parts(permuted.views[-1]), parts(run.views[-1]), strict=True):
        torch.testing.assert_close(ours, theirs[:, ORDER], atol=1e-4, rtol=1e-4)


def test_an_absent_channel_keeps_every_memory(run: Along) -> None:
    more = walk(5, rows=8, channels=CHANNELS, seed=9)
    more.present[..., 1] = False
    more.elapsed[0] = 900.0

    after = along(run.bank, more, run.state).state

    for column in run.bank.columns(CHANNELS):
        ours, theirs = after[column.name], run.state[column.name]
        assert torch.equal(ours[:, 1].nan_to_num(), theirs[:, 1].nan_to_num()), column.name
        assert column.name == "period" or not torch.equal(ours[:, 0].nan_to_num(), theirs[:, 0].nan_to_num())


def test_a_channel_costs_less_than_its_tier_allows() -> None:
    for tier, limit in LIMITS.items():
        for cell in ("gru", "lstm"):
            detector = detector_of(build(Spec(cell, 32, "combiner", tier.value)), 1)

            assert sum(column.row_bytes for column in detector.columns) <= limit


def test_nothing_is_known_of_a_series_before_its_first_reading() -> None:
    for tier in Tier:
        bank = Bank(tier, (1, 5))
        batch = walk(1, rows=4)

        first = along(bank, batch).views[0]

        assert not first.log_errors.any()
        assert not first.offsets.any()
        assert (first.unit > 0).all()
        assert not first.log_scores.any()
        assert fresh_state(bank.columns(1), 1)["errors"].isnan().all()
