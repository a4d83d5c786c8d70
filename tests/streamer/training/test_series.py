"""Gathering: what the daemon would accept is what is trained on, by series and in order."""

import json
from typing import Any

import numpy as np
import pytest

from connectors.columns import Reason, TopicPartition
from connectors.decode import Decoder
from connectors.formats import JsonFormat
from connectors.memory import MemorySource, records_of
from connectors.ports import Assigned, Ended
from streamer.order import OrderOptions
from streamer.training.series import Gathered, gather
from tests.streamer.training.waves import rows, wave

FORMAT = JsonFormat(series_field="pump", timestamp_field="time", timestamp_unit="seconds")
Rows = list[dict[str, Any]]


def gathered(*parts: Rows, order: OrderOptions | None = None) -> Gathered:
    """What comes of partitions with these rows, read in two polls each."""
    script: list[Any] = []
    for number, part in enumerate(parts):
        where, middle = TopicPartition("pumps", number), len(part) // 2
        lines = [(None, json.dumps(row).encode()) for row in part]
        script += [
            Assigned((where,)),
            records_of(where, lines[:middle]),
            records_of(where, lines[middle:], first_offset=middle),
        ]
    decoder = Decoder("pumps", FORMAT, ["pressure"])
    return gather(MemorySource([*script, Ended()]), decoder, order or OrderOptions())


def at(second: int, value: float = 1.0, pump: str = "a") -> dict[str, Any]:
    return {"time": second, "pump": pump, "pressure": value}


def test_every_series_has_its_readings_in_order() -> None:
    a, b = wave("a", 40), wave("b", 30)
    mixed = sorted([*rows(a), *rows(b)], key=lambda row: row["time"])

    found = gathered(mixed)

    assert [one.name for one in found.series] == ["a", "b"]
    for one, expected in zip(found.series, (a, b), strict=True):
        np.testing.assert_array_equal(one.timestamp, expected.timestamp)
        np.testing.assert_array_equal(one.values, expected.values)
    assert found.readings == 70
    assert found.refused.total() == 0


def test_a_series_in_two_partitions_is_two_as_it_has_two_states() -> None:
    found = gathered([at(1), at(2)], [at(3)])

    assert [(one.name, len(one)) for one in found.series] == [("a", 2), ("a", 1)]


@pytest.mark.parametrize(
    ("order", "accepted", "refused"),
    [
        (OrderOptions(), [1, 3, 4], {Reason.LATE: 1, Reason.DUPLICATE: 1}),
        (OrderOptions(duplicates="keep"), [1, 3, 3, 4], {Reason.LATE: 1}),
        (OrderOptions(reorder_seconds=5), [1, 2, 3, 4], {Reason.DUPLICATE: 1}),
        (OrderOptions(join_seconds=2, reorder_seconds=5), [0, 2, 4], {}),
    ],
)
def test_late_and_repeated_readings_are_taken_as_the_daemon_takes_them(
    order: OrderOptions, accepted: list[int], refused: dict[Reason, int]
) -> None:
    found = gathered([at(1), at(3), at(2), at(3), at(4)], order=order)

    assert (found.series[0].timestamp // 1_000_000_000).tolist() == accepted
    assert +found.refused == refused


def test_what_cannot_be_read_is_counted_by_its_reason() -> None:
    found = gathered([at(1), {"time": 2, "pump": "a", "pressure": "high"}, {"pump": "a", "pressure": 1.0}])

    assert found.readings == 1
    assert +found.refused == {Reason.WRONG_TYPE: 1, Reason.BAD_TIMESTAMP: 1}


def test_a_source_of_nothing_gives_no_series() -> None:
    assert gathered([]).series == []


def test_the_fingerprint_is_of_the_readings_and_not_of_their_partitions() -> None:
    a, b = rows(wave("a", 20)), rows(wave("b", 20))

    one, other, changed = gathered([*a, *b]), gathered(a, b), gathered([*a[:-1], at(a[-1]["time"], 0.0), *b])

    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != changed.fingerprint
