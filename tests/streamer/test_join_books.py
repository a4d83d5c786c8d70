"""The books of joined readings: every record is scored, refused, joined to another or held back, after a crash too."""

from typing import Any

import msgspec
import orjson
import pytest

from connectors.columns import Records
from connectors.memory import records_of
from connectors.ports import Assigned, Ended
from streamer import config
from tests.streamer.rig import CONFIG, FIRST, Rig

SETTINGS = msgspec.structs.replace(
    CONFIG,
    groups=[
        msgspec.convert(
            {
                "name": "pumps",
                "topics": ["pumps"],
                "format": {
                    "type": "json",
                    "timestamp_field": "t",
                    "timestamp_unit": "seconds",
                    "channel_field": "c",
                    "value_field": "v",
                },
                "channels": ["heat", "flow"],
                "order": {"join_seconds": 10, "reorder_seconds": 3},
            },
            config.GroupOptions,
        )
    ],
)
PARTS: list[tuple[int, str, Any]] = [
    (1, "heat", 20.0),
    (2, "flow", 3.0),  # joined
    (4, "heat", 20.5),  # joined, and the first value gives way
    (12, "heat", 21.0),
    (12, "rust", 1.0),  # refused
    (14, "flow", None),  # joined
    (26, "heat", 22.0),
    (3, "flow", 9.0),  # late
    (39, "flow", 4.0),
    (31, "heat", 23.0),  # joined
    (40, "flow", 5.0),  # held back, as the one before
]
ENTRIES = ("read_total", "inherited", "scored_total", "joined_total", "held")


def records(start: int = 0, stop: int | None = None) -> Records:
    rows = [(b"a", orjson.dumps({"t": second, "c": name, "v": value})) for second, name, value in PARTS[start:stop]]
    return records_of(FIRST, rows, start)


def books(rig: Rig) -> dict[str, float]:
    """What was counted of the readings of the group."""
    page = rig.metrics.render(openmetrics=False).decode().splitlines()
    rejected = sum(float(row.rsplit(" ", 1)[1]) for row in page if row.startswith("streamer_readings_rejected_total{"))
    entries = {name: rig.metric(f'streamer_readings_{name}{{group="pumps"}}') for name in ENTRIES}
    return entries | {"rejected": rejected}


def test_read_is_scored_rejected_joined_and_held() -> None:
    rig = Rig([Assigned((FIRST,)), records()], settings=SETTINGS).turn(2)

    assert books(rig) == {
        "read_total": 11,
        "inherited": 0,
        "scored_total": 3,
        "joined_total": 4,
        "held": 2,
        "rejected": 2,
    }
    assert rig.metric('streamer_channels_replaced_total{group="pumps"}') == 1
    assert sorted(rig.scores()) == [(0, 2), (0, 5), (0, 6)]


def test_at_the_end_of_a_file_nothing_is_held() -> None:
    rig = Rig([Assigned((FIRST,)), records(), Ended()], settings=SETTINGS).turn(3)

    assert books(rig)["held"] == 0
    assert sorted(rig.scores()) == [(0, 2), (0, 5), (0, 6), (0, 9), (0, 10)]


@pytest.mark.parametrize("crash", range(1, len(PARTS)))
def test_the_books_of_a_process_that_goes_on_after_a_crash_balance(crash: int) -> None:
    doomed = Rig([Assigned((FIRST,)), records(0, crash)], settings=SETTINGS).turn(2)

    rig = Rig([Assigned((FIRST,)), records()], doomed.committed, doomed.contents, settings=SETTINGS).turn(2)

    entries = books(rig)
    arrived = entries["read_total"] + entries["inherited"]
    assert arrived == entries["scored_total"] + entries["rejected"] + entries["joined_total"] + entries["held"]
    assert entries["read_total"] == len(PARTS) - crash
    assert sorted([*doomed.scores(), *rig.scores()]) == [(0, 2), (0, 5), (0, 6)]
