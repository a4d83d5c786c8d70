"""How the state of a cell whose gates count steps fades over a gap.

After GRU-D, Che et al. 2018, https://arxiv.org/abs/1606.01865, where it fades exponentially with the elapsed time; here
it is a power of it, so that one parameter serves gaps of a few steps and of thousands.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


def new_forgetting() -> nn.Parameter:
    """The parameter of a cell that has learnt nothing yet: over eight steps a quarter of the state is lost."""
    return nn.Parameter(torch.tensor(-2.0))


def kept_share(elapsed: Tensor, forgetting: Tensor) -> Tensor:
    """``(1 + steps missed) ** -softplus(forgetting)``: no step is missed up to 1. elapsed: (...) -> (...)."""
    missed = (elapsed - 1).clamp_min(0)
    return torch.exp(-functional.softplus(forgetting) * torch.log1p(missed))
