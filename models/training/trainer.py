"""The trainer: fits any task by truncated backpropagation through time, and goes on to the same result after a kill.

A walk is trained window by window. What a row carries goes on to the next window, cut off from its gradient: weights
that only ever saw windows from zero drift where a row is older than a window. A share of the rows starts anew at every
window, so that cold starts are learnt as well.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic

import numpy as np
import torch
from torch import Tensor, nn

from models.training.snapshot import Best, Forgetful, Keeper, Position, Snapshot, Tally, Tensors, read
from models.training.task import Carried, Loss, Task, Walk, Window
from models.training.team import Alone, Team


class DivergedError(Exception):
    """The loss is no number any more: says where."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a task is fitted. An epoch is one walk."""

    epochs: int
    seed: int = 7
    learning_rate: float = 3e-3  # at its highest
    warm_up_ratio: float = 0.05  # of all steps: from zero, in a line
    final_ratio: float = 0.01  # of the learning rate, where the cosine ends
    weight_decay: float = 1e-4  # of matrices
    clip_norm: float = 1.0  # of the gradient of the mean loss
    accumulated_windows: int = 1  # by how many windows one step of the optimiser goes
    reset_ratio: float = 0.1  # of the rows, at every window but a walk's first; 1 carries nothing
    masked_readings: int = 0  # of a row that was reset: they count for nothing
    patience: int | None = None  # epochs without a better held-out loss, and training ends; None: never
    saved_steps: int = 200  # between two snapshots; one more after every epoch
    is_mixed: bool = True  # bfloat16 where it is exact enough, on a GPU alone


class Observer:
    """Hears how a training goes; only the leader's does. Every method may take its time, and none changes a result."""

    def stepped(self, position: Position, windows: int, readings: float) -> None:
        """One step is done: ``position.window`` of ``windows`` of the epoch, ``readings`` more, over all processes."""

    def judged(self, position: Position, trained: float | None, held_out: float | None) -> None:
        """One epoch is done, with these mean losses; before the first, nothing was trained."""


