"""Machine code as LLVM's assembly: a function for every stage, which runs its pieces on `LANES` rows at a time."""

from collections.abc import Iterable

from streamer.native.assembly import (
    DIVISIONS,
    INTRINSICS,
    VECTORS,
    alignment,
    common,
    in_memory,
    intrinsic,
    literal,
    vector,
)
from streamer.native.code import Value
from streamer.native.functions import OF_ARRAYS, PRECISIONS
from streamer.native.plan import GIVEN, Place, Plan, Source, Stage, item_bytes
from streamer.native.squares import called, definitions
from streamer.native.vectors import LANES

CASTS = ("fpext", "fptrunc", "fptosi", "sitofp", "uitofp", "zext", "sext", "trunc")
LIKE_TORCH = 0x2 | 0x140000 | 0x100  # how torch asks MKL: high accuracy, no number flushed to zero, no error told


def written(plan: Plan, sources: list[Source]) -> str:
    """The assembly of a plan. sources: the tensors whose addresses and strides a stage is given, in their order.

    A stage is ``void stageN(i64 rows, ptr addresses, ptr strides, ptr kept, ptr aside)``; a stride is the bytes from
    one row to the next.
    """
    text = [common(), definitions()]
    for number, stage in enumerate(plan.stages):
        for piece, places in enumerate(stage.pieces):
            is_last = piece == len(stage.pieces) - 1
            text.append(_Piece(plan, sources, number).function(f"stage{number}.{piece}", places, is_last))
        text.append(_stage(plan, sources, number, stage))
    return "\n".join(text)


class _Piece:
    """The text of one piece."""

    def __init__(self, plan: Plan, sources: list[Source], stage: int) -> None:
        self._plan = plan
        self._sources = sources
        self._stage = stage
        self._lines: list[str] = []
        self._names: dict[int, str] = {}
        self._count = 0

    def function(self, name: str, places: Iterable[int], is_last: bool) -> str:
        """A function of the values at these places; the last of a stage also stores what need not be computed."""
        for place in places:
            self._compute(place)
        if is_last:
            for place in self._plan.stored:
                value = self._plan.values[place]
                if value.operation in GIVEN and value.stage == self._stage:
                    self._store(place)
        body = "\n".join(f"  {line}" for line in self._lines)
        return (
            f"define internal void @{name}(ptr %aside, ptr %kept, ptr %addresses) noinline {{\n{body}\n  ret void\n}}"
        )

    def _line(self, text: str) -> str:
        """An instruction, whose result gets a name."""
        self._count += 1
        self._lines.append(f"%v{self._count} = {text}")
        return f"%v{self._count}"

    def _pointer(self, place: Place) -> str:
        return self._line(f"getelementptr i8, ptr %{place.area}, i64 {place.offset}")

    def _loaded(self, pointer: str, type_: str) -> str:
        memory = in_memory(type_)
        loaded = self._line(f"load {vector(memory)}, ptr {pointer}, align {alignment(type_)}")
        return self._known(loaded, type_)

    def _known(self, name: str, type_: str) -> str:
        """What came from memory as what is computed with."""
        return self._line(f"icmp ne {vector('i8')} {name}, zeroinitializer") if type_ == "i1" else name

    def _write(self, name: str, type_: str, pointer: str) -> None:
        if type_ == "i1":
            name, type_ = self._line(f"zext {vector('i1')} {name} to {vector('i8')}"), "i8"
        self._lines.append(f"store {vector(type_)} {name}, ptr {pointer}, align {alignment(type_)}")

    def _store(self, place: int) -> None:
        for where in self._plan.stored.get(place, ()):
            self._write(self._name(place), self._plan.values[place].type, self._pointer(where))

    def _name(self, place: int) -> str:
        """What a value is called here; one that is not yet is read from where it lies."""
        if place not in self._names:
            self._names[place] = self._found(place, self._plan.values[place])
        return self._names[place]

    def _found(self, place: int, value: Value) -> str:
        if value.operation == "constant":
            return literal(value)
        if value.operation == "load":
            source, at = value.about
            return self._loaded(self._pointer(self._plan.regions[source].at(at)), value.type)
        if value.operation == "scalar":
            source, at = value.about
            memory = in_memory(value.type)
            pointer = self._line(f"getelementptr {memory}, ptr {self._base(source)}, i64 {at}")
            return self._spread(self._line(f"load {memory}, ptr {pointer}"), value.type)
        pointer = self._pointer(self._plan.places[place])
        return pointer if value.operation in ("results", "array") else self._loaded(pointer, value.type)

    def _base(self, source: Source) -> str:
        pointer = self._line(f"getelementptr ptr, ptr %addresses, i64 {self._sources.index(source)}")
        return self._line(f"load ptr, ptr {pointer}")

    def _spread(self, number: str, type_: str) -> str:
        memory = in_memory(type_)
        first = self._line(f"insertelement {vector(memory)} poison, {memory} {number}, i32 0")
        every = f"{vector(memory)} poison, <{LANES} x i32> zeroinitializer"
        return self._known(self._line(f"shufflevector {vector(memory)} {first}, {every}"), type_)

    def _compute(self, place: int) -> None:
        value = self._plan.values[place]
        self._names[place] = self._computed(place, value)
        self._store(place)

    def _computed(self, place: int, value: Value) -> str:
        if value.operation in ("results", "array"):
            return self._laid(place, value)
        if value.operation == "item":
            base, before = self._plan.places[value.of[0]], value.about[0] * LANES * item_bytes(value.type)
            return self._loaded(self._pointer(base._replace(offset=base.offset + before)), value.type)
        if value.operation in ("pick", "fetch"):
            return self._gathered(value)
        return self._line(self._instruction(value))

    def _instruction(self, value: Value) -> str:
        """A value of values that have names."""
        names = [self._name(of) for of in value.of]
        types = [vector(self._plan.values[of].type) for of in value.of]
        typed = ", ".join(f"{type_} {name}" for type_, name in zip(types, names, strict=True))
        name, of = value.operation, vector(value.type)
        if name == "select":
            return f"select {typed}"
        if name in CASTS:
            return f"{name} {typed} to {of}"
        if called := _function(value):
            return f"call {of} @{called}({typed})"
        return f"{name} {types[0]} {', '.join(names)}"

    def _laid(self, place: int, value: Value) -> str:
        """Vectors one after the other in memory, and what a function makes of them in their place. -> a pointer."""
        base = self._plan.places[place]
        type_ = self._plan.values[value.of[0]].type
        size = item_bytes(type_) * LANES
        for number, of in enumerate(value.of):
            self._write(self._name(of), type_, self._pointer(base._replace(offset=base.offset + number * size)))
        pointer = self._pointer(base)
        if value.operation == "results":
            name, count = PRECISIONS[value.type] + OF_ARRAYS[value.about[0]], LANES * len(value.of)
            self._lines.append(f"call void @{name}(i32 {count}, ptr {pointer}, ptr {pointer}, i64 {LIKE_TORCH})")
        return pointer

    def _gathered(self, value: Value) -> str:
        """Each row's number at an index of its own: of vectors in memory, or of a table."""
        memory = in_memory(value.type)
        if value.operation == "pick":
            base, index = (self._name(of) for of in value.of)
            own = ", ".join(f"i64 {lane}" for lane in range(LANES))
            every = "<" + ", ".join([f"i64 {LANES}"] * LANES) + ">"
            index = self._line(f"mul {vector('i64')} {index}, {every}")
            index = self._line(f"add {vector('i64')} {index}, <{own}>")
        else:
            source, at = value.about
            base, index = self._base(source), self._name(value.of[0])
            base = self._line(f"getelementptr {memory}, ptr {base}, i64 {at}")
        picked = self._line(f"call {vector(memory)} @picked.{memory}(ptr {base}, {vector('i64')} {index})")
        return self._known(picked, value.type)


