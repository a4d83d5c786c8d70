"""What the end-to-end tests share: fresh names, so that no run meets another one."""

import uuid
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

MakeTopic = Callable[..., str]


@pytest.fixture(scope="session")
def occupancy() -> Path:
    """Real readings of a room that ship with river: the file that README and compose publish."""
    river = find_spec("river")
    assert river is not None
    assert river.submodule_search_locations is not None
    return Path(river.submodule_search_locations[0]) / "drift" / "datasets" / "occupancy.csv"


@pytest.fixture(scope="session")
def fresh_names() -> Callable[[], dict[str, Any]]:
    """``fresh_names()`` are changes to a configuration, as `adapted` takes them, that make all its outputs new."""

    def names() -> dict[str, Any]:
        token = uuid.uuid4().hex[:8]
        return {
            "kafka.group_id": f"e2e-{token}",
            "outputs.results.topic": f"results-{token}",
            "outputs.alarms.topic": f"alarms-{token}",
            "outputs.dead_letters.topic": f"dead-letters-{token}",
            "http.port": 0,
        }

    return names
