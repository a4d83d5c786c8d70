"""Quick: what experts see of a walk is the same to the bit, whether the step is compiled, or never can be."""

from collections.abc import Callable

import pytest
import torch

from models.column import State, fresh_state
from models.forecasters.combiner import Combiner
from models.forecasters.spec import Spec, build
from models.training import forecasting
from models.training.forecasting import Reading, Seeing, observe
from streamer.native import candidate
from streamer.native.columns import Unreadable
from streamer.native.quick import Quick
from tests.models.walks import walk
from tests.streamer.steps import WHERE_COMPILED

PATIENCE, TRIALS = 8, 4
PROBES = 2  # steps to make what is made once, and to be recorded


def combiner(tier: str, horizons: tuple[int, ...]) -> Combiner:
    made = build(Spec("gru", 8, "combiner", tier))
    assert isinstance(made, Combiner)
    return made.at(horizons)


class Counted:
    """A step that counts how often it was taken."""

    def __init__(self, step: forecasting.Step) -> None:
        self.taken = 0
        self._step = step

    def __call__(self, reading: Reading, state: State) -> tuple[tuple[torch.Tensor, ...], State]:
        self.taken += 1
        return self._step(reading, state)


def assert_same(ours: forecasting.Observed, theirs: forecasting.Observed) -> None:
    for name, one, other in zip(ours._fields, ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True, msg=name)


@WHERE_COMPILED
@pytest.mark.parametrize(
    ("tier", "horizons", "channels"), [("compact", (1, 12, 24), 1), ("compact", (1, 3, 48), 4), ("rich", (1, 6), 1)]
)
def test_experts_see_the_same_by_machine_code(tier: str, horizons: tuple[int, ...], channels: int) -> None:
    ours, batch = combiner(tier, horizons), walk(80, rows=64, channels=channels, flaws=0.1)
    step = Counted(Seeing(ours))
    quickened = Quick(step, PATIENCE, TRIALS)

    for _ in range(2):
        assert_same(observe(ours, batch, quickened), observe(ours, batch))

    assert step.taken == PATIENCE - 1 + PROBES + TRIALS


def test_rows_that_no_tiles_have_are_stepped_as_they_are() -> None:
    ours, batch = combiner("compact", (1, 2)), walk(40, rows=33)
    step = Counted(Seeing(ours))

    assert_same(observe(ours, batch, Quick(step, PATIENCE, TRIALS)), observe(ours, batch))

    assert step.taken == 40


@pytest.mark.parametrize("error", [Unreadable("an operation that nobody has read"), RuntimeError("no memory left")])
def test_a_step_that_cannot_be_compiled_goes_on_as_it_is(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(candidate, "Kernel", failing)
    ours, batch = combiner("compact", (1, 2)), walk(40, rows=32)
    step = Counted(Seeing(ours))

    assert_same(observe(ours, batch, Quick(step, PATIENCE, TRIALS)), observe(ours, batch))

    assert step.taken == 40 + PROBES


def test_machine_code_of_other_bits_is_never_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> Callable[..., tuple[torch.Tensor, ...]]:
        return lambda *inputs, **_: inputs

    monkeypatch.setattr(candidate, "Kernel", wrong)
    ours, batch = combiner("compact", (1, 2)), walk(40, rows=32)

    assert_same(observe(ours, batch, Quick(Seeing(ours), PATIENCE, TRIALS)), observe(ours, batch))


@WHERE_COMPILED
def test_each_kind_of_rows_waits_and_is_compiled_for_itself() -> None:
    taken = Counted(lambda reading, state: ((reading.values * 2,), {name: of + 1 for name, of in state.items()}))
    step = Quick(taken, PATIENCE, TRIALS)

    def tell(channels: int, times: int) -> int:
        before, rows = taken.taken, walk(1, rows=32, channels=channels)
        state: State = fresh_state((), 32) | {"count": torch.zeros(32, channels)}
        for _ in range(times):
            (told,), state = step(rows.at(0), state)
            assert torch.equal(told, rows.values[0] * 2)
        assert torch.equal(state["count"], torch.full((32, channels), float(times)))
        return taken.taken - before

    assert tell(1, PATIENCE - 1) == PATIENCE - 1
    assert tell(2, PATIENCE - 1) == PATIENCE - 1
    assert tell(1, TRIALS + 5) == PROBES + TRIALS
    assert tell(2, TRIALS + 5) == PROBES + TRIALS
    assert tell(1, 5) == 0
