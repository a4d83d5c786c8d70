"""Numbers as text of fixed width: digit for digit what Python writes, one number at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from connectors.columns import Float64
from streamer.number_text import WIDTH, number_text

LARGEST = float(np.finfo(np.float64).max)


def reference(number: float) -> str:
    """One number the slow way."""
    mantissa, exponent = f"{number:+.16e}".split("e")
    return f"{mantissa}e{int(exponent):+04d}"


def written(numbers: Float64) -> list[str]:
    return [bytes(text).decode() for text in number_text(numbers)]


def test_every_bit_pattern_is_written_as_python_writes_it() -> None:
    numbers = np.random.default_rng(20).integers(0, 2**64, 100_000, dtype=np.uint64).view(np.float64)
    numbers = numbers[np.isfinite(numbers)]

    assert written(numbers) == [reference(number) for number in numbers.tolist()]


def test_the_neighbours_of_powers_of_ten_and_two_are_written_as_python_writes_them() -> None:
    powers = np.concatenate([10.0 ** np.arange(-323, 309), np.ldexp(1.0, np.arange(-1074, 1024))])
    numbers = np.concatenate([powers, np.nextafter(powers, 0), np.nextafter(powers, np.inf), -powers])

    assert written(numbers) == [reference(number) for number in numbers.tolist()]


@given(arrays(np.float64, st.integers(0, 20), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_any_number_reads_back_as_itself(numbers: Float64) -> None:
    texts = written(numbers)

    assert [float(text) for text in texts] == numbers.tolist()
    assert {len(text) for text in texts} <= {WIDTH}


def test_a_counter_in_the_billions_keeps_every_unit() -> None:
    counter = np.array([1.7e9, 1.7e9 + 1, 1.7e15 + 1])

    assert written(counter) == ["+1.7000000000000000e+009", "+1.7000000010000000e+009", "+1.7000000000000010e+015"]


def test_both_zeros_keep_their_sign() -> None:
    assert written(np.array([0.0, -0.0])) == ["+0.0000000000000000e+000", "-0.0000000000000000e+000"]


def test_an_infinity_is_written_as_the_largest_number() -> None:
    assert [float(text) for text in written(np.array([np.inf, -np.inf]))] == [LARGEST, -LARGEST]


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="expected numbers, got NaN"):
        number_text(np.array([1.0, np.nan]))
