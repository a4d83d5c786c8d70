"""The comparison on real series: who forecasts how well, what each part is worth, and what is promised."""

from collections.abc import Callable, Sequence

import numpy as np
import results_page

from forecast.baselines import AR8, LAST
from forecast.batch import Float64
from forecast.entrants import Entrant
from forecast.field import is_known, shown, tiers
from forecast.scores import Tally, median_and_mean
from models.experts.bank import Tier

HORIZONS = (1, 12, 24)
ALLOWED_LOSS = 1.1  # of a series, over its best expert


def crps_tables(tally: Tally, entrants: Sequence[Entrant]) -> list[str]:
    """CRPS over the last value's at each horizon; a row for each source, and one for all of them equally."""
    lines: list[str] = []
    for k, horizon in enumerate(tally.horizons):
        ratios = {name: tally.ratio(name, LAST)[:, k] for name in shown(tally, entrants, k) if name != LAST}
        lines += ["", f"h = {horizon}: CRPS as a ratio to the last value's, median / geometric mean over series:", ""]
        lines += _by_source(tally, ratios, median_and_mean)
    return lines


def mase_tables(tally: Tally, entrants: Sequence[Entrant]) -> list[str]:
    """Mean absolute errors over that of the last value one step ahead, likewise."""
    lines: list[str] = []
    step = tally.mean(LAST, "absolute")[:, 0]
    for k, horizon in enumerate(tally.horizons):
        errors = {name: tally.mean(name, "absolute")[:, k] for name in shown(tally, entrants, k)}
        ratios = {name: error / np.where(step > 0, step, np.nan) for name, error in errors.items()}
        lines += ["", f"h = {horizon}: MASE, median over series:", ""]
        lines += _by_source(tally, ratios, lambda ratio: median_and_mean(ratio)[:1])
    return lines


def promise_table(tally: Tally, entrants: Sequence[Entrant]) -> list[str]:
    """The shares of series on which a forecaster wins, its worst losses, and how often its band holds."""
    header = ["forecaster", "h", "beats last value", "beats AR(8)", "beats experts", "worst loss to best expert"]
    header += ["loses over 10 % to it", "to the best so far", "90 % band covers: median", "all readings"]
    rows = []
    for name, tier in [*((f"{tier} experts", tier) for tier in tiers(entrants)), *((e.name, e.tier) for e in entrants)]:
        for k, horizon in enumerate(tally.horizons):
            if is_known(tally, name, k):
                rows.append([name, str(horizon), *_promises(tally, name, tier or Tier.COMPACT, k)])
    return results_page.table(header, rows)


def worth_table(tally: Tally, entrants: Sequence[Entrant]) -> list[str]:
    """What the network adds to the experts, and memory to the network: CRPS ratios, all sources equally."""
    header = ["forecaster", "h", "over its experts", "over itself, cell zeroed", "over itself, all zeroed"]
    rows = []
    for entrant in entrants:
        others = [
            f"{entrant.tier or Tier.COMPACT} experts",
            *(f"{entrant.name}, {what} zeroed" for what in ("cell", "all")),
        ]
        for k, horizon in enumerate(tally.horizons):
            if is_known(tally, entrant.name, k):
                rows.append(
                    [entrant.name, str(horizon), *(_equally(tally, entrant.name, other, k) for other in others)]
                )
    return results_page.table(header, rows)


def counts(tally: Tally) -> str:
    """How much was scored."""
    of_source = (f"{source} {len(tally.batch.of_source(source))}" for source in tally.batch.sources)
    return f"{len(tally.batch.series)} series ({', '.join(of_source)}), {tally.batch.lengths.sum():,} readings"


def _by_source(tally: Tally, ratios: dict[str, Float64], summary: Callable[[Float64], tuple[float, ...]]) -> list[str]:
    """A table of figures, a row a source and the mean of these rows. ratios: name: (B,)."""
    sources = tally.batch.sources
    figures = np.array(
        [[summary(ratio[tally.batch.of_source(source)]) for ratio in ratios.values()] for source in sources]
    )
    rows = [*zip(sources, figures, strict=True), ("all equally", figures.mean(axis=0))]
    cells = [[source, *(" / ".join(f"{figure:.3f}" for figure in cell) for cell in row)] for source, row in rows]
    return results_page.table(["source", *ratios], cells)


def _promises(tally: Tally, name: str, tier: Tier | str, k: int) -> list[str]:
    each = [other for other in tally.sums if other.startswith(f"{tier}: ")]
    best = np.min([tally.mean(other, "crps")[:, k] for other in each], axis=0)
    ours, leader = (tally.mean(who, "crps")[:, k] for who in (name, f"{tier} best"))
    loss, behind_leader = (ours[best > 0] / theirs[best > 0] for theirs in (best, leader))
    sums = tally.sums[name]
    return [
        *(f"{_wins(tally, name, other, k):.1%}" for other in (LAST, AR8, f"{tier} experts")),
        f"{loss.max() - 1:+.0%}",
        *(f"{(lost > ALLOWED_LOSS).mean():.1%}" for lost in (loss, behind_leader)),
        f"{np.nanmedian(tally.mean(name, 'covered')[:, k]):.3f}",
        f"{sums.covered[:, k].sum() / sums.count[:, k].sum():.3f}",
    ]


def _wins(tally: Tally, name: str, other: str, k: int) -> float:
    """The share of series on which one is better, every source counted equally."""
    ratio = tally.ratio(name, other)[:, k]
    return float(np.mean([np.mean(ratio[tally.batch.of_source(source)] < 1) for source in tally.batch.sources]))


def _equally(tally: Tally, name: str, other: str, k: int) -> str:
    """Median / geometric mean of the ratio, every source counted equally."""
    if other not in tally.sums:
        return ""
    ratio = tally.ratio(name, other)[:, k]
    figures = [median_and_mean(ratio[tally.batch.of_source(source)]) for source in tally.batch.sources]
    return " / ".join(f"{figure:.3f}" for figure in np.mean(figures, axis=0))
