"""The books of alarms: each is counted by kind and, where it is historical, in no live metric."""

import re
from dataclasses import replace

import pytest

from connectors.columns import BEGINNING, Alarms, Silences
from streamer.accounting import account_alarms
from streamer.metrics import Metrics
from tests.connectors.columns_samples import FIRST_TIMESTAMP, alarms_of, results_of, silences_of

SAMPLES: dict[str, Alarms | Silences] = {  # two openings and a closing of each
    "spike": alarms_of(results_of(["a", "b", "c"])),
    "silence": silences_of(["a", "b", "c"]),
}


def counted(alarms: Alarms | Silences, live_from: int) -> dict[tuple[str, str], float]:
    """(event, kind) -> what the page says of the group, zeros left out."""
    metrics = Metrics(groups=["plant"])
    account_alarms(metrics, "plant", replace(alarms, live_from=live_from))
    rows = metrics.render(openmetrics=False).decode().splitlines()
    return {
        (event, kind): number
        for event in ("opened", "closed", "historical")
        for kind in ("spike", "silence")
        for row in rows
        if row.startswith(f'streamer_alarms_{event}_total{{group="plant",kind="{kind}"}}')
        if (number := float(row.rsplit(" ", 1)[1]))
    }


@pytest.mark.parametrize("kind", ["spike", "silence"])
def test_openings_and_closings_are_counted_by_kind(kind: str) -> None:
    assert counted(SAMPLES[kind], BEGINNING) == {("opened", kind): 2, ("closed", kind): 1}


@pytest.mark.parametrize("kind", ["spike", "silence"])
def test_historical_alarms_are_counted_apart(kind: str) -> None:
    opened_later = FIRST_TIMESTAMP + 1 + (90_500_000_000 if kind == "silence" else 0)

    assert counted(SAMPLES[kind], opened_later) == {
        ("opened", kind): 1,
        ("closed", kind): 1,
        ("historical", kind): 1,
    }
    assert counted(SAMPLES[kind], 2**62) == {("historical", kind): 2}


def test_openings_are_counted_by_severity_unless_they_are_historical() -> None:
    metrics = Metrics(groups=["plant"])

    account_alarms(metrics, "plant", replace(SAMPLES["spike"], live_from=BEGINNING))
    account_alarms(metrics, "plant", replace(SAMPLES["silence"], live_from=2**62))

    page = metrics.render(openmetrics=False).decode()
    rows = re.findall(r'^streamer_alarms_by_severity_total{group="plant",severity="(\w+)"} (.+)$', page, re.MULTILINE)
    assert rows == [("info", "1.0"), ("warning", "1.0"), ("critical", "0.0")]
