"""Where values lie between the pieces of machine code, and which piece computes them.

Rows are computed eight at once, or sixteen. Columns are cut into vectors of so many beforehand and pasted together
afterwards, so that a value is a vector that lies in one piece wherever it is.
"""

from collections.abc import Iterable
from typing import NamedTuple

from streamer.native.code import Value
from streamer.native.reader import Computation
from streamer.native.vectors import BYTES, LANES

PIECE = 800  # values that are compiled at once: compiling takes longer than in proportion to them
_BYTES = {"float": 4, "double": 8, "half": 2, "i64": 8, "i32": 4, "i1": 1}
GIVEN = ("constant", "scalar", "load")  # what need not be computed

Source = tuple[str, int]  # an input, a product's result, what it is given, an output; and which


class Place(NamedTuple):
    """A vector in memory."""

    area: str  # aside: of the rows under way; kept: of all rows, for a later stage
    offset: int  # bytes


class Region(NamedTuple):
    """A tensor cut into vectors: those of one number after the other."""

    offset: int
    size: int  # bytes of a number

    def at(self, index: int) -> Place:
        """Where the vector of a number lies."""
        return Place("aside", self.offset + index * self.size * LANES)


class Stage(NamedTuple):
    """What is computed between two matrix products."""

    sources: dict[Source, tuple[int, int]]  # that are cut: from which number to which
    pieces: list[list[int]]
    sinks: list[tuple[Source, int, int]]  # that are pasted: from which number to which


class _Memory:
    """An area that grows."""

    def __init__(self) -> None:
        self.size = 0

    def take(self, count: int, type_: str) -> int:
        """The offset of so many vectors."""
        offset = self.size
        self.size += -(-count * item_bytes(type_) * LANES // BYTES) * BYTES
        return offset


def item_bytes(type_: str) -> int:
    """Bytes of a number where it lies in memory."""
    return _BYTES[type_]


class Plan:
    """The stages of a step, and where everything lies."""

    def __init__(self, step: Computation) -> None:
        self.values = step.program.code.values
        self._aside, self._kept = _Memory(), _Memory()
        self.sinks = self._sinks(step)
        self.order = self._in_order(place for columns in self.sinks.values() for place in columns)
        count = 1 + max([stage for _, _, _, stage in step.program.products], default=-1) + 1
        pieces = [_pieces(self._computed(stage)) for stage in range(count)]
        self.piece_of = {
            place: (stage, number)
            for stage, of_stage in enumerate(pieces)
            for number, piece in enumerate(of_stage)
            for place in piece
        }
        self.places = self._crossing()
        self.regions: dict[Source, Region] = {}
        self.stages = [
            Stage(self._sources(stage), of_stage, list(self._runs(stage))) for stage, of_stage in enumerate(pieces)
        ]
        self.stored = self._stored()

    @property
    def aside_bytes(self) -> int:
        """Of the rows under way."""
        return self._aside.size

    @property
    def kept_bytes(self) -> int:
        """Of `LANES` rows, and of all of them there are at once."""
        return self._kept.size

    def _sinks(self, step: Computation) -> dict[Source, list[int]]:
        givens = {("given", number): product.given for number, product in enumerate(step.program.products)}
        outputs = {("output", number): columns.places for number, columns in enumerate(step.outputs)}
        return {source: places.reshape(-1).tolist() for source, places in {**givens, **outputs}.items()}

    def _in_order(self, roots: Iterable[int]) -> list[int]:
        """All that is needed, each value soon before the first one that is made of it, so that few wait in memory."""
        order: dict[int, None] = {}
        for root in roots:
            left = [(root, False)]
            while left:
                place, is_ready = left.pop()
                if is_ready:
                    order[place] = None
                elif place not in order:
                    left += [(place, True), *((of, False) for of in reversed(self.values[place].of))]
        return list(order)

    def _computed(self, stage: int) -> list[int]:
        return [
            place
            for place in self.order
            if self.values[place].stage == stage and self.values[place].operation not in GIVEN
        ]

    def _crossing(self) -> dict[int, Place]:
        """Where values lie that another piece needs, and what lies in memory in any case."""
        places: dict[int, Place] = {}
        later = {of for place, value in self._living() for of in value.of if self.values[of].stage < value.stage}
        for place, value in self._living():
            if value.operation in ("results", "array"):
                places[place] = self._take(len(value.of), value, place in later)
            for of in value.of:
                made = self.values[of]
                crosses = self.piece_of.get(of) != self.piece_of.get(place)
                if crosses and of not in places and made.operation not in GIVEN and place in self.piece_of:
                    places[of] = self._take(1, made, of in later)
        return places

    def _living(self) -> list[tuple[int, Value]]:
        return [(place, self.values[place]) for place in self.order]

    def _take(self, count: int, value: Value, is_kept: bool) -> Place:
        if is_kept:
            return Place("kept", self._kept.take(count, value.type))
        return Place("aside", self._aside.take(count, value.type))

    def _sources(self, stage: int) -> dict[Source, tuple[int, int]]:
        """Which numbers of which columns a stage reads."""
        read = [of for place in self.piece_of if self.piece_of[place][0] == stage for of in self.values[place].of]
        read += [place for places in self.sinks.values() for place in places if self.values[place].stage == stage]
        spans: dict[Source, tuple[int, int]] = {}
        for place in read:
            value = self.values[place]
            if value.operation == "load":
                source, at = value.about
                self._region(source, value.type)
                first, last = spans.get(source, (at, at))
                spans[source] = min(first, at), max(last, at)
        return {source: (first, last + 1) for source, (first, last) in spans.items()}

    def _region(self, source: Source, type_: str) -> Region:
        if source not in self.regions:
            loads = [value.about[1] for value in self.values if value.operation == "load" and value.about[0] == source]
            count = len(self.sinks[source]) if source in self.sinks else max(loads) + 1
            self.regions[source] = Region(self._aside.take(count, type_), item_bytes(type_))
        return self.regions[source]

    def _runs(self, stage: int) -> Iterable[tuple[Source, int, int]]:
        """Which numbers of what is pasted a stage has."""
        for source, places in self.sinks.items():
            start = None
            for at, place in enumerate([*places, None]):
                is_here = place is not None and self.values[place].stage == stage
                if place is not None:
                    self._region(source, self.values[place].type)
                if is_here and start is None:
                    start = at
                elif not is_here and start is not None:
                    yield source, start, at
                    start = None

    def _stored(self) -> dict[int, list[Place]]:
        """Where values are to be written to, for another piece or to be pasted."""
        stored: dict[int, list[Place]] = {}
        for place, where in self.places.items():
            if self.values[place].operation not in ("results", "array"):
                stored.setdefault(place, []).append(where)
        for source, places in self.sinks.items():
            for at, place in enumerate(places):
                stored.setdefault(place, []).append(self.regions[source].at(at))
        return stored


def _pieces(places: list[int]) -> list[list[int]]:
    return [places[start : start + PIECE] for start in range(0, len(places), PIECE)] or [[]]
