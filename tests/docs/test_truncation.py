"""What a window leaves out of a gradient."""

import pytest

from docs.gradients.fitting import Reader, seeded
from docs.gradients.tasks import Echo
from docs.gradients.truncation import LENGTH, WINDOWS, biases
from models.cells import CELLS


def measured(cell: str) -> dict[int, tuple[float, float]]:
    task = Echo(10, LENGTH)
    reader, _ = seeded(CELLS[cell], task, seed=0)
    return biases(reader, task, seed=0)


@pytest.mark.parametrize("cell", ["rnn", "rg_lru"])
def test_a_longer_window_leaves_out_less_and_one_of_the_whole_length_nothing(cell: str) -> None:
    errors = [error for _, error in measured(cell).values()]

    assert errors[-1] == 0
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0.1


def test_a_window_is_left_as_it_was_found() -> None:
    task = Echo(10, LENGTH)
    reader, _ = seeded(CELLS["rnn"], task, seed=0)
    before = {name: tensor.clone() for name, tensor in reader.state_dict().items()}

    biases(reader, task, seed=0)

    assert isinstance(reader, Reader)
    assert reader.window is None
    assert all(tensor.equal(before[name]) for name, tensor in reader.state_dict().items())
    assert WINDOWS[-1] == LENGTH
