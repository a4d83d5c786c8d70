"""The tables of a section: contenders side by side, half by half, and the detector with its parts and without."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import results_page

from accuracy.contenders import Scores
from accuracy.data import File
from accuracy.measures import PARTS, Part, Ranked, found, mean, ranked
from accuracy.nab_scoring import PROFILES, Profile, Sheet
from streamer.backtest.events import Findings

Rows = Mapping[str, Sequence[Scores]]  # by set
Files = Mapping[str, Sequence[File]]
Measures = Mapping[str, Mapping[str, Sequence[Ranked]]]  # by set and row


def measured(rows: Rows, files: Files) -> Measures:
    """The ranking measures of every row on every set."""
    return {source: {row.name: ranked(row, files[source]) for row in own} for source, own in rows.items()}


def vus_table(measures: Measures) -> Iterator[str]:
    """Mean VUS-PR of each set: of half A, half B and all files."""
    yield from _ranking(measures, lambda own: " / ".join(_decimal(mean(own, _vus_pr, part)) for part in PARTS))


def other_measures(measures: Measures) -> Iterator[str]:
    """The other ranking measures, one table each."""
    others: dict[str, Callable[[Ranked], float]] = {
        "VUS-PR under protocol B, for orientation: a prefix without an event is muted": lambda one: one.vus_pr_b,
        "AUC-PR": lambda one: one.auc_pr,
        "Best F1, without point adjustment": lambda one: one.best_f1,
    }
    for title, value in others.items():
        yield from ["", f"{title}, mean over all files:", ""]
        yield from _ranking(measures, lambda own, value=value: _decimal(mean(own, value)))  # type: ignore[misc]


def nab_table(rows: Sequence[Scores], files: Sequence[File]) -> Iterator[str]:
    """NAB's score by profile at the threshold of half A, and at each row's own best on all files."""
    header = ["score", *(profile.name for profile in PROFILES), *(f"own, {profile.name}" for profile in PROFILES)]
    yield from results_page.table(header, [_nab_row(row, files) for row in rows])


def alarm_table(rows: Rows, files: Files) -> Iterator[str]:
    """What the alarms of each detector found in each set."""
    header = ["detector", "set", "readings", "alarms", "events", "found", "delay", "false a day", "false in 10,000"]
    cells = []
    for source, own in rows.items():
        detectors = {row.name.partition(":")[0]: row for row in own if row.opened is not None}
        for name, row in detectors.items():
            cells.append([name, source, *_alarm_cells(found(row, files[source]))])
    yield from results_page.table(header, sorted(cells, key=lambda line: line[0]))


def _ranking(measures: Measures, cell: Callable[[Sequence[Ranked]], str]) -> list[str]:
    names = dict.fromkeys(name for own in measures.values() for name in own)
    rows = [[name, *(cell(own[name]) if name in own else "" for own in measures.values())] for name in names]
    return results_page.table(["score", *measures], rows)


def _nab_row(row: Scores, files: Sequence[File]) -> list[str]:
    sheets = {part: _sheet(row, files, part) for part in PARTS}
    return [
        row.name,
        *(_at_threshold_of_a(sheets, profile) for profile in PROFILES),
        *(f"{sheets['all'].best(profile)[1]:.1f}" for profile in PROFILES),
    ]


def _at_threshold_of_a(sheets: Mapping[Part, Sheet], profile: Profile) -> str:
    threshold, _ = sheets["A"].best(profile)
    return " / ".join(f"{sheets[part].at(threshold, profile):.1f}" for part in PARTS)


def _sheet(row: Scores, files: Sequence[File], part: Part) -> Sheet:
    chosen = [(score, file.labels) for score, file in zip(row.scores, files, strict=True) if part in (file.half, "all")]
    scores, labels = zip(*chosen, strict=True) if chosen else ((), ())
    return Sheet.of(scores, labels)


def _alarm_cells(one: Findings) -> list[str]:
    return [
        f"{one.readings:,}",
        f"{one.alarms:,}",
        f"{one.events:,}",
        f"{one.found:,} ({one.recall:.0%})" if one.events else "",
        "" if np.isnan(one.delay) else f"{one.delay:g}",
        f"{one.false_alarms_per_day:.3g}",
        f"{1e4 * one.false_alarms / one.readings:.3g}" if one.readings else "",
    ]


def _vus_pr(one: Ranked) -> float:
    return one.vus_pr


def _decimal(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}".removeprefix("0")
