"""Feedback: what the verdicts of people on alarms mean for the lines of their series."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from connectors.verdicts import Verdict

MARGIN = 1.1  # a tenth more than what was called false, a tenth less than what was called true
DAY_NS = 86_400_000_000_000


class Tolerance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By how much a line is raised for one kind of alarm of one series: less and less as event time goes on."""

    series: str
    kind: str
    factor: float  # above 1, up to `since`
    since: int  # ns, from which it falls evenly
    until: int  # ns, later than `since`: from then on it is 1


def tolerances(verdicts: Iterable[Verdict], group: str) -> list[Tolerance]:
    """What the verdicts on the alarms of a group come to, in the order of series and kinds.

    An alarm must exceed the largest that was called false of its series and kind, but a line is never raised above
    what was called true. It is in force from the newest of the false ones until the last of them has had its days.
    """
    ours = sorted((one for one in verdicts if one.group == group), key=_subject)
    found = [_tolerance(series, kind, [*said]) for (series, kind), said in groupby(ours, _subject)]
    return [one for one in found if one is not None]


def _subject(verdict: Verdict) -> tuple[str, str]:
    return verdict.series, verdict.kind


def _tolerance(series: str, kind: str, said: Sequence[Verdict]) -> Tolerance | None:
    refused = [one for one in said if one.verdict == "false"]
    confirmed = [one.peak_ratio / MARGIN for one in said if one.verdict == "true"]
    factor = min([max((one.peak_ratio * MARGIN for one in refused), default=1.0), *confirmed])
    if factor <= 1:
        return None
    since = max(one.timestamp_ns for one in refused)
    until = max(one.timestamp_ns + round(one.days * DAY_NS) for one in refused)
    return Tolerance(series=series, kind=kind, factor=factor, since=since, until=until)
