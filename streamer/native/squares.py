"""Assembly that cuts the numbers of rows, which lie side by side, into vectors of one number, and pastes them again.

Both turn a square of `LANES` rows and as many numbers round where there are that many, and go number by number where
there are not.
"""

from streamer.native.assembly import each_lane, joined, vector
from streamer.native.vectors import BYTES, LANES

WIDTHS = (8, 16, 32, 64)  # bits of a number


def definitions() -> str:
    """The functions whose names `called` tells."""
    return "\n".join(
        function(bits) for bits in WIDTHS for function in (_cut_each, _pasted_each, _cut_squares, _pasted_squares)
    )


def called(name: str, bits: int, count: int) -> str:
    """Which function cuts, or pastes, so many numbers of a row. name: cut or pasted."""
    return f"{name}{bits}.{'squares' if count >= LANES else 'each'}"


def _cut_each(bits: int) -> str:
    number = f"i{bits}"
    lines = each_lane(f"""\
  %from.# = getelementptr {number}, ptr %row.#, i64 %at
  %item.# = load {number}, ptr %from.#""")
    stored = f"  store {vector(number)} %all.{LANES}, ptr %vector, align {_alignment(bits)}"
    return _loop(f"cut{bits}.each", number, 1, f"{lines}\n{joined(number)}\n{stored}")


def _pasted_each(bits: int) -> str:
    number = f"i{bits}"
    loaded = f"  %all = load {vector(number)}, ptr %vector, align {_alignment(bits)}"
    lines = each_lane(f"""\
  %item.# = extractelement {vector(number)} %all, i32 #
  %to.# = getelementptr {number}, ptr %row.#, i64 %at
  store {number} %item.#, ptr %to.#""")
    return _loop(f"pasted{bits}.each", number, 1, f"{loaded}\n{lines}")


def _cut_squares(bits: int) -> str:
    number = f"i{bits}"
    loaded = each_lane(f"""\
  %from.# = getelementptr {number}, ptr %row.#, i64 %at
  %square.0.# = load {vector(number)}, ptr %from.#, align {bits // 8}""")
    stored = each_lane(f"""\
  %to.# = getelementptr {vector(number)}, ptr %vector, i64 #
  store {vector(number)} %square.{_ROUNDS}.#, ptr %to.#, align {_alignment(bits)}""")
    return _loop(f"cut{bits}.squares", number, LANES, f"{loaded}\n{_turned(number)}\n{stored}")


def _pasted_squares(bits: int) -> str:
    number = f"i{bits}"
    loaded = each_lane(f"""\
  %from.# = getelementptr {vector(number)}, ptr %vector, i64 #
  %square.0.# = load {vector(number)}, ptr %from.#, align {_alignment(bits)}""")
    stored = each_lane(f"""\
  %to.# = getelementptr {number}, ptr %row.#, i64 %at
  store {vector(number)} %square.{_ROUNDS}.#, ptr %to.#, align {bits // 8}""")
    return _loop(f"pasted{bits}.squares", number, LANES, f"{loaded}\n{_turned(number)}\n{stored}")


_ROUNDS = LANES.bit_length() - 1


def _turned(number: str) -> str:
    """A square turned round: each round exchanges what lies off the diagonal in squares of twice the size."""
    lines = []
    for round_ in range(_ROUNDS):
        apart = 1 << round_
        for lane in range(LANES):
            upper, lower = lane & ~apart, lane | apart
            shift = apart if lane == lower else 0
            mask = ", ".join(f"i32 {(LANES + at - apart + shift) if at & apart else at + shift}" for at in range(LANES))
            lines.append(
                f"  %square.{round_ + 1}.{lane} = shufflevector {vector(number)} %square.{round_}.{upper}, "
                f"{vector(number)} %square.{round_}.{lower}, <{LANES} x i32> <{mask}>"
            )
    return "\n".join(lines)


def _alignment(bits: int) -> int:
    """Bytes that a vector in memory is aligned to."""
    return min(BYTES, LANES * bits // 8)


def _loop(name: str, number: str, step: int, body: str) -> str:
    """A function that does the same for so many numbers of a run after the other; the last ones may come twice.

    Of the rows the first one's address is told.
    """
    addresses = each_lane("""\
  %offset.# = mul i64 %stride, #
  %row.# = getelementptr i8, ptr %rows, i64 %offset.#""")
    return f"""
define internal void @{name}(ptr %rows, i64 %stride, i64 %count, ptr %vectors) noinline {{
entry:
{addresses}
  %last = sub i64 %count, {step}
  br label %loop
loop:
  %at = phi i64 [0, %entry], [%next, %loop]
  %vector = getelementptr {vector(number)}, ptr %vectors, i64 %at
{body}
  %after = add i64 %at, {step}
  %is_far = icmp slt i64 %last, %after
  %next = select i1 %is_far, i64 %last, i64 %after
  %more = icmp slt i64 %at, %last
  br i1 %more, label %loop, label %done
done:
  ret void
}}"""
