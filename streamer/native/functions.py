"""Functions that torch has from two libraries, and that are called there: of arrays in MKL, of vectors in Sleef."""

from typing import Any

from streamer.native.arithmetic import square
from streamer.native.call import Call, operation
from streamer.native.columns import Places, Unreadable, each

OF_ARRAYS = {
    "exp": "Exp",
    "log": "Ln",
    "log10": "Log10",
    "log2": "Log2",
    "sin": "Sin",
    "cos": "Cos",
    "tanh": "Tanh",
    "sqrt": "Sqrt",
}  # as MKL calls them
PRECISIONS = {"float": "vms", "double": "vmd"}  # by which MKL's names begin
OF_VECTORS = ("log1p", "expm1", "exp2", "lgamma", "hypot")


def _of_arrays(name: str) -> Any:
    def read(call: Call, given: Any) -> Places:
        places = call.places(given)
        if call.type not in PRECISIONS:
            raise Unreadable(f"{name} of {call.dtype}")
        distinct = tuple(dict.fromkeys(places.reshape(-1).tolist()))
        array = call.code.add("results", call.type, *distinct, about=(name,))
        items = {place: call.code.add("item", call.type, array, about=(at,)) for at, place in enumerate(distinct)}
        return each(items.__getitem__, places)

    return read


def _of_vectors(name: str) -> Any:
    def read(call: Call, *given: Any) -> Places:
        _only_single(call, name)
        return call.each(lambda *of: call.code.add("call", "float", *of, about=(name,)), *given)

    return read


def _only_single(call: Call, name: str) -> None:
    if call.type != "float":
        raise Unreadable(f"{name} of {call.dtype}")


for _name in OF_ARRAYS:
    operation(_name)(_of_arrays(_name))
for _name in OF_VECTORS:
    operation(_name)(_of_vectors(_name))


@operation("sigmoid")
def sigmoid(call: Call, given: Any) -> Places:
    """1 / (1 + exp(-x)), whose exponential is the one of vectors."""
    _only_single(call, "sigmoid")
    zero, one = (call.code.constant(number, "float") for number in (0.0, 1.0))

    def squashed(x: int) -> int:
        power = call.code.add("call", "float", call.code.add("fsub", "float", zero, x), about=("exp",))
        return call.code.add("fdiv", "float", one, call.code.add("fadd", "float", one, power))

    return call.each(squashed, given)


@operation("pow")
def power(call: Call, base: Any, exponent: Any) -> Places:
    """Base to the power of an exponent; torch has forms of its own for some of those that are numbers."""
    number = exponent.item() if hasattr(exponent, "item") and exponent.ndim == 0 else exponent
    if number == 2:
        return square(call, base)
    if number in (0.5, -0.5, 3, -1, -2):
        raise Unreadable(f"a power of {number}")
    powers: Places = _of_vectors("pow")(call, base, number)
    return powers
