"""The port between the trainer and what is learnt: numbers, text, speech or video look the same from here."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from torch import Tensor, nn

Carried = Mapping[str, Tensor]  # name -> (B, ...): what a row takes along from window to window
Window = TypeVar("Window")
Walk = Sequence[Window]  # the windows of one batch of rows, in order of time


@dataclass(frozen=True, slots=True)
class Shard:
    """One process's part of the rows: the ``index``-th of ``count`` equal parts, in the order of the rows."""

    index: int = 0
    count: int = 1

    def of(self, rows: int) -> slice:
        """Which of ``rows`` rows are in it.

        Raises:
            ValueError: they do not fall into equal parts.
        """
        if rows % self.count:
            raise ValueError(f"rows: Expected a multiple of {self.count} processes, got {rows}")
        each = rows // self.count
        return slice(self.index * each, (self.index + 1) * each)


class Loss(NamedTuple):
    """The loss of one window: its mean is ``total / weight``, over windows and processes alike."""

    total: Tensor  # () sum over what counts, with its gradient
    weight: Tensor  # () of what counts; a window may have none
    readings: Tensor  # () in the window, to tell how fast it goes


class Task(ABC, Generic[Window]):
    """What is to be learnt.

    A window is whatever the task likes: the trainer only asks for it and hands it back. What it holds is on the device
    of the model, or put there by `loss`. Everything is a function of the arguments and of what the task was made of, so
    that training can go on anywhere: no method may remember or use a generator of its own that outlives the call.
    torch's own generators (dropout) are seeded by the trainer before every window.
    """

    model: nn.Module

    @property
    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What decides the result beside the trainer's settings, as JSON has it. Another one cannot be resumed."""

    @abstractmethod
    def walk(self, epoch: int, shard: Shard) -> Walk[Window]:
        """The rows of one epoch that are in the shard, cut into windows that follow each other in time.

        The rows of all shards, put together in order, are those of ``Shard(0, 1)``. Every shard has as many rows and
        windows as the others. A window is made when it is asked for, and any may be the first.
        """

    @abstractmethod
    def held_out(self, shard: Shard) -> Sequence[Walk[Window]]:
        """Walks by which the weights are judged and never trained; none switches early stopping off."""

    @abstractmethod
    def fresh(self, window: Window) -> dict[str, Tensor]:
        """What the rows of this window carry when nothing came before: at least one name -> (B, ...)."""

    @abstractmethod
    def loss(self, window: Window, carried: Carried, masked: Tensor) -> tuple[Loss, dict[str, Tensor]]:
        """Run a whole window at once. -> its loss, and what is carried to the next, which the trainer detaches.

        masked: (B,) int64, how many first readings of each row count for nothing: its past was taken from it.
        """
