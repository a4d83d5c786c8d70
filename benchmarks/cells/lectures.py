"""Synthetic streams as the experts see them, gone through once and taught to a network with every cell."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from typing_extensions import override

from models.experts.bank import Bank, Tier
from models.forecasters import Kind, Spec
from models.forecasters.combiner import Combiner, feature_count
from models.forecasters.network import Network
from models.training.forecast_task import CombinerTask, Lesson
from models.training.forecasting import Observed
from models.training.pretrain import HELD_OUT, Recipe, batch_of
from models.training.task import Shard, Walk
from models.training.trainer import Settings, Trainer

HORIZONS = (1, 24)
EXPERTS = len(Bank(Tier.COMPACT, HORIZONS).experts)
FEATURES = feature_count(EXPERTS)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is taught."""

    seeds: int
    batches: int  # of streams, each gone through once
    streams: int = 256
    length: int = 512
    window: int = 128


@dataclass(frozen=True)
class Lectures:
    """The streams of a plan, by their number."""

    plan: Plan
    seen: dict[int, Walk[Observed]] = field(default_factory=dict)

    def taught(self, name: str, hidden: int, seed: int) -> Network:
        """A network with this cell after all of them."""
        torch.manual_seed(seed)
        network = network_of(name, hidden)
        settings = Settings(epochs=self.plan.batches, seed=seed, reset_ratio=0.02)
        Trainer(self._course(network), settings).fit()
        return network

    def held_out(self) -> list[Walk[Observed]]:
        """Streams that are never taught: single ones, and coupled ones."""
        course = self._course(network_of("gru", 32))
        return [course.walk(HELD_OUT + number, Shard()) for number in (1, 3)]

    def _course(self, network: Network) -> "Course":
        spec = Spec("gru", 32, Kind.COMBINER.value)  # the streams are the same whatever it says
        recipe = Recipe(spec, self.plan.streams, self.plan.length, self.plan.window)
        lesson = Lesson(partial(batch_of, recipe), (), self.plan.window, {})
        return Course(Combiner(Bank(Tier.COMPACT, HORIZONS), network), lesson, self)


class Course(CombinerTask):
    """Teaches a network what the experts of all networks have seen."""

    def __init__(self, combiner: Combiner, lesson: Lesson, lectures: Lectures) -> None:
        super().__init__(combiner, lesson)
        self._lectures = lectures

    @override
    def walk(self, epoch: int, shard: Shard) -> Walk[Observed]:
        if epoch not in self._lectures.seen:
            self._lectures.seen[epoch] = super().walk(epoch, shard)
        return self._lectures.seen[epoch]


def network_of(name: str, hidden: int) -> Network:
    """The network on top of the experts, its weights drawn at random."""
    return Network(name, hidden, FEATURES, EXPERTS)


def parameter_count(network: Network) -> int:
    """Of cell and head."""
    return sum(parameter.numel() for parameter in network.parameters())


def equal_sizes(names: Sequence[str], target: int) -> dict[str, int]:
    """The hidden units of each cell by which its network has about this many parameters."""
    sizes = {}
    for name in names:
        candidates = range(8, 129, 8 if name == "attention" else 2)  # its four heads are of an even size
        excess = {hidden: abs(parameter_count(network_of(name, hidden)) - target) for hidden in candidates}
        sizes[name] = min(excess, key=excess.__getitem__)
    return sizes
