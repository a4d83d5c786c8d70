"""What a step computes for one row: values that are made of each other, every one of them once."""

from typing import Any, NamedTuple

import numpy as np
import torch

TYPES = {
    torch.float32: "float",
    torch.float64: "double",
    torch.float16: "half",
    torch.int64: "i64",
    torch.int32: "i32",
    torch.bool: "i1",
}  # as LLVM calls them
FLOATING = ("half", "float", "double")  # from narrow to wide


class Value(NamedTuple):
    """One value of a row."""

    operation: str  # an instruction of LLVM, or one of those that `writer.py` knows
    type: str
    of: tuple[int, ...]  # places of the values that it is made of
    about: tuple[Any, ...]  # what else the operation must know
    stage: int  # how many matrix products come before it


class Code:
    """Values in an order in which they can be had. A value is known by its place in it."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self._places: dict[tuple[Any, ...], int] = {}

    def add(self, operation: str, type_: str, *of: int, about: tuple[Any, ...] = (), stage: int = 0) -> int:
        """The place of a value; the one that is there, where there is one."""
        key = (operation, type_, of, about)
        if key not in self._places:
            self._places[key] = len(self.values)
            stage = max([stage, *(self.values[place].stage for place in of)])
            self.values.append(Value(operation, type_, of, about, stage))
        return self._places[key]

    def type(self, place: int) -> str:
        """The type of a value."""
        return self.values[place].type

    def constant(self, number: float, type_: str) -> int:
        """A number, rounded to the type. Floating ones are told by their digits: else 0 would be -0."""
        if type_ in FLOATING:
            number = float(np.float32(number)) if type_ == "float" else float(number)
            return self.add("constant", type_, about=(number.hex(),))
        return self.add("constant", type_, about=(int(number),))

    def compare(self, predicate: str, a: int, b: int) -> int:
        """a: ``o..`` and ``une`` of floating numbers, ``eq``, ``ne``, ``s..`` of whole ones -> i1."""
        instruction = "fcmp" if self.type(a) in FLOATING else "icmp"
        return self.add(f"{instruction} {predicate}", "i1", a, b)

    def both(self, a: int, b: int) -> int:
        """i1, i1 -> i1."""
        return self.add("and", "i1", a, b)

    def either(self, a: int, b: int) -> int:
        """i1, i1 -> i1."""
        return self.add("or", "i1", a, b)

    def differ(self, a: int, b: int) -> int:
        """i1, i1 -> i1."""
        return self.add("xor", "i1", a, b)

    def negated(self, a: int) -> int:
        """i1 -> i1."""
        return self.differ(a, self.constant(1, "i1"))

    def is_nan(self, a: int) -> int:
        """-> i1."""
        return self.compare("uno", a, a)

    def select(self, condition: int, a: int, b: int) -> int:
        """One value where the condition holds, else the other."""
        return a if a == b else self.add("select", self.type(a), condition, a, b)

    def converted(self, place: int, to: str) -> int:
        """A value as another type, as torch converts."""
        value = self.values[place]
        if value.type == to:
            return place
        if value.operation == "constant":
            number = value.about[0]
            return self.constant(float.fromhex(number) if isinstance(number, str) else number, to)
        return self._converted(place, value.type, to)

    def _converted(self, place: int, given: str, to: str) -> int:
        if to == "i1":
            return self.compare("une" if given in FLOATING else "ne", place, self.constant(0, given))
        if given in FLOATING and to in FLOATING:
            return self.add("fpext" if FLOATING.index(to) > FLOATING.index(given) else "fptrunc", to, place)
        if given in FLOATING:
            return self.add("fptosi", to, place)
        if to in FLOATING:
            return self.add("uitofp" if given == "i1" else "sitofp", to, place)
        return self.add("zext" if given == "i1" else "sext" if to == "i64" else "trunc", to, place)