class Trainer(Generic[Window]):
    """Fits the model of a task in place.

    Random numbers are a function of seed, epoch, window and process: nothing of them has to be remembered. The result
    is the same, to the bit, whether it was interrupted or not, and up to rounding however many processes made it.
    """

    def __init__(
        self,
        task: Task[Window],
        settings: Settings,
        team: Team | None = None,
        keeper: Keeper | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._task = task
        self._settings = settings
        self._team = team or Alone()
        self._keeper = keeper or Forgetful()
        self._observer = observer or Observer()
        self._model = task.model
        self._parameters = {name: p for name, p in self._model.named_parameters() if p.requires_grad}
        self._device = next(iter(self._parameters.values())).device
        self._optimiser = _optimiser(self._parameters.values(), settings)
        self._position = Position()
        self._carried: Carried = {}  # of our rows
        self._best: Tensors = {}

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the result."""
        return {**asdict(self._settings), **self._task.identity}

    def fit(self) -> Position:
        """Train from where the keeper's snapshot stands to the end; the model then has the best weights.

        The best are those with the smallest held-out loss, the ones it began with included; without held-out walks the
        last.

        Raises:
            SnapshotError: the keeper has the snapshot of another training.
            DivergedError: the loss is no number any more.
        """
        devices = [self._device] if self._device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            self._resume()
            while not self._is_over:
                self._train_epoch()
        if self._best:
            self._model.load_state_dict(self._best)
        self._model.eval()
        return self._position

    @property
    def _is_over(self) -> bool:
        position, patience = self._position, self._settings.patience
        is_in_vain = (
            position.best is not None and patience is not None and position.epoch - position.best.epoch >= patience
        )
        return position.epoch >= self._settings.epochs or is_in_vain

    def _train_epoch(self) -> None:
        epoch = self._position.epoch
        walk = self._task.walk(epoch, self._team.shard)
        self._model.train()
        while (first := self._position.window) < len(walk):
            stop = min(first + self._settings.accumulated_windows, len(walk))
            step, readings = self._step(walk, range(first, stop))
            done = replace(self._position, window=stop, steps=self._position.steps + 1)
            self._position = replace(done, tally=done.tally.plus(step))
            if self._team.is_leader:
                self._observer.stepped(self._position, len(walk), readings)
            if self._position.steps % self._settings.saved_steps == 0:
                self._save()
        trained = self._position.tally.mean
        self._carried = {}
        self._position = replace(self._position, epoch=epoch + 1, window=0, tally=Tally())
        self._judge(trained)
        self._save()

    def _step(self, walk: Walk[Window], windows: range) -> tuple[Tally, float]:
        """One step of the optimiser by the mean loss of some windows. -> it, and the readings, of all processes."""
        self._optimiser.zero_grad()
        sums = torch.zeros(3, device=self._device)
        for index in windows:
            loss = self._advance(walk[index], index)
            if loss.total.requires_grad:
                loss.total.backward()  # type: ignore[no-untyped-call]
            sums += torch.stack([part.detach().float() for part in loss])
        total, weight, readings = self._average(sums)
        if not math.isfinite(total):
            where = f"epoch {self._position.epoch + 1}, windows {windows.start + 1} to {windows.stop} of {len(walk)}"
            raise DivergedError(f"loss in {where}: Expected a number, got {total}")
        nn.utils.clip_grad_norm_(self._parameters.values(), self._settings.clip_norm)
        progress = (self._position.epoch + (windows.start + windows.stop) / 2 / len(walk)) / self._settings.epochs
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(progress, self._settings)
        self._optimiser.step()
        return Tally(total, weight), readings

    def _advance(self, window: Window, index: int) -> Loss:
        """Run one window, from what was carried to it."""
        settings, place = self._settings, [self._settings.seed, self._position.epoch, index]
        fresh = self._task.fresh(window)
        carried, rows = dict(self._carried) or fresh, _rows(fresh)
        masked = torch.zeros(rows, dtype=torch.int64, device=self._device)
        if self._carried:
            drawn = np.random.default_rng(place).random(rows * self._team.shard.count)
            is_reset = torch.from_numpy(drawn < settings.reset_ratio)[self._team.shard.of(len(drawn))].to(self._device)
            carried = {name: torch.where(_beside(is_reset, fresh[name]), fresh[name], carried[name]) for name in fresh}
            masked = is_reset * settings.masked_readings
        torch.manual_seed(int(np.random.SeedSequence([*place, self._team.shard.index]).generate_state(1)[0]))
        loss, carried = self._run(window, carried, masked)
        self._carried = {name: tensor.detach() for name, tensor in carried.items()}
        return loss

    def _run(self, window: Window, carried: Carried, masked: Tensor) -> tuple[Loss, dict[str, Tensor]]:
        is_mixed = self._settings.is_mixed and self._device.type == "cuda"
        with torch.autocast(self._device.type, torch.bfloat16, enabled=is_mixed):
            return self._task.loss(window, carried, masked)

    def _average(self, sums: Tensor) -> list[float]:
        """Leave the gradient of the mean loss over all processes. sums: as in `Loss`. -> theirs."""
        parameters = self._parameters.values()
        ours = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        sizes = [*(parameter.numel() for parameter in parameters), len(sums)]
        flat = torch.cat([*(gradient.flatten() for gradient in ours), sums])
        *gradients, summed = torch.split(self._team.add_up(flat), sizes)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = (gradient / summed[1].clamp_min(1)).view_as(parameter)
        numbers: list[float] = summed.tolist()
        return numbers

    def _judge(self, trained: float | None) -> None:
        """Look at the held-out walks after an epoch, and keep the weights if they are the best so far."""
        held_out, best = self._held_out(), self._position.best
        if held_out is not None and (best is None or held_out < best.loss):
            best = Best(self._position.epoch, held_out)
            self._best = {name: tensor.detach().clone() for name, tensor in self._model.state_dict().items()}
        self._position = replace(self._position, best=best)
        if self._team.is_leader:
            self._observer.judged(self._position, trained, held_out)

    @torch.no_grad()
    def _held_out(self) -> float | None:
        """The mean loss over the held-out walks, None where there are none."""
        self._model.eval()
        walks = self._task.held_out(self._team.shard)
        tally = torch.zeros(2, dtype=torch.float64, device=self._device)
        for walk in walks:
            carried: Carried = {}
            for window in walk:
                fresh = self._task.fresh(window)
                masked = torch.zeros(_rows(fresh), dtype=torch.int64, device=self._device)
                loss, carried = self._run(window, carried or fresh, masked)
                tally += torch.stack((loss.total.double(), loss.weight.double()))
        return Tally(*self._team.add_up(tally).tolist()).mean if walks else None

    def _save(self) -> None:
        carried = {name: self._team.gather(tensor) for name, tensor in self._carried.items()}
        if not self._team.is_leader:
            return
        moments = {
            f"{name}.{moment}": tensor
            for name, parameter in self._parameters.items()
            for moment, tensor in self._optimiser.state[parameter].items()
        }
        snapshot = Snapshot(self._position, self._model.state_dict(), moments, carried, self._best)
        self._keeper.save(snapshot.content(self.identity))

    def _resume(self) -> None:
        content = self._team.share(self._keeper.load() if self._team.is_leader else None)
        if content is None:
            self._judge(None)
            return
        snapshot = read(content, self.identity)
        self._position = snapshot.position
        self._model.load_state_dict(snapshot.model)
        for key, tensor in snapshot.optimiser.items():
            name, _, moment = key.rpartition(".")
            self._optimiser.state[self._parameters[name]][moment] = tensor.to(
                "cpu" if moment == "step" else self._device
            )
        ours = {name: tensor[self._team.shard.of(len(tensor))] for name, tensor in snapshot.carried.items()}
        self._carried = {name: tensor.to(self._device) for name, tensor in ours.items()}
        self._best = {name: tensor.to(self._device) for name, tensor in snapshot.best.items()}


def learning_rate(progress: float, settings: Settings) -> float:
    """The rate where ``progress`` (0 to 1) of all steps is done: up in a line, and down half a cosine."""
    if progress < settings.warm_up_ratio:
        return settings.learning_rate * progress / settings.warm_up_ratio
    down = (1 + math.cos(math.pi * (progress - settings.warm_up_ratio) / (1 - settings.warm_up_ratio))) / 2
    return settings.learning_rate * (settings.final_ratio + (1 - settings.final_ratio) * down)


def _optimiser(parameters: Iterable[nn.Parameter], settings: Settings) -> torch.optim.AdamW:
    matrices = [parameter for parameter in parameters if parameter.ndim > 1]
    others = [parameter for parameter in parameters if parameter.ndim <= 1]
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, weight_decay=settings.weight_decay)


def _rows(carried: Carried) -> int:
    return len(next(iter(carried.values())))


def _beside(mask: Tensor, tensor: Tensor) -> Tensor:
    """A mask of rows (B,), with as many axes as the tensor (B, ...)."""
    return mask.view(-1, *[1] * (tensor.ndim - 1))
