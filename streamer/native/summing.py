"""Sums in the order in which torch adds, of numbers that lie one after the other in memory.

So it is written in ``ATen/native/cpu/SumKernel.cpp``: many numbers are summed up as sums of sums, numbers that lie side
by side in vectors, and what vectors do not fill by four sums at a time.
"""

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from streamer.native.call import Call, operation
from streamer.native.columns import Columns, Places, Unreadable, each, filled

VECTOR = 8  # single numbers: sums are not made for wider vectors in torch, whatever the machine has
LEVEL = 16  # numbers that are summed up before their sum is added
MOST = 16 * LEVEL


@operation("sum")
def total(call: Call, given: Any, axes: Any = None, keep: bool = False, *_: Any) -> Places:
    """The sum along one axis."""
    if not isinstance(axes, int | list) or (isinstance(axes, list) and len(axes) != 1):
        raise Unreadable("a sum along more than one axis")
    columns = call.columns(given)
    axis = (axes if isinstance(axes, int) else axes[0]) % columns.places.ndim
    places = list(np.moveaxis(call.places(given), axis, 0))
    beside = math.prod(columns.places.shape[axis + 1 :])
    if len(places) >= MOST:
        raise Unreadable(f"a sum of {len(places)}")
    if columns.axis is not None and axis < columns.axis:  # beside whole tiles of rows
        summed = _in_levels(call, places)
    elif beside > 1:
        summed = _beside(call, places, beside)
    else:
        summed = _in_vectors(call, places) if len(places) >= VECTOR else _by_four(call, places)
    summed = _added(call, [summed, filled((), call.code.constant(0, call.type))])  # torch begins with it: never -0
    return np.expand_dims(summed, axis) if keep else summed


@operation("mean")
def mean(call: Call, given: Any, axes: Any, keep: bool = False, *_: Any) -> Places:
    """The mean along one axis."""
    count = call.columns(given).places.shape[axes if isinstance(axes, int) else axes[0]]
    return call.instruction("fdiv", "", Columns(total(call, given, axes, keep), call.dtype), float(count))


def _added(call: Call, places: Sequence[Places]) -> Places:
    """One after the other."""
    name = "fadd" if call.floats else "add"
    return reduce(lambda a, b: each(lambda x, y: call.code.add(name, call.type, x, y), a, b), places)


def _in_levels(call: Call, places: Sequence[Places]) -> Places:
    """One after the other, but whole levels by themselves, which are added last."""
    whole = len(places) // LEVEL * LEVEL
    levels = [_added(call, places[start : start + LEVEL]) for start in range(0, whole, LEVEL)]
    rest = [_added(call, places[whole:])] if whole < len(places) else []
    return _added(call, [*rest, _added(call, levels)] if levels else rest)


def _by_four(call: Call, places: Sequence[Places]) -> Places:
    """Four sums side by side, of which the first also takes what is left over; then these."""
    whole = len(places) // 4 * 4
    if not whole:
        return _added(call, places)
    first, *others = (_in_levels(call, places[start:whole:4]) for start in range(4))
    return _added(call, [_added(call, [first, *places[whole:]]), *others])


def _in_vectors(call: Call, places: Sequence[Places]) -> Places:
    """A sum for each place in a vector; then what is left over, and these."""
    whole = len(places) // VECTOR * VECTOR
    return _added(call, [*places[whole:], *(_by_four(call, places[start:whole:VECTOR]) for start in range(VECTOR))])


def _beside(call: Call, places: Sequence[Places], count: int) -> Places:
    """Sums of so many numbers that lie side by side: whole blocks in levels, and by four what they leave over."""
    block = 4 * VECTOR if count >= VECTOR else 4
    flat = [one.reshape(-1, count) for one in places]
    whole = count // block * block
    parts = [
        add(call, [one[:, start:stop] for one in flat])
        for add, start, stop in ((_in_levels, 0, whole), (_by_four, whole, count))
        if start < stop
    ]
    return np.concatenate(parts, axis=1).reshape(places[0].shape)
