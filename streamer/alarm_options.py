"""When an alarm opens, when it closes, and whom it calls."""

from typing import Annotated

from msgspec import Meta, Struct


class AlarmOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an alarm opens and closes."""

    readings_per_alarm: Annotated[float, Meta(ge=1)] = 10_000.0  # no more alarms open, as a long-run mean: the budget
    alarms_per_day: Annotated[float, Meta(gt=0)] | None = None  # of event time, in all partitions; the stricter holds
    partitions: Annotated[int, Meta(ge=1)] = 1  # that share alarms_per_day: those of the group's topics
    close_ratio: Annotated[float, Meta(ge=0, le=1)] = 0.5  # of the line: a reading at most this high is calm
    calm_readings: Annotated[int, Meta(ge=1)] = 8  # in a row, and the alarm closes
    max_age_seconds: Annotated[float, Meta(ge=0)] | None = 3600.0  # older ones are historical and call nobody
