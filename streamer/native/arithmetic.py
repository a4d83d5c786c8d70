"""Arithmetic and logic, value by value. A product that is added to at once is rounded once where torch's is."""

from typing import Any

import torch

from streamer.native.call import Call, operation
from streamer.native.columns import Columns, Places, Unreadable, each

INSTRUCTIONS = {
    "mul": ("fmul", "mul"),
    "__and__": ("", "and"),
    "__or__": ("", "or"),
    "copysign": ("copysign", ""),
    "abs": ("fabs", ""),
    "round": ("roundeven", ""),
    "floor": ("floor", ""),
}  # for floating numbers, for whole ones
PREDICATES = {"eq": "oeq", "ne": "une", "gt": "ogt", "ge": "oge", "lt": "olt", "le": "ole"}


def _instruction(floating: str, whole: str) -> Any:
    def read(call: Call, *given: Any) -> Places:
        return call.instruction(floating, whole, *given)

    return read


def _comparison(name: str) -> Any:
    def read(call: Call, a: Any, b: Any) -> Places:
        dtype = call.common(a, b)
        predicate = PREDICATES[name] if dtype.is_floating_point else name if name in ("eq", "ne") else f"s{name}"
        return each(lambda x, y: call.code.compare(predicate, x, y), call.places(a, dtype), call.places(b, dtype))

    return read


for _name, _instructions in INSTRUCTIONS.items():
    operation(_name)(_instruction(*_instructions))
for _name in PREDICATES:
    operation(_name)(_comparison(_name))


@operation("add")
def add(call: Call, a: Any, b: Any, alpha: float = 1) -> Places:
    """``a + alpha b``."""
    if alpha == 1:
        return call.instruction("fadd", "add", a, b)
    return call.each(lambda x, y: call.code.add("fma", call.type, y, call.code.constant(alpha, call.type), x), a, b)


@operation("sub")
def sub(call: Call, a: Any, b: Any, alpha: float = 1) -> Places:
    """``a - b``."""
    if alpha != 1:
        raise Unreadable(f"a difference with alpha {alpha}")
    return call.instruction("fsub", "sub", a, b)


@operation("rsub")
def rsub(call: Call, a: Any, b: Any, alpha: float = 1) -> Places:
    """``b - a``."""
    return sub(call, b, a, alpha)


@operation("div")
def div(call: Call, a: Any, b: Any, rounding_mode: str | None = None) -> Places:
    """``a / b``."""
    if rounding_mode:
        raise Unreadable(f"a division rounded by {rounding_mode}")
    return call.instruction("fdiv", "", a, b)


@operation("reciprocal")
def reciprocal(call: Call, a: Any) -> Places:
    """``1 / a``."""
    return div(call, 1.0, a)


@operation("neg")
def neg(call: Call, a: Any) -> Places:
    """``-a``."""
    return call.instruction("fneg", "", a) if call.floats else call.instruction("", "sub", 0, a)


@operation("square")
def square(call: Call, a: Any) -> Places:
    """``a a``."""
    return call.instruction("fmul", "mul", a, a)


@operation("bitwise_not", "logical_not")
def negated(call: Call, a: Any) -> Places:
    """Not a."""
    if call.dtype != torch.bool:
        raise Unreadable(f"the bits of {call.dtype} turned")
    return call.each(call.code.negated, a)


@operation("__iand__")
def and_in_place(call: Call, a: Columns, b: Any) -> Columns:
    """a, with what it is and b."""
    a.places[...] = call.instruction("", "and", a, b)
    return a


@operation("where")
def where(call: Call, condition: Any, a: Any, b: Any) -> Places:
    """One where the condition holds, else the other."""
    return each(call.code.select, call.places(condition, torch.bool), call.places(a), call.places(b))


@operation("masked_fill")
def masked_fill(call: Call, a: Any, mask: Any, number: Any) -> Places:
    """The number where the mask holds, else a."""
    return where(call, mask, number, a)


@operation("nan_to_num")
def nan_to_num(
    call: Call, a: Any, nan: float | None = None, highest: float | None = None, lowest: float | None = None
) -> Places:
    """a, with numbers in place of nan and of infinity."""
    bounds = torch.finfo(call.dtype)
    numbers = (nan or 0.0, bounds.max if highest is None else highest, bounds.min if lowest is None else lowest)
    instead, most, least = (call.code.constant(number, call.type) for number in numbers)
    above, below = (call.code.constant(sign * float("inf"), call.type) for sign in (1, -1))

    def finite(x: int) -> int:
        bounded = call.code.select(call.code.compare("oeq", x, below), least, x)
        bounded = call.code.select(call.code.compare("oeq", x, above), most, bounded)
        return call.code.select(call.code.is_nan(x), instead, bounded)

    return call.each(finite, a)


