"""What tells a complaint that is answered from one that is not."""

from collections.abc import Callable
from functools import cache

import pytest

from tests.streamer import fleets
from tests.streamer.kept_steps import KeptSteps, steps_are_kept

__all__ = ["steps_are_kept"]

SwitchOff = Callable[[object, str, object], None]


@pytest.fixture
def switch_off(monkeypatch: pytest.MonkeyPatch) -> SwitchOff:
    """``switch_off(module, "mechanism", instead)``: judges that are made from now on do without.

    They have steps of their own, since those that are kept were recorded with it.
    """

    def switch(owner: object, name: str, instead: object) -> None:
        monkeypatch.setattr(owner, name, instead)
        monkeypatch.setattr(fleets, "Steps", cache(KeptSteps))

    return switch
