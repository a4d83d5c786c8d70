"""Tasks that teach a forecaster, by what its experts or its cell see of a whole walk: no weight has a part in that."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import torch
from torch import Tensor
from typing_extensions import override

from models.cells import TILE_ROWS
from models.column import fresh_state
from models.forecasters import Forecaster
from models.forecasters.combiner import Combiner
from models.forecasters.recurrent import RecurrentForecaster
from models.training import following
from models.training.batches import padded, part
from models.training.following import Followed, Following, follow
from models.training.forecasting import (
    Batch,
    Observed,
    Quicken,
    Seeing,
    as_it_is,
    fresh_hidden,
    observe,
    window_loss,
)
from models.training.task import Carried, Loss, Shard, Task, Walk, Window


@dataclass(frozen=True, slots=True)
class Lesson:
    """What readings a forecaster is taught with."""

    draw: Callable[[int], Batch]  # those of an epoch, a function of its number alone
    held_out: Sequence[Batch]
    window: int  # readings that gradients go back through
    identity: dict[str, Any]  # says which these are, and how the forecaster was when it began


@dataclass(frozen=True)
class Windows(Sequence[Window], Generic[Window]):
    """A walk of ``steps`` readings, cut into windows of ``length``; the last one may be shorter."""

    take: Callable[[slice], Window]
    steps: int
    length: int

    @override
    def __len__(self) -> int:
        return (self.steps + self.length - 1) // self.length

    @override
    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"window: Expected 0 to {len(self) - 1}, got {index}")
        return self.take(slice(index * self.length, (index + 1) * self.length))


class ForecastTask(Task[Window]):
    """What the two have in common: where the readings come from."""

    def __init__(self, forecaster: Forecaster, lesson: Lesson) -> None:
        self.model = self._forecaster = forecaster
        self._lesson = lesson
        self._held_out: dict[Shard, list[Walk[Window]]] = {}  # what experts saw of them does not change

    @property
    @override
    def identity(self) -> dict[str, Any]:
        return {"window": self._lesson.window, "horizons": list(self._horizons), **self._lesson.identity}

    @property
    def _horizons(self) -> tuple[int, ...]:
        return (1,)

    @override
    def walk(self, epoch: int, shard: Shard) -> Walk[Window]:
        return self._walk(self._lesson.draw(epoch), shard)

    @override
    def held_out(self, shard: Shard) -> Sequence[Walk[Window]]:
        if shard not in self._held_out:
            self._held_out[shard] = [self._walk(batch, shard) for batch in self._lesson.held_out]
        return self._held_out[shard]

    def _walk(self, batch: Batch, shard: Shard) -> Walk[Window]:
        whole = padded(batch, TILE_ROWS * shard.count)
        ours = part(whole, shard.of(whole.values.shape[1]), next(self.model.parameters()).device)
        return Windows(self._taker(ours), len(ours.values), self._lesson.window)

    @abstractmethod
    def _taker(self, batch: Batch) -> Callable[[slice], Window]:
        """What gives the window of a span of a batch."""


class CombinerTask(ForecastTask[Observed]):
    """Teaches the network on top of the experts at all its horizons. What is carried is the state of its cell."""

    def __init__(self, combiner: Combiner, lesson: Lesson, quicken: Quicken = as_it_is) -> None:
        """quicken: what makes the step of the experts quicker."""
        super().__init__(combiner, lesson)
        self._combiner = combiner
        self._step = quicken(Seeing(combiner))

    @property
    @override
    def _horizons(self) -> tuple[int, ...]:
        return self._combiner.horizons

    @override
    def _taker(self, batch: Batch) -> Callable[[slice], Observed]:
        seen = observe(self._combiner, batch, self._step)
        return lambda span: Observed(*(tensor[span] for tensor in seen))

    @override
    def fresh(self, window: Observed) -> dict[str, Tensor]:
        hidden = fresh_hidden(self._combiner, *window.features.shape[1:3])
        return {name: tensor.to(window.features.device) for name, tensor in hidden.items()}

    @override
    def loss(self, window: Observed, carried: Carried, masked: Tensor) -> tuple[Loss, dict[str, Tensor]]:
        counts = _counting(len(window.weight), masked)[..., None, None]
        total, weight, after = window_loss(self._combiner, window._replace(weight=window.weight * counts), carried)
        return Loss(total, weight, window.is_seen.sum()), after


class RecurrentTask(ForecastTask[Followed]):
    """Teaches a forecaster without experts the next reading. What is carried is the state of its cell."""

    def __init__(self, forecaster: RecurrentForecaster, lesson: Lesson, quicken: Quicken = as_it_is) -> None:
        """quicken: what makes looking at readings quicker."""
        super().__init__(forecaster, lesson)
        self._recurrent = forecaster
        self._step = quicken(Following(forecaster))

    @property
    @override
    def identity(self) -> dict[str, Any]:
        return {**super().identity, "carried": "cell"}  # snapshots that say nothing of it carry a detector's state

    @override
    def _taker(self, batch: Batch) -> Callable[[slice], Followed]:
        seen = follow(batch, self._step)
        return lambda span: Followed(*(tensor[span] for tensor in seen))

    @override
    def fresh(self, window: Followed) -> dict[str, Tensor]:
        rows, channels = window.features.shape[1:3]
        return fresh_state(self._recurrent.parts(channels)["cell"], rows, window.features.device)

    @override
    def loss(self, window: Followed, carried: Carried, masked: Tensor) -> tuple[Loss, dict[str, Tensor]]:
        counts = _counting(len(window.weight), masked).unsqueeze(-1)
        seen = window._replace(weight=window.weight * counts)
        total, weight, after = following.window_loss(self._recurrent, seen, carried)
        return Loss(total, weight, window.is_seen.sum()), after


def _counting(steps: int, masked: Tensor) -> Tensor:
    """Which readings of a window count. masked: (B,) how many first ones do not -> (T, B)."""
    return torch.arange(steps, device=masked.device).unsqueeze(1) >= masked


def task_of(forecaster: Forecaster, lesson: Lesson, quicken: Quicken = as_it_is) -> Task[Any]:
    """The fastest task that teaches this forecaster.

    quicken: what makes looking at readings quicker.

    Raises:
        ValueError: it has no weights to teach.
    """
    if next(forecaster.parameters(), None) is None:
        raise ValueError("forecaster: Expected one with weights to train, got one without a network")
    if isinstance(forecaster, Combiner):
        return CombinerTask(forecaster, lesson, quicken)
    if isinstance(forecaster, RecurrentForecaster):
        return RecurrentTask(forecaster, lesson, quicken)
    raise ValueError(f"forecaster: Expected one that can be taught, got {type(forecaster).__name__}")
