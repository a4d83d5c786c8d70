"""A surge tells what goes beyond all records of a series, once."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.column import fresh_state
from models.novelty import surge

Float64 = NDArray[np.float64]
ROWS = 32


def told(
    off: Float64, surprise: Float64 | None = None, present: Float64 | None = None, called: Float64 | None = None
) -> tuple[Float64, dict[str, Tensor]]:
    """Take rows of one channel along. All (T, ROWS) -> what surges (T, ROWS), and the state."""
    state = {**fresh_state(surge.columns(1), ROWS), "age": torch.zeros(ROWS, 1)}
    surprise = np.zeros_like(off) if surprise is None else surprise
    seen = np.ones_like(off) if present is None else present
    called = np.zeros_like(off) if called is None else called
    out = []
    for o, s, p, c in zip(off, surprise, seen, called > 0, strict=True):
        sizes = torch.zeros(ROWS, 1, 3)
        sizes[:, 0, 2] = torch.from_numpy(s)
        there = torch.from_numpy(p > 0)[:, None]
        offs, rise = torch.from_numpy(o).float()[:, None], torch.zeros(ROWS, 1)
        said, learnt = surge.learn(offs, rise, sizes, there, torch.from_numpy(c), state)
        state = {**state, **learnt, "age": state["age"] + there}
        out.append(said.double().numpy())
    return np.array(out), state


def plainly(off: Float64, called: Float64) -> Float64:
    """The same of one series, without what is smoothed, in a plain loop."""
    record, peak, since, out = 1e-30, 0.0, 0, []
    for age, (size, is_called) in enumerate(zip(np.abs(off), called, strict=True)):
        ratio = size / record if age >= 32 and size > record else 0.0
        ratio = max(ratio, 1.1) if is_called else ratio
        out.append(ratio if ratio > peak else 0.0)
        climbed = min(size, 8 * record) if age >= 32 else size
        record = max(record * np.exp(-1 / 65_536), climbed)
        since = 0 if ratio > peak else since + 1
        if ratio > peak or since > 100:
            peak, since = ratio, 0
    return np.array(out)


def test_a_surge_is_that_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    off, called = rng.standard_t(2, size=(400, ROWS)), rng.binomial(1, 0.02, size=(400, ROWS)).astype(np.float64)

    surged, _ = told(off, called=called)

    assert (surged > 0).sum() > ROWS
    plain = [plainly(*rows) for rows in zip(off.T, called.T, strict=True)]
    np.testing.assert_allclose(surged, np.stack(plain, 1), rtol=1e-3)


def test_a_change_that_is_no_record_surges_once_where_it_is_called() -> None:
    off, called = np.ones((300, ROWS)), np.zeros((300, ROWS))
    called[[150, 200]] = 1
    off[240] = 1.05

    surged, _ = told(off, called=called)

    assert (surged[150] == np.float32(1.1)).all()
    assert not np.delete(surged, 150, axis=0).any()  # neither the second call nor the small record, so soon after it


def test_an_incident_is_told_at_its_peaks_alone() -> None:
    off = np.ones((300, ROWS))
    off[200:] = 3.0

    surged, _ = told(off)

    assert (surged[200] > 2.9).all()
    assert not surged[201:].any()
    assert not surged[:200].any()


def test_one_huge_value_is_no_record_for_ever() -> None:
    off = np.ones((200, ROWS))
    off[100] = 1e9
    off[150:] = 10.0

    surged, _ = told(off)

    assert (surged[100] > 1e6).all()
    assert (torch.log2(torch.tensor(8.0)) >= told(off[:102])[1]["surge_records"][:, 0, 0]).all()


def test_what_is_absent_surges_nowhere_and_sets_no_record() -> None:
    off = np.ones((100, ROWS))
    off[50] = 1e6
    present = np.ones_like(off)
    present[50] = 0

    surged, state = told(off, present=present)

    assert not surged.any()
    assert (state["surge_records"][:, 0, 0] <= 0).all()


def test_surprises_that_add_up_surge() -> None:
    surprise = np.tile(np.random.default_rng(1).exponential(0.4, size=(300, 1)), (1, ROWS))
    surprise[250:262] += 4.0

    surged, _ = told(np.zeros((300, ROWS)), surprise)

    assert (surged[250:262].max(0) > 1.1).all()


def test_hostile_sizes_leave_everything_finite() -> None:
    off = np.where(np.random.default_rng(2).random((200, ROWS)) < 0.2, 3e38, 0.0)

    surged, state = told(off)

    assert np.isfinite(surged).all()
    assert all(column.isfinite().all() for column in state.values())
