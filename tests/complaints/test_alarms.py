"""Complaints 7 to 9: alarms that never end, that come again and again, and that a flat value never gets rid of."""

from collections.abc import Callable

import numpy as np
import torch

from models import detector, scaler
from models.column import State
from tests.complaints.conftest import SwitchOff
from tests.complaints.lives import lived, noise
from tests.streamer.fleets import judge


def test_07_an_alarm_closes_when_it_has_been_calm_for_a_while() -> None:
    values = noise(300)
    values[200] += 60

    life, endless = lived(values), lived(values, by=judge(calm_readings=10_000))

    assert life.opened == endless.opened == [200]
    assert len(life.closed) == 1
    assert 200 < life.closed[0] < 260
    assert endless.closed == []


def test_08_a_level_shift_is_told_once_and_then_learnt(switch_off: SwitchOff) -> None:
    values = noise(700)
    values[300:] += 40

    def told() -> tuple[list[int], float]:
        life = lived(values)
        return life.opened_from(300), float(life.is_anomalous[450:].mean())

    alarms, later = told()
    assert alarms[0] == 300
    assert len(alarms) <= 2  # one of each kind at most
    assert later == 0
    switch_off(scaler, "update", never_beyond(80.0))
    assert told()[1] > 0.9


def never_beyond(limit: float) -> Callable[..., dict[str, torch.Tensor]]:
    """A scaler that takes no level above this for one of the series."""
    update = scaler.update

    def guarded(values: torch.Tensor, seen: torch.Tensor, state: State) -> dict[str, torch.Tensor]:
        return update(values, seen & (values < limit), state)

    return guarded


def test_09_a_flat_value_does_not_alarm_for_ever(switch_off: SwitchOff) -> None:
    values = np.full(600, 70.0)
    values[::50] += 1e-9  # the last digit of a sensor

    def alarmed() -> float:
        return float(lived(values).is_anomalous.mean())

    assert alarmed() == 0
    switch_off(detector, "LEAST_MOVE", 0.0)
    assert alarmed() > 0.1
