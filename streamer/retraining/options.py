"""The table `retraining` of the configuration: on which readings, and by how much a challenger must win."""

from typing import Annotated

from msgspec import Meta, Struct


class RetrainingOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a challenger takes the place of the champion. How it is trained, and on what, says the table `training`."""

    window_seconds: Annotated[float, Meta(gt=0)] | None = None  # of Kafka's records, up to now; None: as training.data
    later_ratio: Annotated[float, Meta(gt=0, lt=1)] = 0.25  # of the readings, the last ones: both are judged by them
    lead_readings: Annotated[int, Meta(ge=0)] = 512  # of a series before those: both know them, neither is judged
    min_readings: Annotated[int, Meta(ge=1)] = 500  # of single channels: fewer decide nothing
    min_improvement_ratio: Annotated[float, Meta(ge=0, lt=1)] = 0.01  # by which the CRPS must be smaller
    max_coverage_loss: Annotated[float, Meta(ge=0, le=1)] = 0.01  # how much farther from its target the band may be
    kept: Annotated[int, Meta(ge=2)] = 5  # artifacts on the shelf, to go back to
