"""Daemons that join and leave under load hand their partitions over with their state."""

import json
from collections import defaultdict
from typing import Any, NamedTuple

import pytest

from tests.faults.stage import Stage
from tests.faults.trial import Load, Outcome, Trial
from tests.faults.undisturbed import OUTPUTS

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
PARTITIONS = 4
SOME = [2, 1]
MANY = [2, 3, 2, 1] * 3


class Moves(NamedTuple):
    """What came of daemons that came and went."""

    exits: list[int]  # of those that were told to leave
    restored: list[bool]  # of every newcomer, whether it took state over
    outcome: Outcome


@pytest.fixture(scope="module", params=[SOME, pytest.param(MANY, marks=pytest.mark.faults)], ids=["some", "many"])
def moves(request: pytest.FixtureRequest, kafka: str, tmp_path_factory: Any) -> Moves:
    """As many daemons at a time as the list says, one more or one less from part to part, after a first one alone."""
    folder = tmp_path_factory.mktemp("moves")
    stage = Stage(kafka, folder, PARTITIONS)
    exits, restored = [], []
    with Trial(stage, folder, Load(parts=1 + len(request.param), series=40)) as trial:
        fleet = trial.fleet
        with trial.flowing():
            pass
        for count in request.param:
            with trial.flowing():
                if count < len(fleet.members):
                    exits.append(fleet.dismiss())
                else:
                    fleet.grow_to(count)
            fleet.until_ready()
            trial.catch_up()
            restored.append("series restored at offset" in fleet.members[-1].log)
        return Moves(exits, restored, trial.finish())


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_is_there_once_and_is_that_of_an_undisturbed_run(moves: Moves, output: str) -> None:
    assert moves.outcome.outputs[output].expected
    assert moves.outcome.outputs[output].faults == []


def test_state_came_along(moves: Moves) -> None:
    assert all(moves.restored)
    assert moves.outcome.logs.count("with no state") == PARTITIONS


def test_everybody_left_in_good_order(moves: Moves) -> None:
    assert moves.outcome.own_exits == []
    assert {*moves.exits, *moves.outcome.last_exits} == {0}


def test_no_series_warms_up_again(moves: Moves) -> None:
    warming = defaultdict(list)
    for _, said in sorted(moves.outcome.outputs["results"].found):
        result = json.loads(said)
        warming[result["series"]].append(result["warming"])

    for series, flags in warming.items():
        assert flags == sorted(flags, reverse=True), series
        assert flags[0]
        assert not flags[-1]
