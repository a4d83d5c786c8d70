"""The books of joined readings: every record is scored, refused, joined to another or held back, after a crash too.

The group is the example of docs/operating.md.
"""

import re
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
import yaml

from connectors.columns import Records
from connectors.memory import records_of
from connectors.ports import Assigned, Ended
from streamer import config
from tests.streamer.rig import CONFIG, FIRST, Rig

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
[EXAMPLE] = re.findall(r"^```yaml\n(name: pumps\n.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
SETTINGS = msgspec.structs.replace(CONFIG, groups=[msgspec.convert(yaml.safe_load(EXAMPLE), config.GroupOptions)])
PARTS: list[tuple[int, str, Any]] = [
    (1, "temp", 20.0),
    (2, "flow", 3.0),  # joined
    (4, "temp", 20.5),  # joined, and the first value gives way
    (12, "temp", 21.0),
    (12, "rust", "a little"),  # of no channel: ignored
    (13, "flow", "high"),  # refused
    (14, "flow", None),  # joined
    (26, "temp", 22.0),
    (3, "flow", 9.0),  # late
    (39, "flow", 4.0),
    (31, "temp", 23.0),  # joined
    (40, "flow", 5.0),  # held back, as the one before
]
ENTRIES = ("read_total", "inherited", "scored_total", "joined_total", "held")


def records(start: int = 0, stop: int | None = None) -> Records:
    rows = [
        (None, orjson.dumps({"pump": "a", "time": second, "metric": name, "value": value}))
        for second, name, value in PARTS[start:stop]
    ]
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
    assert sorted(rig.scores()) == [(0, 2), (0, 6), (0, 7)]


def test_at_the_end_of_a_file_nothing_is_held() -> None:
    rig = Rig([Assigned((FIRST,)), records(), Ended()], settings=SETTINGS).turn(3)

    assert books(rig)["held"] == 0
    assert sorted(rig.scores()) == [(0, 2), (0, 6), (0, 7), (0, 10), (0, 11)]


@pytest.mark.parametrize("crash", range(1, len(PARTS)))
def test_the_books_of_a_process_that_goes_on_after_a_crash_balance(crash: int) -> None:
    doomed = Rig([Assigned((FIRST,)), records(0, crash)], settings=SETTINGS).turn(2)

    rig = Rig([Assigned((FIRST,)), records()], doomed.committed, doomed.contents, settings=SETTINGS).turn(2)

    entries = books(rig)
    arrived = entries["read_total"] + entries["inherited"]
    assert arrived == entries["scored_total"] + entries["rejected"] + entries["joined_total"] + entries["held"]
    assert entries["read_total"] == sum(name != "rust" for _, name, _ in PARTS[crash:])
    assert sorted([*doomed.scores(), *rig.scores()]) == [(0, 2), (0, 6), (0, 7)]
