"""What is done to whole batches: judged values instead of raw ones, parts of the rows, rows of nothing at the end."""

from collections.abc import Sequence
from dataclasses import fields, replace

import torch
from torch import Tensor
from torch.nn.functional import pad

from models.column import fresh_state
from models.training.forecasting import Batch
from models.transform import Transform, Transforms


def transformed(batch: Batch, transforms: Sequence[Transform]) -> Batch:
    """The values that are judged, as the detector has them: differences, returns, rates. One transform a channel."""
    transform = Transforms(transforms)
    state = fresh_state(transform.columns, batch.values.shape[1])
    values, present = [], []
    for reading in zip(batch.values, batch.present, batch.elapsed, strict=True):
        judged, is_there, state = transform(*reading, state)
        values.append(judged.masked_fill(~is_there, 0.0))
        present.append(is_there)
    return replace(batch, values=torch.stack(values), present=torch.stack(present))


def padded(batch: Batch, multiple: int) -> Batch:
    """As many rows as a multiple of this; those at the end have no reading."""
    missing = -batch.values.shape[1] % multiple
    return Batch(*(pad(tensor, [0, 0] * (tensor.ndim - 2) + [0, missing]) for tensor in tensors(batch)))


def part(batch: Batch, rows: slice, device: torch.device) -> Batch:
    """Some of the rows, on a device."""
    return Batch(*(tensor[:, rows].to(device) for tensor in tensors(batch)))


def tensors(batch: Batch) -> list[Tensor]:
    """Its tensors (T, B, ...), in the order of the fields."""
    return [getattr(batch, field.name) for field in fields(batch)]
