"""Every kind of forecaster in the engine: scored, saved and gone on with; and what the local clock is worth to one."""

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from connectors.columns import Readings, Results
from connectors.ports import Assigned
from models.forecasters import BASELINES
from streamer import config
from streamer.partition import Partition
from tests.streamer.fleets import SECOND_NS, WHERE, judge, readings
from tests.streamer.plain_loop import scored
from tests.streamer.rig import CONFIG, FIRST, WALK, Rig, batch

CHOICES: list[dict[str, Any]] = [
    *(
        {"forecaster": "combiner", "cell": cell, "tier": tier}
        for cell in ("gru", "lstm")
        for tier in ("compact", "rich")
    ),
    *({"forecaster": "recurrent", "cell": cell} for cell in ("gru", "lstm")),
    *({"forecaster": "experts", "tier": tier} for tier in ("compact", "rich")),
    *({"forecaster": baseline} for baseline in BASELINES),
]
WITHOUT_EXPERTS = {"recurrent", *BASELINES}
HOUR_NS = 3600 * SECOND_NS
SUMMER_BEGINS = 1_268_560_800 * SECOND_NS  # 2010-03-14 10:00 UTC, in Los Angeles
DAYS_BEFORE, DAYS_AFTER = 14, 2


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: "-".join(choice.values()))
def test_it_scores_and_goes_on_from_a_checkpoint_as_if_nothing_had_been(choice: dict[str, Any]) -> None:
    further = {} if choice["forecaster"] in WITHOUT_EXPERTS else {"horizons": [1, 3]}
    raw = msgspec.to_builtins(CONFIG)
    raw["groups"][0] |= choice | further
    settings = config.parse(raw, "test")
    script = [Assigned((FIRST,)), batch(FIRST, 0, WALK[:6]), batch(FIRST, 6, WALK[6:])]

    first = Rig(script, settings=settings, interval_seconds=0.0).turn(2)
    second = Rig(script, first.committed, first.contents, settings=settings).turn(3)
    whole = Rig(script, settings=settings).turn(3)

    assert first.scores() | second.scores() == whole.scores()
    results: list[Results] = whole.written(Results)
    assert all(np.isfinite(result.forecast[-1]).all() for result in results)
    spike, before = whole.scores()[0, 8], max(score for (_, offset), score in whole.scores().items() if offset < 8)
    assert spike > before or choice == {"forecaster": "half_space_trees"}  # which say nothing of the first 250
    assert all((result.ahead is not None) == bool(further) for result in results)


def by_the_wall() -> Readings:
    """Hourly, with a step at 8 and another one at 18 by the clock of Los Angeles, over the beginning of summer time."""
    hours = np.arange(-24 * DAYS_BEFORE, 24 * DAYS_AFTER)
    local = hours + np.where(hours < 0, 2, 3)  # it is 2 there, and then 3
    noise = np.random.default_rng(0).normal(scale=0.05, size=len(hours))
    value = 20 + 5 * ((local % 24 >= 8) & (local % 24 < 18)) + noise
    whole = readings(["office"] * len(hours), [0.0] * len(hours), value[:, None])
    return replace(whole, timestamp=SUMMER_BEGINS + hours * HOUR_NS)


def test_a_day_is_known_again_after_the_clocks_were_changed() -> None:
    batch = by_the_wall()

    def error(time_zone: str) -> float:
        came = scored(Partition(judge(forecaster="experts", time_zone=time_zone), WHERE), [batch])
        return float(np.abs(came["forecast"] - came["value"])[-24 * DAYS_AFTER :].mean())

    assert error("America/Los_Angeles") < 0.6 * error("UTC")
