"""When an alarm opens, when it closes, and whom it calls."""

from typing import Annotated

from msgspec import Meta, Struct


class AlarmOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an alarm opens and closes."""

    tail_probability: Annotated[float, Meta(gt=1e-20, lt=1)] = 1e-3  # of a reading: an alarm opens beyond this line
    close_ratio: Annotated[float, Meta(ge=0, le=1)] = (
        0.5  # of the line, in surprise: a reading at most this high is calm
    )
    calm_readings: Annotated[int, Meta(ge=1)] = 8  # in a row, and the alarm closes
    max_age_seconds: Annotated[float, Meta(ge=0)] | None = 3600.0  # older ones are historical and call nobody
