"""Every operation that has machine code has the bits that torch's own has, on numbers of all kinds."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from models.cells.tiles import TiledLinear
from streamer.native.call import OPERATIONS
from streamer.native.candidate import has_the_bits
from streamer.native.columns import PROBE_ROWS, Unreadable
from streamer.native.kernel import Kernel
from streamer.recording import traced
from tests.streamer.steps import WHERE_COMPILED

pytestmark = WHERE_COMPILED

ROWS, COLUMNS = 96, 6
SUMMED = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 24, 31, 33, 64, 70, 130, 150, 251)
SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, -3e-39, 3.4e38, -3.4e38, 88.7, -103.9, 1e-7]
MATRIX = TiledLinear(COLUMNS, 9).requires_grad_(False)
TABLE = torch.randn(7, 3, generator=torch.Generator().manual_seed(3))
ORDER = torch.tensor([3, 0, 0, 5])

Case = Callable[[Tensor, Tensor], Tensor | tuple[Tensor, ...]]


def numbers(seed: int) -> Tensor:
    """(ROWS, COLUMNS) float32: special ones beside ordinary ones of every size."""
    generator = torch.Generator().manual_seed(seed)
    sizes = 10.0 ** torch.randint(-6, 7, (ROWS, COLUMNS), generator=generator)
    made = torch.randn((ROWS, COLUMNS), generator=generator) * sizes
    special = torch.tensor(SPECIAL)[torch.randint(0, len(SPECIAL), (ROWS, COLUMNS), generator=generator)]
    return torch.where(torch.rand((ROWS, COLUMNS), generator=generator) < 0.3, special, made)


def wide(x: Tensor) -> Tensor:
    """(..., 42 COLUMNS): numbers that are not alike."""
    return torch.cat([x * (1 + 0.37 * number) for number in range(42)], dim=1)


def place(x: Tensor, count: int = COLUMNS) -> Tensor:
    """An index of each number's own."""
    return (x.nan_to_num().clamp(-1e6, 1e6) * 1e3).long() % count


def written_over(x: Tensor, y: Tensor) -> Tensor:
    x = x.clone()
    x[:, 2] = y[:, 0]
    x.select(1, 4).copy_(y[:, 1].double())
    return x


def masked_in_place(x: Tensor, y: Tensor) -> Tensor:
    mask = (x > 0).clone()
    mask &= y > 0
    return mask


