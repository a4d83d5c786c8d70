"""Writes float64 columns as decimal text of fixed width, without a Python object for any number."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.columns import Float64, Int64

WIDTH = 24  # +d.dddddddddddddddde+ddd: 17 significant digits tell every float64 from its neighbours
NumberText = NDArray[np.void]

_DIGITS = 17
_FIELDS = np.dtype(
    [("sign", "u1"), ("first", "u1"), ("point", "u1")]
    + [(f"digits_{place}", "V4") for place in range(4)]
    + [("exponent", "V5")]
)


def number_text(values: Float64) -> NumberText:
    """Write each number as 24 bytes that read back as the very same float64. (R,) -> (R,) of dtype V24.

    Dekker's exact product (1971) of the binary mantissa with a power of ten held as two float64 makes the 17 digits
    right to about 1e-15 of the last one. An infinity becomes the largest float64: a fixed width has no word for it.

    Raises:
        ValueError: a number is NaN, which has no place on a page.
    """
    if np.isnan(values).any():
        raise ValueError("number_text: expected numbers, got NaN")
    digits, exponent = _decimal(np.abs(np.nan_to_num(values)))
    text = np.empty(len(values), dtype=_FIELDS)
    text["sign"] = np.where(np.signbit(values), ord("-"), ord("+"))
    text["point"] = ord(".")
    words = _words()
    for place in (3, 2, 1, 0):
        rest = digits // 10_000
        text[f"digits_{place}"] = words.four_digits[digits - rest * 10_000]
        digits = rest
    text["first"] = digits + ord("0")
    text["exponent"] = words.exponent[exponent + words.exponent_of_first]
    return text.view(f"V{WIDTH}")


def _decimal(magnitude: Float64) -> tuple[Int64, Int64]:
    """Find 17 digits as an integer below 1e17 and the decimal exponent of the first one. (R,) -> (R,), (R,)."""
    mantissa, binary_exponent = np.frexp(magnitude)
    scales = _scales()
    row = binary_exponent - scales.first_binary_exponent
    is_above = mantissa >= scales.next_decade[row]
    pick = (row, is_above.astype(np.int64))
    product, error = _exact_product(mantissa, scales.high[pick])
    whole = np.rint(product)
    rest = (product - whole) + (error + mantissa * scales.low[pick])
    digits = whole.astype(np.int64) + np.rint(rest).astype(np.int64)
    exponent = scales.decimal_exponent[row] + is_above
    is_carried = digits == 10**_DIGITS
    digits = np.where(is_carried, 10 ** (_DIGITS - 1), digits)
    return digits, np.where(magnitude == 0, 0, exponent + is_carried)


def _exact_product(a: Float64, b: Float64) -> tuple[Float64, Float64]:
    """Split ``a * b`` into the rounded product and what rounding lost: ``a * b == product + error`` exactly."""
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def _halves(a: Float64) -> tuple[Float64, Float64]:
    """Veltkamp's split of 53 bits into two numbers of 26, whose products are exact."""
    shifted = a * (2.0**27 + 1)
    high = shifted - (shifted - a)
    return high, a - high


class _Scales(NamedTuple):
    """For every binary exponent k: what turns a mantissa in [0.5, 1) into 17 decimal digits. K exponents."""

    first_binary_exponent: int
    decimal_exponent: Int64  # (K,) of the smallest number with this k
    next_decade: Float64  # (K,) the mantissa from which the decimal exponent is one more
    high: Float64  # (K, 2) the factor before and from the next decade on, rounded
    low: Float64  # (K, 2) what rounding lost of it


class _Words(NamedTuple):
    four_digits: NDArray[Any]  # (10000,) V4
    exponent: NDArray[Any]  # V5, from the smallest exponent up
    exponent_of_first: int  # its position is exponent + this


@cache
def _scales() -> _Scales:
    binary = range(-1073, 1025)
    decimal, decade, high, low = [], [], [], []
    for k in binary:
        exponent = len(str(2 ** (k - 1))) - 1 if k > 0 else -len(str(2 ** (1 - k)))
        decimal.append(exponent)
        decade.append(_ceil_ratio(*_power_ratio(exponent + 1, -k)))
        pairs = [_two_floats(*_power_ratio(_DIGITS - 1 - e, k)) for e in (exponent, exponent + 1)]
        high.append([pair[0] for pair in pairs])
        low.append([pair[1] for pair in pairs])
    return _Scales(binary.start, np.array(decimal), np.array(decade), np.array(high), np.array(low))


def _power_ratio(ten: int, two: int) -> tuple[int, int]:
    """``10**ten * 2**two`` as numerator and denominator."""
    return 10 ** max(ten, 0) * 2 ** max(two, 0), 10 ** max(-ten, 0) * 2 ** max(-two, 0)


def _ceil_ratio(numerator: int, denominator: int) -> float:
    """Return the smallest float64 that is not below the ratio."""
    nearest = numerator / denominator
    top, bottom = nearest.as_integer_ratio()
    return nearest if top * denominator >= numerator * bottom else float(np.nextafter(nearest, np.inf))


def _two_floats(numerator: int, denominator: int) -> tuple[float, float]:
    """Return the ratio, which is above 2**53, as a whole float64 and the float64 next to what is missing."""
    high = numerator / denominator
    return high, (numerator - int(high) * denominator) / denominator


@cache
def _words() -> _Words:
    four = np.array([f"{number:04d}" for number in range(10_000)], dtype="S4").view("V4")
    smallest, largest = -324, 309
    exponent = np.array([f"e{e:+04d}" for e in range(smallest, largest + 1)], dtype="S5").view("V5")
    return _Words(four, exponent, -smallest)
