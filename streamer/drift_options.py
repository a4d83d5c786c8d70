"""The table `drift` of a group: by which detectors a lasting change of the errors is noticed."""

from typing import Annotated

from msgspec import Meta, Struct


class AdwinOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Adaptive windowing (Bifet, Gavalda, 2007): two parts of the past have means that differ."""

    delta: Annotated[float, Meta(gt=0, lt=1)] = 0.002  # significance


class PageHinkleyOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Page's test (1954): the sum of what lies beyond the mean has grown too large. Slower; sees what creeps."""

    threshold: Annotated[float, Meta(gt=0)] = 50.0  # in errors of 0 to 1, of which an epoch is 16


class DriftOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each detector has its own table; null: it is not asked."""

    adwin: AdwinOptions | None = AdwinOptions()
    page_hinkley: PageHinkleyOptions | None = PageHinkleyOptions()
