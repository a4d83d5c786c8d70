"""Novelty rises with what a series has not been, and is learnt from nothing that was not there."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import moves, scaler
from models.column import fresh_state
from models.experts.bank import Tier
from models.novelty import Glance, Noticed, Novelty, Part
from models.novelty.blend import WEIGHTS
from tests.models.novelty import reference
from tests.models.novelty.chaos import lorenz

Float64 = NDArray[np.float64]
TOLERANCE = 2e-4


class Along:
    """Novelty and what it stands on, taken along the readings of some rows."""

    def __init__(
        self,
        rows: int,
        channels: int = 1,
        left_out: tuple[Part, ...] = (),
        tier: Tier = Tier.COMPACT,
        lively: float | None = None,
    ) -> None:
        """``lively``: analog channels, all of them unless told."""
        self.lively = float(channels) if lively is None else lively
        self.novelty = Novelty(tier, left_out)
        columns = (*self.novelty.columns(channels), *scaler.columns(channels), *moves.columns(channels))
        self.state = fresh_state(columns, rows)

    def step(
        self, values: Tensor, present: Tensor | None = None, usual: Tensor | None = None, weight: Tensor | None = None
    ) -> Noticed:
        """values: (B, C) float64."""
        present = torch.ones(values.shape, dtype=torch.bool) if present is None else present
        usual = torch.zeros(values.shape) if usual is None else usual
        surprise = torch.zeros(values.shape)
        weight = present / present.sum(1, keepdim=True).clamp_min(1) if weight is None else weight
        lively, is_called = torch.full((len(values),), self.lively), torch.zeros(len(values), dtype=torch.bool)
        glance = Glance(values, present, usual, surprise, weight, lively, is_called)
        noticed, normal = self.novelty.step(glance, self.state)
        steps = torch.ones(len(values))
        learnt = {**scaler.update(values, present, self.state), **moves.update(values, present, steps, self.state)}
        self.state = {**self.state, **normal, **learnt}
        return noticed

    def run(self, values: Float64, usual: Float64 | None = None) -> Float64:
        """values: (T, B) -> novelty (T, B)."""
        usual = np.zeros_like(values) if usual is None else usual
        expected = torch.from_numpy(usual).float()
        stepped = [
            self.step(torch.from_numpy(v)[:, None], usual=u[:, None]) for v, u in zip(values, expected, strict=True)
        ]
        return np.array([noticed.novelty.numpy() for noticed in stepped], dtype=np.float64)


def noise(readings: int, rows: int = 32, seed: int = 0) -> Float64:
    return np.random.default_rng(seed).normal(size=(readings, rows))


@pytest.mark.parametrize(
    ("tier", "lively", "left_out"),
    [
        (Tier.COMPACT, 1.0, ()),
        (Tier.COMPACT, 0.0, ()),
        (Tier.COMPACT, 4.0, (Part.SPREAD,)),
        (Tier.RICH, 1.0, (Part.SEASON, Part.MEMORY)),
        (Tier.RICH, 4.0, ()),
    ],
)
def test_novelty_is_that_of_a_plain_loop_over_one_series(tier: Tier, lively: float, left_out: tuple[Part, ...]) -> None:
    random = np.random.default_rng(3)
    values = 1e6 + random.normal(size=400).cumsum() + np.where(random.random(400) < 0.02, 300.0, 0.0)
    usual = random.normal(size=400)
    along, strides, novelty = Along(32, left_out=left_out, tier=tier, lively=lively), [], []

    for value, expected in zip(values, usual, strict=True):
        strides.append(along.state["stride"][0, 0].item())
        noticed = along.step(torch.full((32, 1), value, dtype=torch.float64), usual=torch.full((32, 1), expected))
        novelty.append(noticed.novelty[0].item())

    weights = np.array([many + (one - many) / max(lively, 1) for one, many in WEIGHTS.values()])
    weights[[*left_out, *(() if tier is Tier.RICH else (Part.READOUT,))]] = 0
    slow = reference.novelty_of(values, usual, np.array(strides), weights)
    np.testing.assert_allclose(novelty, slow, atol=TOLERANCE)


def test_no_bit_of_a_row_depends_on_the_rows_beside_it() -> None:
    values = noise(80, 96).cumsum(0)
    together, alone = Along(96, tier=Tier.RICH), Along(32, tier=Tier.RICH)
    shuffled = np.random.default_rng(1).permutation(96)[:32]

    of_all, of_some = together.run(values), alone.run(values[:, shuffled])

    assert np.array_equal(of_all[:, shuffled], of_some)
    assert all(torch.equal(column[shuffled], alone.state[name]) for name, column in together.state.items())


def test_permuted_channels_permute_the_parts_and_leave_the_novelty() -> None:
    values = torch.from_numpy(np.random.default_rng(2).normal(size=(60, 32, 5)))
    order = torch.tensor([3, 0, 4, 1, 2])
    one, other = Along(32, 5, tier=Tier.RICH), Along(32, 5, tier=Tier.RICH)

    for now in values:
        noticed, permuted = one.step(now), other.step(now[:, order])

    assert torch.equal(noticed.parts[:, order], permuted.parts)
    torch.testing.assert_close(noticed.novelty, permuted.novelty)


@pytest.mark.parametrize("huge", [1e30, -1e30, 1e-30])
def test_hostile_values_leave_everything_finite_and_novelty_between_0_and_1(huge: float) -> None:
    random = np.random.default_rng(4)
    values = np.where(random.random((300, 32)) < 0.3, huge, random.choice([0.0, 1.0, -3e8], size=(300, 32)))
    along = Along(32, tier=Tier.RICH)

    novelty = along.run(values, usual=np.where(random.random((300, 32)) < 0.1, 1e34, 0.0))

    assert np.isfinite(novelty).all()
    assert ((novelty >= 0) & (novelty < 1)).all()
    assert all(column.isfinite().all() for column in along.state.values())


def test_an_absent_channel_learns_nothing_and_says_nothing() -> None:
    along = Along(32, 2, tier=Tier.RICH)
    for now in torch.from_numpy(np.random.default_rng(5).normal(size=(100, 32, 2))):
        noticed = along.step(now)
    names = {column.name for column in along.novelty.columns(2) if column.shape[:1] == (2,)}  # of each channel
    before = {name: along.state[name][:, 1] for name in names}
    present = torch.tensor([True, False]).expand(32, 2)

    for value in (1e9, -1e9):
        silent = along.step(torch.tensor([0.0, value], dtype=torch.float64).expand(32, 2), present)

    assert all(torch.equal(along.state[name][:, 1], before[name]) for name in names)
    assert (silent.novelty < noticed.novelty + 0.2).all()


def test_a_reading_of_nothing_has_no_novelty_and_leaves_what_is_usual() -> None:
    along = Along(32)
    along.run(noise(50))
    usual = along.state["novelty_usual"]

    noticed = along.step(torch.zeros(32, 1, dtype=torch.float64), torch.zeros(32, 1, dtype=torch.bool))

    assert (noticed.novelty == 0).all()
    assert torch.equal(along.state["novelty_usual"], usual)


@pytest.mark.parametrize("level", [0.0, 20.0, 1.7e9])
def test_a_flat_series_is_quiet(level: float) -> None:
    novelty = Along(32, tier=Tier.RICH).run(np.full((150, 32), level))

    assert (novelty == 0).all()


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
def test_a_new_series_is_not_novel_because_nothing_is_known_of_it(size: float) -> None:
    novelty = Along(32, tier=Tier.RICH).run(1e3 * size + noise(40) * size)

    assert novelty.mean(1).max() < 0.15


def test_what_lasts_is_novel_while_it_lasts() -> None:
    values = noise(500)
    values[400:460] += 3.0

    novelty = Along(32).run(values)

    assert (novelty[430:460].min(0) > novelty[100:400].max(0)).mean() > 0.9


def test_what_does_not_go_away_is_normal_in_the_end() -> None:
    values = noise(1_000)
    values[200:] += 6.0

    novelty = Along(32).run(values)

    assert novelty[900:].mean() < novelty[220:300].mean() / 3


def test_a_spike_poisons_no_memory() -> None:
    values = noise(700)
    values[300] = 1e9
    values[600:660] += 6.0

    novelty = Along(32).run(values)

    assert (novelty[620:660].mean(0) > 2 * novelty[500:600].mean(0)).all()


def test_a_channel_that_was_flat_learns_to_move() -> None:
    values = np.concatenate((np.zeros((300, 32)), noise(500)))
    along = Along(32)

    along.run(values[:300])
    at_once = along.run(values[300:301])
    deviation = along.state["normal_deviation"]
    later = along.run(values[301:])

    assert (at_once > 0.9).all()
    assert (deviation > 0).all()
    assert later[400:].mean() < 0.4


def _restless() -> tuple[Float64, Float64]:
    values = noise(600)
    values[500:] = np.where(np.arange(100)[:, None] % 2, 1.2, -1.2)  # no farther out than usual, but to and fro
    return values, np.zeros_like(values)


def _without_its_peak() -> tuple[Float64, Float64]:
    day = 4 * np.exp(-(((np.arange(600) % 100) - 50.0) ** 2) / 200)[:, None]
    values = day + noise(600) * 0.1
    values[500:] -= day[500:]
    return values, np.diff(day, axis=0, prepend=day[:1]) + 0 * values


def _wide() -> tuple[Float64, Float64]:
    values = noise(600)
    values[500:] *= 3.0
    return values, np.zeros_like(values)


def _stuck_above() -> tuple[Float64, Float64]:
    values = np.where(np.arange(600)[:, None] // 10 % 2, 2.0, -2.0) + noise(600) * 0.5
    values[500:] = np.abs(values[500:])
    return values, np.zeros_like(values)


def _backwards() -> tuple[Float64, Float64]:
    saw = (np.arange(600)[:, None] % 60) / 60
    saw[500:] = 1 - saw[500:]
    values = saw + noise(600) * 0.03
    return values, np.zeros_like(values)


INCIDENTS = {
    Part.MOVES: _restless,
    Part.SEASON: _without_its_peak,
    Part.SPREAD: _wide,
    Part.MEMORY: _stuck_above,
    Part.READOUT: _backwards,
}


@pytest.mark.parametrize("part", list(Part))
def test_each_part_by_itself_notices_what_it_is_there_for(part: Part) -> None:
    values, usual = INCIDENTS[part]()
    others = tuple(other for other in Part if other is not part)

    novelty = Along(32, left_out=others, tier=Tier.RICH, lively=2.0).run(values, usual)

    cubes = novelty / (1 - novelty)
    rise = cubes[540:560].mean(0) / cubes[340:500].mean(0)
    assert (rise > 1.5).all()


def test_a_chaotic_series_that_runs_backwards_is_new_to_the_readout_alone() -> None:
    values = lorenz(1_500, rows=32)
    values[1_100:1_400] = values[1_100:1_400][::-1]
    along = Along(32, tier=Tier.RICH)

    parts = np.array([along.step(torch.from_numpy(v)[:, None]).parts[:, 0].numpy() for v in values])

    rise = parts[1_164:1_400].mean((0, 1)) / parts[700:1_100].mean((0, 1))
    assert rise[Part.READOUT] > 2
    assert (rise[: Part.READOUT] < 1.2).all()


def test_without_any_part_nothing_is_novel() -> None:
    values = noise(100)
    values[80:] *= 5.0

    assert not Along(32, left_out=tuple(Part), tier=Tier.RICH).run(values).any()
