"""A bank of experts taken along a walk, with all that it said on the way."""

from typing import NamedTuple

import torch
from torch import Tensor

from models import scaler, tempo
from models.column import State, fresh_state
from models.experts.bank import Bank, Views
from models.experts.sight import Sight
from models.heads import StudentT
from models.training.forecasting import Batch, learn


class Along(NamedTuple):
    """A bank along a walk. What it is asked for by its user is the last value."""

    bank: Bank
    values: list[float]  # of the first series and channel
    sights: list[Sight]
    views: list[Views]
    state: dict[str, Tensor]  # after the last reading


def along(bank: Bank, batch: Batch, state: State | None = None) -> Along:
    """Take a bank along a walk, from the beginning or from some state."""
    _, rows, channels = batch.values.shape
    columns = (*tempo.columns(), *scaler.columns(channels), *bank.columns(channels))
    after: State = state or fresh_state(columns, rows)
    sights, said = [], []
    for t in range(len(batch.values)):
        moment, after = learn(batch.at(t), after)
        sight = Sight.of(*moment, after)
        views, learnt = bank.observe(sight, after)
        after = {**after, **learnt, **bank.settle(sight, views, last_value(views), after)}
        sights.append(sight)
        said.append(views)
    return Along(bank, batch.values[:, 0, 0].tolist(), sights, said, dict(after))


def last_value(views: Views) -> StudentT:
    """The last value with a spread of one unit."""
    return StudentT(views.offsets[..., 0], torch.zeros_like(views.unit), torch.ones_like(views.unit))


def sight_of(value: Tensor, **known: Tensor) -> Sight:
    """A reading a row of one channel, of which an expert under test looks at no more than this. value: (B, 1)."""
    one = torch.ones_like(value, dtype=torch.float32)
    present = torch.ones_like(value, dtype=torch.bool)
    day = torch.zeros(len(value), 2)
    blank = Sight(one, present, one, present, value, one, one, one, day, day)
    return blank._replace(**known)