@operation("isnan")
def isnan(call: Call, a: Any) -> Places:
    """Whether a is nan."""
    return each(call.code.is_nan, call.columns(a).places)


def _size_against_infinity(call: Call, predicate: str, a: Any) -> Places:
    places = call.columns(a).places

    def compared(x: int) -> int:
        size = call.code.add("fabs", call.code.type(x), x)
        return call.code.compare(predicate, size, call.code.constant(float("inf"), call.code.type(x)))

    return each(compared, places)


@operation("isfinite")
def isfinite(call: Call, a: Any) -> Places:
    """Whether a is a number."""
    return _size_against_infinity(call, "olt", a)


@operation("isinf")
def isinf(call: Call, a: Any) -> Places:
    """Whether a is infinite."""
    return _size_against_infinity(call, "oeq", a)


@operation("sign")
def sign(call: Call, a: Any) -> Places:
    """-1, 0 or 1."""
    less, none, more = (call.code.constant(number, call.type) for number in (-1, 0, 1))

    def signed(x: int) -> int:
        below = call.code.select(call.code.compare("olt", x, none), less, none)
        return call.code.select(call.code.compare("ogt", x, none), more, below)

    return call.each(signed, a)


@operation("lerp")
def lerp(call: Call, start: Any, end: Any, weight: Any) -> Places:
    """From start to end by a weight: from the nearer one of them, as torch has it."""
    half, one = (call.code.constant(number, call.type) for number in (0.5, 1.0))

    def between(x: int, y: int, share: int) -> int:
        def has(instruction: str, *of: int) -> int:
            return call.code.add(instruction, call.type, *of)

        way = has("fsub", y, x)
        is_near = call.code.compare("olt", has("fabs", share), half)
        back = has("fma", has("fneg", way), has("fsub", one, share), y)
        return call.code.select(is_near, has("fma", share, way, x), back)

    return call.each(between, start, end, weight)


@operation("addcmul")
def addcmul(call: Call, a: Any, b: Any, c: Any, value: float = 1) -> Places:
    """``a + value b c``."""

    def added(x: int, y: int, z: int) -> int:
        scaled = y if value == 1 else call.code.add("fmul", call.type, call.code.constant(value, call.type), y)
        return call.code.add("fma", call.type, scaled, z, x)

    return call.each(added, a, b, c)


def _has_other_sign(call: Call, rest: int, divisor: int) -> int:
    """Whether there is a rest, and its sign is not the divisor's. -> i1."""
    zero = call.code.constant(0, call.type)
    unequal, less = ("une", "olt") if call.floats else ("ne", "slt")
    signs = call.code.differ(call.code.compare(less, divisor, zero), call.code.compare(less, rest, zero))
    return call.code.both(call.code.compare(unequal, rest, zero), signs)


@operation("remainder")
def remainder(call: Call, a: Any, b: Any) -> Places:
    """What is left of a by b, with the sign of b."""
    if call.type == "double":
        raise Unreadable("what is left of doubles")

    def left(x: int, y: int) -> int:
        if call.floats:
            rest = call.code.add("call", call.type, x, y, about=("fmod",))
            return call.code.select(_has_other_sign(call, rest, y), call.code.add("fadd", call.type, rest, y), rest)
        rest = call.code.add("srem", call.type, x, y)
        return call.code.select(_has_other_sign(call, rest, y), call.code.add("add", call.type, rest, y), rest)

    return call.each(left, a, b)


@operation("floor_divide")
def floor_divide(call: Call, a: Any, b: Any) -> Places:
    """How many whole b there are in a, which are whole numbers."""
    if call.floats:
        raise Unreadable("floating numbers divided to whole ones")

    def quotient(x: int, y: int) -> int:
        whole, rest = (call.code.add(name, call.type, x, y) for name in ("sdiv", "srem"))
        less = call.code.add("sub", call.type, whole, call.code.constant(1, call.type))
        return call.code.select(_has_other_sign(call, rest, y), less, whole)

    return call.each(quotient, a, b)