CASES: dict[str, Case] = {
    "__and__": lambda x, y: (x > 0) & (y > 0),
    "__iand__": masked_in_place,
    "__or__": lambda x, y: (x > 0) | (y > 0),
    "abs": lambda x, y: x.abs(),
    "add": lambda x, y: (x + y, x.long() + place(y), torch.add(x, y, alpha=0.3), x + y.double(), x + 0.1),
    "addcmul": lambda x, y: (torch.addcmul(x, y, x), torch.addcmul(x, y, x, value=-1)),
    "all": lambda x, y: (x < y).all(-1),
    "amax": lambda x, y: (x.amax(-1), x.amax(-1, keepdim=True) + y),
    "amin": lambda x, y: x.amin(-1),
    "any": lambda x, y: (x > 1e6).any(-1),
    "argmax": lambda x, y: (x.argmax(-1), x.argmax(-1, keepdim=True)),
    "argmin": lambda x, y: x.argmin(-1),
    "baddbmm": lambda x, y: MATRIX(x.nan_to_num(0, 1, -1)),
    "bitwise_not": lambda x, y: ~(x > y),
    "cat": lambda x, y: torch.cat((x, y.double(), x[:, :2]), dim=1),
    "chunk": lambda x, y: x.chunk(4, dim=1),
    "clamp": lambda x, y: (x.clamp(-1, 1), x.clamp(min=0.1), x.clamp(y, y + 1), place(x).clamp(1, 3)),
    "clamp_max": lambda x, y: (x.clamp_max(0.5), place(x).clamp_max(2)),
    "clamp_min": lambda x, y: (x.clamp_min(0.0), x.clamp_min(1e-30), place(x).clamp_min(2)),
    "clone": lambda x, y: x.clone(),
    "contiguous": lambda x, y: x.contiguous() + y,
    "copy_": written_over,
    "copysign": lambda x, y: x.copysign(y),
    "cos": lambda x, y: x.nan_to_num(0, 1, -1).cos(),
    "cumsum": lambda x, y: (x.cumsum(-1), place(x).cumsum(-1), x.double().cumsum(-1)),
    "detach": lambda x, y: x.detach() * y,
    "div": lambda x, y: (x / y, x / 3, 1 / y, place(x) / 3),
    "eq": lambda x, y: (x == y, x == 0, place(x) == 2),
    "exp": lambda x, y: (x.exp(), (x + y)[:, ::2].exp(), x.double().exp()),
    "exp2": lambda x, y: x.exp2(),
    "expand": lambda x, y: x.unsqueeze(1).expand(-1, 3, -1) + 0,
    "expand_as": lambda x, y: x[:, :1].expand_as(y) + 0,
    "expm1": lambda x, y: x.expm1(),
    "flatten": lambda x, y: x.unsqueeze(1).expand(-1, 2, -1).flatten(0, 1),
    "flip": lambda x, y: x.flip(-1),
    "floor": lambda x, y: (x.floor(), x.double().floor()),
    "floor_divide": lambda x, y: (place(x) - 3) // (place(y) + 1),
    "full": lambda x, y: torch.full((len(x), 2), 0.3) + y[:, :2],
    "full_like": lambda x, y: torch.full_like(x, math.nan),
    "gather": lambda x, y: (x.gather(-1, place(y)), x.repeat_interleave(7, 1).gather(-1, place(y, 42))),
    "ge": lambda x, y: (x >= y, x >= 1),
    "gt": lambda x, y: (x > y, x.double() > y),
    "hypot": torch.hypot,
    "index": lambda x, y: (TABLE[:, 0].contiguous()[place(x, 7)], x[:, ORDER]),
    "index_select": lambda x, y: (x.index_select(1, ORDER), TABLE.index_select(0, place(x, 7)[:, 0])),
    "isfinite": lambda x, y: x.isfinite(),
    "isinf": lambda x, y: x.isinf(),
    "isnan": lambda x, y: x.isnan(),
    "le": lambda x, y: (x <= y, place(x) <= 2),
    "lerp": lambda x, y: (torch.lerp(x, y, 0.3), torch.lerp(x, y, 0.7), torch.lerp(x, y, y.sigmoid())),
    "lgamma": lambda x, y: (x.nan_to_num(1, 1, 1).abs().clamp(0.1, 60)).lgamma(),
    "log": lambda x, y: (x.log(), x.double().log()),
    "log10": lambda x, y: x.log10(),
    "log1p": lambda x, y: x.log1p(),
    "log2": lambda x, y: x.log2(),
    "logical_not": lambda x, y: x.logical_not(),
    "lt": lambda x, y: (x < y, place(x) < 2),
    "masked_fill": lambda x, y: (x.masked_fill(y > 0, 0.1), place(x).masked_fill(y > 0, 7)),
    "max": lambda x, y: (*x.max(-1), torch.max(x, y)),
    "maximum": lambda x, y: (torch.maximum(x, y), torch.maximum(place(x), place(y))),
    "mean": lambda x, y: (x.mean(-1), x.mean(-1, keepdim=True)),
    "min": lambda x, y: (*x.min(-1, keepdim=True), torch.min(x, y)),
    "minimum": lambda x, y: (torch.minimum(x, y), torch.minimum(place(x), place(y))),
    "movedim": lambda x, y: (x.unsqueeze(1) * y.unsqueeze(2)).movedim(1, 2) + 1,
    "mul": lambda x, y: (x * y, x * 0.1, place(x) * place(y), x.double() * y),
    "nan_to_num": lambda x, y: (x.nan_to_num(), x.nan_to_num(1.5, 2.5, -3.5)),
    "narrow": lambda x, y: x.narrow(1, 2, 3) + 0,
    "ne": lambda x, y: (x != y, place(x) != 2),
    "neg": lambda x, y: (-x, -place(x)),
    "ones": lambda x, y: torch.ones((len(x), 2)),
    "ones_like": lambda x, y: torch.ones_like(x),
    "permute": lambda x, y: (x.unsqueeze(1) * y.unsqueeze(2)).permute(0, 2, 1) + 1,
    "pow": lambda x, y: (x**2, x.abs() ** 0.15, x**y),
    "reciprocal": lambda x, y: x.reciprocal(),
    "remainder": lambda x, y: (x.clamp(-1e6, 1e6) % 24, x % y, (place(x) - 3) % 4, (place(x) - 3) % -4),
    "repeat_interleave": lambda x, y: (x.repeat_interleave(2, 1), x.repeat_interleave(3, 0)),
    "reshape": lambda x, y: x.reshape(-1, 2, 3).transpose(1, 2).reshape(-1, 6),
    "round": lambda x, y: (x.round(), (place(x) / 2).round()),
    "rsub": lambda x, y: (1 - x, torch.rsub(x, y)),
    "scatter": lambda x, y: (x.scatter(-1, place(y), y), x.scatter(-1, place(y[:, :1]), y[:, :1])),
    "scatter_add": lambda x, y: x.scatter_add(-1, place(y[:, :1]), y[:, :1]),
    "select": lambda x, y: x[:, 3] * y[:, -1],
    "sigmoid": lambda x, y: x.sigmoid(),
    "sign": lambda x, y: x.sign(),
    "sin": lambda x, y: x.nan_to_num(0, 1, -1).sin(),
    "slice": lambda x, y: (x[:, 1:4] + 0, x[:, ::2] + 0),
    "split": lambda x, y: torch.split(x, 4, dim=1),
    "split_with_sizes": lambda x, y: torch.split_with_sizes(x, [1, 2, 3], dim=1),
    "sqrt": lambda x, y: (x.sqrt(), x.abs().sqrt(), x.double().sqrt()),
    "square": lambda x, y: x.square(),
    "squeeze": lambda x, y: x[:, :1].squeeze(1) + 0,
    "stack": lambda x, y: torch.stack((x, y), dim=1),
    "sub": lambda x, y: (x - y, place(x) - place(y), x - 0.1),
    "sum": lambda x, y: (*(wide(x)[:, :count].sum(-1) for count in SUMMED), y.unsqueeze(0).sum(0)),
    "tanh": lambda x, y: (x.tanh(), x.double().tanh()),
    "to": lambda x, y: (x.double(), x.half(), x.half().float(), (x > 0).float(), (x > 0).long(), place(x).int()),
    "transpose": lambda x, y: (x.unsqueeze(1) * y.unsqueeze(2)).transpose(1, 2) + 1,
    "unbind": lambda x, y: x.unbind(1),
    "unsqueeze": lambda x, y: x.unsqueeze(-1),
    "view": lambda x, y: x.view(-1, 3, 2),
    "where": lambda x, y: (torch.where(x > y, x, y), torch.where(x > 0, x, 0.1)),
    "zeros": lambda x, y: torch.zeros((len(x), 2)),
    "zeros_like": lambda x, y: torch.zeros_like(x),
}


