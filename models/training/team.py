"""The processes that train together: each has its part of the rows, and all have the same weights."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor
from typing_extensions import override

from models.training.task import Shard


class Team(ABC):
    """What the processes do together. Every call is made by all of them, in the same order."""

    shard: Shard

    @property
    def is_leader(self) -> bool:
        """Whether this process is the one that writes and tells."""
        return self.shard.index == 0

    @abstractmethod
    def add_up(self, numbers: Tensor) -> Tensor:
        """The sum of everybody's numbers, the same bits for all."""

    @abstractmethod
    def gather(self, rows: Tensor) -> Tensor:
        """Everybody's rows in order. (B, ...) -> (count * B, ...)."""

    @abstractmethod
    def share(self, content: bytes | None) -> bytes | None:
        """What the leader has."""


class Alone(Team):
    """One process."""

    shard = Shard()

    @override
    def add_up(self, numbers: Tensor) -> Tensor:
        return numbers

    @override
    def gather(self, rows: Tensor) -> Tensor:
        return rows

    @override
    def share(self, content: bytes | None) -> bytes | None:
        return content


class Processes(Team):
    """The ranks of torch's process group, which must be there."""

    def __init__(self, device: torch.device) -> None:
        self.shard = Shard(dist.get_rank(), dist.get_world_size())
        self._device = device

    @override
    def add_up(self, numbers: Tensor) -> Tensor:
        summed = numbers.clone()
        dist.all_reduce(summed)
        return summed

    @override
    def gather(self, rows: Tensor) -> Tensor:
        raw = rows.contiguous().view(torch.uint8)  # whatever the numbers are
        parts = [torch.empty_like(raw) for _ in range(self.shard.count)]
        dist.all_gather(parts, raw)
        return torch.cat(parts).view(rows.dtype)

    @override
    def share(self, content: bytes | None) -> bytes | None:
        size = torch.tensor(-1 if content is None else len(content), device=self._device)
        dist.broadcast(size, 0)
        if size < 0:
            return None
        raw = torch.zeros(int(size), dtype=torch.uint8)
        if content is not None and self.is_leader:
            raw = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        shared = raw.to(self._device)
        dist.broadcast(shared, 0)
        return shared.cpu().numpy().tobytes()


@contextmanager
def assembled(device: torch.device) -> Iterator[Team]:
    """The processes that ``torchrun`` started, or this one alone where it did not start it."""
    if "WORLD_SIZE" not in os.environ:
        yield Alone()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(device)
    finally:
        dist.destroy_process_group()
