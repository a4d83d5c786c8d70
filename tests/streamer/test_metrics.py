"""What the daemon counts, read back from the page by the Prometheus client's own parsers."""

import re
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from connectors.columns import Reason
from streamer.metrics import PHASES, Metrics
from streamer.metrics_reference import reference
from streamer.score_histogram import UPPER_BOUNDS

ROOT = Path(__file__).parents[2]
Labels = dict[str, str]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(groups=["pumps", "fans"], topics=["results"])


def rows(metrics: Metrics, name: str) -> list[tuple[Labels, float]]:
    page = metrics.render(openmetrics=False).decode()
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    return [(sample.labels, sample.value) for sample in samples if sample.name == name]


def value(metrics: Metrics, name: str, **labels: str) -> float:
    found = [number for row, number in rows(metrics, name) if row == labels]
    assert len(found) == 1, f"{name}{labels}: expected one row, got {rows(metrics, name)}"
    return found[0]


def test_every_known_label_value_starts_at_zero(metrics: Metrics) -> None:
    assert value(metrics, "streamer_readings_read_total", group="fans") == 0
    assert value(metrics, "streamer_emitted_records_total", topic="results") == 0
    for kind in ("spike", "silence"):
        assert value(metrics, "streamer_alarms_opened_total", group="pumps", kind=kind) == 0
        assert value(metrics, "streamer_alarms_historical_total", group="pumps", kind=kind) == 0
    assert len(rows(metrics, "streamer_readings_rejected_total")) == 2 * len(Reason)
    assert [row["phase"] for row, _ in rows(metrics, "streamer_batch_phase_duration_seconds_count")] == list(PHASES)


def test_read_and_inherited_is_scored_and_rejected_and_held(metrics: Metrics) -> None:
    metrics.inherited("pumps", 6)
    metrics.readings_read("pumps", 10)
    metrics.rejected("pumps", Reason.LATE, 2)
    metrics.rejected("pumps", Reason.MALFORMED, 1)
    metrics.scored("pumps", np.full(7, 0.5), below=1, above=2, channels=14)
    metrics.inherited("pumps", -2)
    metrics.held("pumps", 4)

    rejected = [number for row, number in rows(metrics, "streamer_readings_rejected_total") if row["group"] == "pumps"]
    scored = value(metrics, "streamer_readings_scored_total", group="pumps")
    held = value(metrics, "streamer_readings_held", group="pumps")
    came = value(metrics, "streamer_readings_read_total", group="pumps")
    assert came + value(metrics, "streamer_readings_inherited", group="pumps") == scored + sum(rejected) + held
    assert value(metrics, "streamer_readings_rejected_total", group="pumps", reason="late") == 2
    assert value(metrics, "streamer_channels_outside_band_total", group="pumps", side="above") == 2


def test_scores_fall_into_the_buckets_that_one_comparison_at_a_time_finds(metrics: Metrics) -> None:
    random = np.random.default_rng(3)
    batches = [np.concatenate([random.exponential(size=200), UPPER_BOUNDS]) for _ in range(3)]

    for scores in batches:
        metrics.scored("pumps", scores, below=0, above=0, channels=len(scores))

    seen = np.concatenate(batches).tolist()
    for bound in UPPER_BOUNDS:
        expected = sum(score <= bound for score in seen)
        assert value(metrics, "streamer_anomaly_score_bucket", group="pumps", le=str(bound)) == expected
    assert value(metrics, "streamer_anomaly_score_count", group="pumps") == len(seen)
    assert value(metrics, "streamer_anomaly_score_sum", group="pumps") == pytest.approx(sum(seen))


def test_no_score_counts_nowhere_and_an_infinite_one_does_not_spoil_the_sum(metrics: Metrics) -> None:
    metrics.scored("pumps", np.array([np.nan, np.inf, 0.5]), below=0, above=0, channels=3)

    assert value(metrics, "streamer_anomaly_score_count", group="pumps") == 2
    assert value(metrics, "streamer_anomaly_score_sum", group="pumps") == 0.5
    assert value(metrics, "streamer_readings_scored_total", group="pumps") == 3


def test_an_unknown_lag_leaves_its_row_out(metrics: Metrics) -> None:
    metrics.partition("readings", 0, 12, 1.7e9)
    metrics.partition("readings", 1, 5, 1.7e9)

    metrics.partition("readings", 0, None, 1.7e9 + 1)

    assert rows(metrics, "streamer_lag_records") == [({"topic": "readings", "partition": "1"}, 5)]
    assert value(metrics, "streamer_event_timestamp_seconds", topic="readings", partition="0") == 1.7e9 + 1


def test_a_partition_that_left_takes_its_rows_along(metrics: Metrics) -> None:
    metrics.partition("readings", 0, 12, 1.7e9)

    metrics.partition_left("readings", 0)

    assert rows(metrics, "streamer_lag_records") == []
    assert rows(metrics, "streamer_event_timestamp_seconds") == []


def test_a_group_has_one_artifact(metrics: Metrics) -> None:
    metrics.artifact("pumps", "first", "gru")
    metrics.artifact("fans", "first", "gru")
    metrics.artifact("pumps", "second", "lstm")

    assert value(metrics, "streamer_artifact_info", group="pumps", artifact="second", cell="lstm") == 1
    assert len(rows(metrics, "streamer_artifact_info")) == 2


def test_refusals_told_as_totals_are_counted_once(metrics: Metrics) -> None:
    metrics.page.exported(series=3, limit=10, admitted=3, refused=1)
    metrics.page.exported(series=4, limit=10, admitted=4, refused=1)

    assert value(metrics, "streamer_exported_series_admitted_total") == 4
    assert value(metrics, "streamer_exported_series_refused_total") == 1
    assert value(metrics, "streamer_exported_series") == 4


def test_openmetrics_is_valid_once_it_is_ended(metrics: Metrics) -> None:
    page = metrics.render(openmetrics=True) + b"# EOF\n"

    families = list(openmetrics_parser.text_string_to_metric_families(page.decode()))  # type: ignore[no-untyped-call]

    assert "streamer_readings_read" in {family.name for family in families}


def test_two_daemons_in_one_process_count_apart() -> None:
    first, second = Metrics(["pumps"]), Metrics(["pumps"])

    first.readings_read("pumps", 5)

    assert value(second, "streamer_readings_read_total", group="pumps") == 0


def test_no_creation_times_clutter_the_page(metrics: Metrics) -> None:
    assert b"_created" not in metrics.render(openmetrics=False)


def test_names_and_labels_keep_the_rules_of_prometheus(metrics: Metrics) -> None:
    for one in metrics.descriptions:
        assert re.fullmatch(r"streamer_[a-z_]+", one.name)
        assert one.name.endswith("_total") == (one.kind == "counter"), one.name
        assert not {"stage", "service", "env", "instance", "job", "type", "le"} & set(one.labels), one.name


def test_the_document_is_what_the_code_says() -> None:
    document = (ROOT / "docs" / "metrics.md").read_text()

    assert document == reference(), "docs/metrics.md: run python -m streamer.metrics_reference > docs/metrics.md"
