"""Assembly of LLVM that is the same for every step: types, constants, and functions that are called."""

import struct

import numpy as np

from streamer.native.code import FLOATING, Value
from streamer.native.functions import OF_ARRAYS, PRECISIONS
from streamer.native.vectors import BYTES, LANES

INTRINSICS = {"fma": 3, "copysign": 2, "fabs": 1, "floor": 1, "roundeven": 1, "sqrt": 1}  # and their arguments
DIVISIONS = ("sdiv", "srem")  # without an instruction for vectors: written once, since each takes a page
VECTORS = {
    "exp": (f"Sleef_expf{LANES}_u10", 1),
    "exp2": (f"Sleef_exp2f{LANES}_u10", 1),
    "expm1": (f"Sleef_expm1f{LANES}_u10", 1),
    "fmod": (f"Sleef_fmodf{LANES}", 2),
    "hypot": (f"Sleef_hypotf{LANES}_u05", 2),
    "lgamma": (f"Sleef_lgammaf{LANES}_u10", 1),
    "log1p": (f"Sleef_log1pf{LANES}_u10", 1),
    "pow": (f"Sleef_powf{LANES}_u10", 2),
}  # as Sleef calls them, and their arguments


def symbols() -> list[str]:
    """The functions of torch's library that the code may call."""
    return [*(name for name, _ in VECTORS.values()), *of_arrays()]


def of_arrays() -> list[str]:
    """The functions of arrays, as MKL calls them."""
    return [f"{begin}{name}" for begin in PRECISIONS.values() for name in OF_ARRAYS.values()]


def common() -> str:
    """What comes before the code of a step."""
    text = [f"declare {_many('float', 1)} @{name}({_many('float', count)})" for name, count in VECTORS.values()]
    text += [f"declare void @{name}(i32, ptr, ptr, i64)" for name in of_arrays()]
    text += [
        f"declare {vector(type_)} @{intrinsic(name, type_)}({_many(type_, count)})"
        for name, count in INTRINSICS.items()
        for type_ in ("float", "double")
    ]
    text += [_divided(operation, type_) for operation in DIVISIONS for type_ in ("i64", "i32")]
    return "\n".join([*text, *(_picked(memory) for memory in ("float", "double", "half", "i64", "i32", "i8"))])


def vector(type_: str) -> str:
    """The type of a value of `LANES` rows."""
    return f"<{LANES} x {type_}>"


def in_memory(type_: str) -> str:
    """The type as which a number lies in memory."""
    return "i8" if type_ == "i1" else type_


def alignment(type_: str) -> int:
    """Bytes that a vector in memory is aligned to."""
    return min(BYTES, LANES * {"i8": 1, "half": 2}.get(in_memory(type_), 4))


def intrinsic(name: str, type_: str) -> str:
    """What LLVM calls an operation on vectors."""
    return f"llvm.{name}.v{LANES}f{ {'float': 32, 'double': 64}[type_] }"


def literal(value: Value) -> str:
    """A constant in every row."""
    number, type_ = value.about[0], value.type
    if type_ not in FLOATING:
        text = str(number)
    elif type_ == "half":
        text = f"0xH{np.float16(float.fromhex(number)).view(np.uint16):04X}"
    else:
        text = f"0x{struct.unpack('<Q', struct.pack('<d', float.fromhex(number)))[0]:016X}"
    return "<" + ", ".join([f"{type_} {text}"] * LANES) + ">"


def _many(type_: str, count: int) -> str:
    return ", ".join([vector(type_)] * count)


def _divided(operation: str, type_: str) -> str:
    """A function that divides whole numbers."""
    of = vector(type_)
    return f"""
define internal {of} @{operation}.{type_}({of} %a, {of} %b) noinline {{
  %result = {operation} {of} %a, %b
  ret {of} %result
}}"""


def _picked(memory: str) -> str:
    """A function that reads each row's number at an index of its own."""
    lines = each_lane(f"""\
  %index.# = extractelement {vector("i64")} %at, i32 #
  %from.# = getelementptr {memory}, ptr %base, i64 %index.#
  %item.# = load {memory}, ptr %from.#""")
    return f"""
define internal {vector(memory)} @picked.{memory}(ptr %base, {vector("i64")} %at) noinline {{
{lines}
{joined(memory)}
  ret {vector(memory)} %all.{LANES}
}}"""


def joined(number: str) -> str:
    """The items of all lanes as one vector, which is called ``all`` and their count."""
    lines = [
        f"  %all.{lane + 1} = insertelement {vector(number)} {f'%all.{lane}' if lane else 'poison'}, "
        f"{number} %item.{lane}, i32 {lane}"
        for lane in range(LANES)
    ]
    return "\n".join(lines)


def each_lane(lines: str) -> str:
    """Lines once for every lane, whose number stands where # does."""
    return "\n".join(lines.replace("#", str(lane)) for lane in range(LANES))
