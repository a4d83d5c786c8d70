"""Adoption: how a group's partitions come to another artifact than the one their state was made by."""

from typing import Annotated

import msgspec
from msgspec import Meta


class AdoptionOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the shadow of an artifact reads again, and for how long it is watched.

    The records read again are as many as a partition has series, times ``warm_readings``: enough for each of them where
    all speak equally often, and a record holds one reading.
    """

    warm_readings: Annotated[int, Meta(ge=0)] = 128  # of a series (research: 32 to 128 are enough)
    max_records: Annotated[int, Meta(ge=0)] = 1_000_000  # read again at most, of one partition
    shadow_readings: Annotated[int, Meta(ge=0)] = 1_000  # of a partition, followed before it is adopted; 0: at once
