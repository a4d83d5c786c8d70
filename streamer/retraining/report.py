"""The report of one retraining: what was compared, what came of it, and why."""

import msgspec

from streamer.retraining.contest import Contest, Figures
from streamer.retraining.options import RetrainingOptions

NOTE = "retraining.json"  # on the shelf: the newest report


class Verdict(msgspec.Struct, frozen=True):
    """Whether the challenger takes the champion's place, and why or why not."""

    is_promoted: bool
    why: str


class Report(msgspec.Struct, frozen=True):
    """All of it, as it stands on the shelf."""

    group: str
    champion: str  # artifacts
    challenger: str
    verdict: Verdict
    contest: Contest
    coverage_target_ratio: float
    readings: int  # of the window, of them before the later part
    readings_trained: int
    first: str  # event times, ISO-8601
    later: str
    last: str
    started_timestamp_seconds: float  # since the epoch
    duration_seconds: float


def judge(contest: Contest, target_ratio: float, rules: RetrainingOptions) -> Verdict:
    """Promote a challenger that is better by enough, and whose band is not farther off than allowed."""
    champion, challenger = contest.champion, contest.challenger
    gained = contest.improvement_ratio
    lost = abs(challenger.coverage_ratio - target_ratio) - abs(champion.coverage_ratio - target_ratio)
    if contest.judged < rules.min_readings:
        return Verdict(False, f"{contest.judged} readings were judged, of {rules.min_readings} that decide")
    if not gained >= rules.min_improvement_ratio:
        return Verdict(False, f"its CRPS is better by {gained:.2%}, of {rules.min_improvement_ratio:.2%} wanted")
    if lost > rules.max_coverage_loss:
        return Verdict(False, f"its band is {lost:.2%} farther off, of {rules.max_coverage_loss:.2%} allowed")
    return Verdict(True, f"its CRPS is better by {gained:.2%}, and its band {max(lost, 0):.2%} farther off")


def to_markdown(report: Report) -> str:
    """The report for people."""
    contest, verdict = report.contest, "promoted" if report.verdict.is_promoted else "not promoted"
    rows = [("champion", report.champion, contest.champion), ("challenger", report.challenger, contest.challenger)]
    return "\n".join(
        [
            f"# Retraining of {report.group}: {verdict}",
            "",
            f"The challenger was {verdict}: {report.verdict.why}.",
            "",
            f"| | artifact | CRPS* | inside the band, of {report.coverage_target_ratio:g} | alarms |",
            "|---|---|---|---|---|",
            *(f"| {name} | {artifact} | {_shown(figures)} |" for name, artifact, figures in rows),
            "",
            f"Both forecast {contest.judged:,} readings of {contest.series:,} series, from {report.later} to"
            f" {report.last}, each before it saw them. The challenger was trained on {report.readings_trained:,}"
            f" readings from {report.first} on, in {report.duration_seconds:.0f} s all in all.",
            "",
            "\\* in spreads of the champion's forecasts; the geometric mean over series.",
            "",
        ]
    )


def _shown(figures: Figures) -> str:
    crps = "none" if figures.crps is None else f"{figures.crps:.4f}"
    return f"{crps} | {figures.coverage_ratio:.4f} | {figures.alarms:,}"
