"""Tasks that teach a forecaster: the combiner by what its experts saw of a whole walk, any other reading by reading."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import torch
from torch import Tensor
from typing_extensions import override

from models import scaler
from models.calibration.budget import Budget
from models.calibration.pool import Pool, Standard
from models.cells import TILE_ROWS
from models.column import fresh_state
from models.detector import Detector, DetectorOptions
from models.forecasters import Forecaster
from models.forecasters.combiner import Combiner
from models.heads import student_t_nll
from models.training.batches import padded, part, tensors
from models.training.forecasting import (
    MAX_NLL,
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
from models.transform import Transform

ABSOLUTE_ERROR_WEIGHT = 1.0  # beside the likelihood, where there are no experts


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
        step = torch.arange(len(window.weight), device=masked.device)
        counts = (step.unsqueeze(1) >= masked)[..., None, None]  # (T, B, 1, 1)
        total, weight, after = window_loss(self._combiner, window._replace(weight=window.weight * counts), carried)
        return Loss(total, weight, window.is_seen.sum()), after


class DetectorTask(ForecastTask[Batch]):
    """Teaches any forecaster the next reading, each stepped by the detector exactly as it is live.

    All state is carried, so a row that is reset is a series that nobody has seen.
    """

    def __init__(self, forecaster: Forecaster, lesson: Lesson) -> None:
        super().__init__(forecaster, lesson)
        pool, device = Pool.fresh(Budget()), next(forecaster.parameters()).device
        self._standard = Standard(pool.table.to(device), pool.lines.to(device))
        self._detectors: dict[int, Detector] = {}  # by the number of channels

    @override
    def _taker(self, batch: Batch) -> Callable[[slice], Batch]:
        return lambda span: Batch(*(tensor[span] for tensor in tensors(batch)))

    def _detector(self, channels: int) -> Detector:
        if channels not in self._detectors:
            made = Detector(self._forecaster, DetectorOptions((Transform.NONE,) * channels))
            self._detectors[channels] = made.to(self._standard.lines.device)
        return self._detectors[channels]

    @override
    def fresh(self, window: Batch) -> dict[str, Tensor]:
        _, rows, channels = window.values.shape
        return fresh_state(self._detector(channels).columns, rows, window.values.device)

    @override
    def loss(self, window: Batch, carried: Carried, masked: Tensor) -> tuple[Loss, dict[str, Tensor]]:
        detector = self._detector(window.values.shape[2])
        state, losses, counted = dict(carried), [], []
        for t, reading in enumerate(window.readings()):
            scale = scaler.floored_scale(state)
            outcome, state = detector.step(*reading, state, self._standard)
            error = (outcome.value - outcome.forecast).float().masked_fill(~outcome.is_judged, 0.0)
            log_scale = torch.log(outcome.spread / scale)
            nll = student_t_nll(error / outcome.spread, log_scale, outcome.freedom).clamp_max(MAX_NLL)
            losses.append(nll + ABSOLUTE_ERROR_WEIGHT * (error / scale).abs().clamp_max(MAX_NLL))
            counted.append(outcome.is_judged & window.scored[t] & (masked <= t).unsqueeze(1))
        counts = torch.stack(counted)
        total = torch.stack(losses).masked_fill(~counts, 0.0).sum()
        return Loss(total, counts.sum(), window.present.any(-1).sum()), state


def task_of(forecaster: Forecaster, lesson: Lesson, quicken: Quicken = as_it_is) -> Task[Any]:
    """The fastest task that teaches this forecaster.

    quicken: what makes the step of its experts quicker, where it has some.

    Raises:
        ValueError: it has no weights to teach.
    """
    if next(forecaster.parameters(), None) is None:
        raise ValueError("forecaster: Expected one with weights to train, got one without a network")
    if isinstance(forecaster, Combiner):
        return CombinerTask(forecaster, lesson, quicken)
    return DetectorTask(forecaster, lesson)
