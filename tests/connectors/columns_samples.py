"""Columns to encode: small, fixed, and with everything in them that is awkward to write down."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from connectors.columns import (
    SEVERITIES,
    Ahead,
    Alarms,
    Explanation,
    Readings,
    Reason,
    Records,
    Rejects,
    Results,
    Silences,
    TopicPartition,
)
from connectors.drifts import Drifts

PARTITION = TopicPartition("machines", 3)
FIRST_TIMESTAMP = 1_647_770_400_123_456_789  # 2022-03-20T10:00:00.123456789Z
FIRST_OFFSET = 184_467


def results_of(
    series: Sequence[str],
    channels: tuple[str, ...] = ("temperature", "pressure"),
    further: tuple[int, ...] = (),
) -> Results:
    """One result a series; every third reading lacks its last channel, every fourth is anomalous.

    At the first of the ``further`` horizons nothing is known of the first reading's last channel.
    """
    count, width = len(series), len(channels)
    position = np.arange(count)
    values = 20.1 + 0.1 * position[:, None] + np.arange(width) * 100.0
    values[2::3, -1] = np.nan
    present = ~np.isnan(values)
    readings = Readings(
        "plant",
        PARTITION,
        np.array(series, dtype=object),
        FIRST_OFFSET + position // 2,
        position % 2,
        FIRST_TIMESTAMP + position * 1_000_000_000,
        values,
        present,
    )
    forecast = np.where(present, values - 0.25, np.nan)
    shares = np.where(present, 1.0 / present.sum(axis=1, keepdims=True), np.nan)
    is_anomalous = position % 4 == 3
    return Results(
        readings,
        channels,
        value=values,
        forecast=forecast,
        lower=forecast - 1.5,
        upper=forecast + 1.5,
        anomaly_score=np.where(is_anomalous, 1.75, 0.1),
        novelty=np.where(is_anomalous, 0.875, 0.25),
        surge=np.where(is_anomalous, 2.5, 0.0),
        p_value=np.where(is_anomalous, 3.2e-45, 0.62),
        shares=shares,
        is_anomalous=is_anomalous,
        warming=position < 1,
        artifact="gru-2022.1",
        ahead=_ahead(np.nan_to_num(values), further) if further else None,
    )


def _ahead(values: np.ndarray, horizons: tuple[int, ...]) -> Ahead:
    steps = np.array(horizons)
    forecast = values[..., None] + 0.5 * steps
    forecast[0, -1, 0] = np.nan
    return Ahead(horizons, forecast, forecast - steps, forecast + steps)


EXPLANATION = Explanation(
    text="pressure stands still, for the last 40 readings: pressure 120.3, expected 120.05 (118.55 to 121.55)",
    channel="pressure",
    shares={"temperature": 0.0625, "pressure": 0.9375},
    bet="stuck",
    since_readings=40,
    trust={"last": 0.25, "day": 0.75},
    memory_seconds=None,
)


def alarms_of(results: Results) -> Alarms:
    """Each result opens an alarm and, a moment later, the last one closes its own."""
    count = len(results)
    timestamp = results.readings.timestamp
    return Alarms(
        results,
        kind=["spike"] * count,
        event=["opened"] * (count - 1) + ["closed"],
        severity=[SEVERITIES[place % 3] for place in range(count)],
        alarm_id=[f"{series}/spike/{count}" for series in results.readings.series.tolist()],
        opened_timestamp=timestamp - 60_000_000_000 * (np.arange(count) == count - 1),
        peak_score=results.anomaly_score * 2,
        tolerance=np.where(results.is_anomalous, 2.5, 1.0),
        explanation=[EXPLANATION] * (count - 1) + [None] * (count > 0),
        live_from=int(timestamp.max(initial=0)),
    )


def silences_of(series: Sequence[str], after_seconds: float = 90.5) -> Silences:
    """Each series is silent, and the last one speaks again half a second later."""
    count = len(series)
    last = FIRST_TIMESTAMP + np.arange(count) * 1_000_000_000
    opened = last + int(after_seconds * 1e9)
    is_closed = np.arange(count) == count - 1
    return Silences(
        "plant",
        PARTITION,
        after_seconds,
        series=np.array(series, dtype=object),
        event=["opened"] * (count - 1) + ["closed"],
        severity=[SEVERITIES[place % 3] for place in range(count)],
        alarm_id=[f"{name}/silence" for name in series],
        timestamp=opened + 500_000_000 * is_closed,
        last_timestamp=last,
        opened_timestamp=opened,
        live_from=int(opened[-1]),
    )


def drifts_of(detectors: Sequence[str]) -> Drifts:
    """Each detector notices something a second after the one before it; all but the last are history."""
    count = len(detectors)
    timestamp = FIRST_TIMESTAMP + np.arange(count) * 1_000_000_000
    return Drifts(
        "plant",
        PARTITION,
        detector=[*detectors],
        alarm_id=[f"{detector}/drift" for detector in detectors],
        timestamp=timestamp,
        error_before=np.linspace(0.5, 0.25, count),
        error_now=np.linspace(0.75, 0.125, count),
        live_from=int(timestamp[-1]),
    )


def held_back(rejects: Rejects) -> Rejects:
    """The same rejects, after their records have gone."""
    return replace(rejects, records=Records.none(PARTITION))


def rejects_of(values: Sequence[bytes | None], key: bytes | None = b"pump-7") -> Rejects:
    """Every record is refused at index 0; the first one at index 2 too."""
    count = len(values)
    offset = FIRST_OFFSET + np.arange(count)
    records = Records(
        PARTITION,
        offset,
        np.full(count, FIRST_TIMESTAMP // 1_000_000),
        [key] * count,
        list(values),
        [[("trace", b"\x00\xff")]] * count,
    )
    return Rejects(
        "plant",
        records,
        offset=np.concatenate([offset[:1], offset]),
        index=np.array([0, 2, *[0] * (count - 1)]),
        reason=[Reason.WRONG_TYPE, Reason.NOT_FINITE, *[Reason.MALFORMED] * (count - 1)],
        detail=["$[0].t: expected a number or null, got string 'x'"] * (count + 1),
    )