def results(case: Case) -> Callable[..., tuple[Tensor, ...]]:
    def every(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        yielded = case(x, y)
        return yielded if isinstance(yielded, tuple) else (yielded,)

    return every


def kernel_of(case: Case) -> Kernel:
    probe = torch.ones((PROBE_ROWS, COLUMNS))
    return Kernel(traced(results(case), (probe, probe)).graph, [True, True])


@pytest.mark.parametrize("name", CASES)
def test_machine_code_has_the_bits_of_torch(name: str) -> None:
    x, y = numbers(1), numbers(2)

    kernel = kernel_of(CASES[name])

    for ours, theirs in zip(kernel(x, y), results(CASES[name])(x, y), strict=True):
        assert ours.dtype == theirs.dtype
        assert has_the_bits(ours, theirs)


@pytest.mark.parametrize("count", SUMMED)
@pytest.mark.parametrize("beside", [1, 3, 4, 7, 8, 14, 32, 45, None])
def test_sums_are_added_in_the_order_of_torch(count: int, beside: int | None) -> None:
    def summed(x: Tensor, y: Tensor) -> Tensor:
        numbers = wide(x)[:, :count]
        if beside is None:  # across rows
            return torch.stack(numbers.unbind(1)).sum(0)
        return (numbers.unsqueeze(-1) * torch.linspace(0.3, 2, beside)).contiguous().sum(1)

    x = numbers(1).nan_to_num(0, 1, -1).clamp(-1e6, 1e6)

    assert has_the_bits(kernel_of(summed)(x, x)[0], summed(x, x))


def test_only_a_nan_is_like_another() -> None:
    x = torch.tensor([0.0, 1.0, torch.nan])

    assert has_the_bits(x, torch.tensor([0.0, 1.0, -torch.nan]))
    assert not has_the_bits(x, torch.tensor([-0.0, 1.0, torch.nan]))
    assert not has_the_bits(x, torch.tensor([0.0, 1.0000001, torch.nan]))
    assert not has_the_bits(x, torch.tensor([0.0, torch.nan, torch.nan]))


def test_every_operation_that_can_be_read_is_tested() -> None:
    assert sorted(CASES) == sorted(OPERATIONS)


def test_columns_that_lie_apart_are_read_where_they_lie() -> None:
    wide = torch.cat((numbers(1), numbers(2), numbers(3)), dim=1)
    x, y = wide[:, :COLUMNS], wide[:, -2 * COLUMNS : -COLUMNS].T.contiguous().T

    [ours] = kernel_of(lambda x, y: x - 2 * y)(x, y)

    assert has_the_bits(ours, x - 2 * y)


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (lambda x, y: x.atan(), "atan has no machine code"),
        (lambda x, y: x.double().log1p(), "log1p of torch.float64"),
        (lambda x, y: x[::2] + y[1::2], "some of the rows"),
        (lambda x, y: x[0] + y, "one of the rows"),
        (lambda x, y: x.flip(0) + y, "rows that change their places"),
        (lambda x, y: torch.cat((x, y)).view(-1, 2 * COLUMNS), "rows that change their places"),
        (lambda x, y: torch.split(x, PROBE_ROWS // 2)[0].repeat(2, 1), "rows that change their places"),
        (lambda x, y: x.double().remainder(3), "what is left of doubles"),
        (lambda x, y: x + y.sum(), "a sum along more than one axis"),
        (lambda x, y: torch.cat((wide(x), y), 1).sum(-1), "a sum of 258"),
        (lambda x, y: x.transpose(0, 1), "a result whose rows do not lie along its first axis"),
        (lambda x, y: x.transpose(0, 1).reshape(-1, COLUMNS), "rows of (6, 1) along axis 1"),
        (lambda x, y: x**3, "a power of 3"),
    ],
)
def test_what_has_no_machine_code_says_so(case: Case, why: str) -> None:
    with pytest.raises(Unreadable) as raised:
        kernel_of(case)

    assert why in str(raised.value)
