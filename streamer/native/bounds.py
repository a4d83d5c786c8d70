"""The larger and the smaller of values, and what they are clamped between. What becomes of a nan is as torch has it."""

from typing import Any

from torch import Tensor

from streamer.native.call import Call, operation
from streamer.native.columns import Columns, Places


def larger(call: Call, x: int, y: int) -> int:
    """X where it is larger, else y: a nan in y, and none in x, is kept."""
    return call.code.select(call.code.compare("ogt" if call.floats else "sgt", x, y), x, y)


def smaller(call: Call, x: int, y: int) -> int:
    """X where it is smaller, else y."""
    return call.code.select(call.code.compare("olt" if call.floats else "slt", x, y), x, y)


def _or_nan(call: Call, x: int, extreme: int) -> int:
    """The extreme, or x where that is nan: of the other one a nan is kept in any case."""
    return call.code.select(call.code.is_nan(x), x, extreme) if call.floats else extreme


def largest(call: Call, x: int, y: int) -> int:
    """The larger one, nan where either is."""
    return _or_nan(call, x, larger(call, x, y))


def smallest(call: Call, x: int, y: int) -> int:
    """The smaller one, nan where either is."""
    return _or_nan(call, x, smaller(call, x, y))


@operation("maximum")
def maximum(call: Call, a: Any, b: Any) -> Places:
    """The larger of a and b."""
    return call.each(lambda x, y: largest(call, x, y), a, b)


@operation("minimum")
def minimum(call: Call, a: Any, b: Any) -> Places:
    """The smaller of a and b."""
    return call.each(lambda x, y: smallest(call, x, y), a, b)


@operation("clamp_min")
def clamp_min(call: Call, a: Any, low: Any) -> Places:
    """a, or the bound where a is less; a nan stays."""
    return call.each(lambda x, bound: larger(call, bound, x), a, low)


@operation("clamp_max")
def clamp_max(call: Call, a: Any, high: Any) -> Places:
    """a, or the bound where a is more; a nan stays."""
    return call.each(lambda x, bound: smaller(call, bound, x), a, high)


@operation("clamp")
def clamp(call: Call, a: Any, low: Any = None, high: Any = None) -> Places:
    """A between bounds, of which either may be none. A bound that is a tensor may be nan, and then so is the result."""
    has_tensor = any(isinstance(bound, Tensor | Columns) for bound in (low, high))
    places = call.places(a)
    if low is not None:
        places = (maximum if has_tensor else clamp_min)(call, Columns(places, call.dtype), low)
    if high is not None:
        places = (minimum if has_tensor else clamp_max)(call, Columns(places, call.dtype), high)
    return places
