"""The direct forecast lives on where single precision fails it."""

import torch
from torch import Tensor

from models.column import fresh_state
from models.experts.direct import Direct
from models.experts.slots import Matured

INPUTS = 5


def matured(x: Tensor, target: float) -> Matured:
    """Inputs (D,) whose target is due, in units of 1."""
    kept = torch.cat((x, torch.ones(1))).view(1, 1, 1, -1)
    return Matured(torch.ones(1, 1, 1, dtype=torch.bool), torch.full((1, 1, 1), target), kept)


def test_a_covariance_that_is_no_longer_positive_begins_anew_and_teaches_nothing() -> None:
    direct = Direct(INPUTS)
    state = fresh_state(direct.columns(1, 1), 1)
    state["direct_covariance"][..., 0] = -1.01
    due = torch.ones(1, 1, 1, dtype=torch.bool)

    learnt = direct.learn(matured(torch.eye(INPUTS)[0], target=1.0), due, state)

    torch.testing.assert_close(direct.square(learnt["direct_covariance"])[0, 0, 0], torch.eye(INPUTS))
    assert torch.equal(learnt["direct_weights"], state["direct_weights"])