def _function(value: Value) -> str | None:
    """What a value is computed by, where there is no instruction for it."""
    name = value.operation
    if name == "call":
        return VECTORS[value.about[0]][0]
    if name in DIVISIONS:
        return f"{name}.{value.type}"
    return intrinsic(name, value.type) if name in INTRINSICS else None


def _stage(plan: Plan, sources: list[Source], number: int, stage: Stage) -> str:
    """The function of a stage: for `LANES` rows after the other, cut, compute and paste."""
    head, body = [], []
    moves = [(source, *span, "cut") for source, span in stage.sources.items()]
    moves += [(source, start, stop, "pasted") for source, start, stop in stage.sinks]
    for at, (source, start, stop, name) in enumerate(moves):
        if name == "pasted" and (at == 0 or moves[at - 1][3] == "cut"):
            body += _calls(number, stage)
        index, region = sources.index(source), plan.regions[source]
        move = called(name, 8 * region.size, stop - start)
        head += [
            f"  %slot.{at} = getelementptr ptr, ptr %addresses, i64 {index}",
            f"  %base.{at} = load ptr, ptr %slot.{at}",
            f"  %width.{at} = getelementptr i64, ptr %strides, i64 {index}",
            f"  %stride.{at} = load i64, ptr %width.{at}",
        ]
        body += [
            f"  %offset.{at} = mul i64 %row, %stride.{at}",
            f"  %begin.{at} = getelementptr i8, ptr %base.{at}, i64 {start * region.size}",
            f"  %rows.{at} = getelementptr i8, ptr %begin.{at}, i64 %offset.{at}",
            f"  %vectors.{at} = getelementptr i8, ptr %aside, i64 {region.at(start).offset}",
            f"  call void @{move}(ptr %rows.{at}, i64 %stride.{at}, i64 {stop - start}, ptr %vectors.{at})",
        ]
    lines = "\n".join(body)
    return f"""
define void @stage{number}(i64 %count, ptr %addresses, ptr %strides, ptr %all_kept, ptr %aside) {{
entry:
{chr(10).join(head)}
  br label %loop
loop:
  %row = phi i64 [0, %entry], [%next, %loop]
  %vector = udiv i64 %row, {LANES}
  %keep = mul i64 %vector, {plan.kept_bytes}
  %kept = getelementptr i8, ptr %all_kept, i64 %keep
{lines}
  %next = add i64 %row, {LANES}
  %more = icmp slt i64 %next, %count
  br i1 %more, label %loop, label %done
done:
  ret void
}}"""


def _calls(number: int, stage: Stage) -> list[str]:
    return [
        f"  call void @stage{number}.{piece}(ptr %aside, ptr %kept, ptr %addresses)"
        for piece in range(len(stage.pieces))
    ]
