"""The normal of a channel has the same bits wherever its columns lie."""

import torch

from models import moves, scaler
from models.column import fresh_state
from models.novelty import normal


def test_a_deviation_has_the_bits_that_it_has_where_its_column_lies_among_others() -> None:
    """Here the two roots of torch differ: that of numbers side by side, and that of those that are not."""
    columns = (*normal.columns(1), *scaler.columns(1), *moves.columns(1))
    state = fresh_state(columns, 64)
    state["age"].fill_(2.0)
    state["normal_deviation"].fill_(0.12536893784999847)
    difference = torch.full((64, 1), -0.19382961094379425)
    among_others = {name: torch.stack([column] * 3, -1)[..., 1] for name, column in state.items()}

    (_, together), (_, apart) = (normal.learn(difference, where) for where in (state, among_others))

    for name, column in together.items():
        assert torch.equal(column, apart[name])
