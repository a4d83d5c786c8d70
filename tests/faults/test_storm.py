"""Processes killed and frozen at random instants leave the results of an undisturbed run, each exactly once."""

from typing import Any

import pytest

from tests.faults.storm import Aftermath, Plan, Storm
from tests.faults.trial import DOUBT
from tests.faults.undisturbed import OUTPUTS

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
SHORT = Plan(readings=20_000, series=500, kills=4)
LONG = Plan(readings=200_000, series=5_000, kills=30)


@pytest.fixture(scope="module", params=[SHORT, pytest.param(LONG, marks=pytest.mark.faults)], ids=["short", "long"])
def plan(request: pytest.FixtureRequest) -> Plan:
    made: Plan = request.param
    return made


@pytest.fixture(scope="module")
def aftermath(kafka: str, plan: Plan, tmp_path_factory: Any) -> Aftermath:
    with Storm(kafka, tmp_path_factory.mktemp("storm"), plan) as storm:
        return storm.run()


def test_it_struck_while_there_was_work(aftermath: Aftermath, plan: Plan) -> None:
    assert aftermath.kills_in_mid_stream >= plan.kills // 2


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_is_there_once_and_is_that_of_an_undisturbed_run(aftermath: Aftermath, output: str) -> None:
    assert aftermath.outputs[output].expected
    assert aftermath.outputs[output].faults == []


def test_one_that_was_frozen_past_its_session_ends_or_begins_anew(aftermath: Aftermath, plan: Plan) -> None:
    assert len(aftermath.woken_exits) == len(plan.daemons)
    assert set(aftermath.woken_exits) <= {DOUBT, None}


def test_those_that_survive_leave_in_good_order(aftermath: Aftermath, plan: Plan) -> None:
    assert aftermath.last_exits == [0] * plan.daemons[-1]


def test_nothing_that_happened_was_a_surprise(aftermath: Aftermath) -> None:
    assert "Traceback" not in aftermath.logs
