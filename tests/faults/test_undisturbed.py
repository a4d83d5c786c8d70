"""The reference of the fault tests is what it should be, and the comparison with it sees every kind of fault."""

import json

import pytest

from tests.faults.comparison import Comparison
from tests.faults.undisturbed import Outputs, rows, undisturbed

READINGS, SERIES, PARTITIONS = 3_000, 100, 3
FIRST, SECOND = (0, 0, 0, ""), (1, 7, 0, "")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    published = rows(READINGS, SERIES, PARTITIONS, seed=0)
    return undisturbed(published, tmp_path_factory.mktemp("undisturbed"), {})


def test_every_record_of_every_partition_has_one_result_or_dead_letter(outputs: Outputs) -> None:
    keys = [key for output in ("results", "dead_letters") for key, _ in outputs[output]]

    assert outputs["dead_letters"]
    assert len(keys) == len(set(keys)) == READINGS
    assert {partition for partition, *_ in keys} == set(range(PARTITIONS))


def test_a_result_says_everything_but_where_its_reading_came_from(outputs: Outputs) -> None:
    members = set(json.loads(outputs["results"][-1][1]))

    assert members >= {"anomaly_score", "forecast", "lower", "upper", "p_value", "shares", "is_anomalous", "warming"}
    assert members & {"topic", "partition", "offset", "index"} == set()


def test_there_are_alarms_to_compare(outputs: Outputs) -> None:
    assert {event.split()[0] for (*_, event), _ in outputs["alarms"]} == {"opened", "closed"}


def test_the_same_seed_gives_the_same_readings() -> None:
    assert rows(500, 10, 2, seed=1) == rows(500, 10, 2, seed=1) != rows(500, 10, 2, seed=2)


def test_what_is_as_expected_has_no_fault() -> None:
    assert Comparison({FIRST: "a", SECOND: "b"}, [(SECOND, "b"), (FIRST, "a")]).faults == []


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        ([(FIRST, "a")], "1 of 2 missing: (1, 7, 0, '')"),
        ([(FIRST, "a"), (SECOND, "b"), (FIRST, "a")], "1 of 2 repeated: (0, 0, 0, '')"),
        ([(FIRST, "a"), (SECOND, "c")], "1 of 2 different: ((1, 7, 0, ''), 'b', 'c')"),
        ([(FIRST, "a"), (SECOND, "b"), ((0, 1, 0, ""), "c")], "1 of 2 unexpected: (0, 1, 0, '')"),
    ],
)
def test_every_kind_of_fault_is_seen(found: list[tuple[tuple[int, int, int, str], str]], fault: str) -> None:
    assert Comparison({FIRST: "a", SECOND: "b"}, found).faults == [fault]
