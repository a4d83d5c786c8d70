"""The comparison on real series: who forecasts how well, what each part is worth, and what is promised."""

import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import results_page

from forecast.baselines import AR8, EWMA, LAST, SEASONAL, Baselines
from forecast.batch import Batch, Float64, Series
from forecast.contenders import Said, experts
from forecast.entrants import Entrant
from forecast.scores import Tally, median_and_mean
from models.experts.bank import Tier

HORIZONS = (1, 12, 24)
ALLOWED_LOSS = 1.1  # of a series, over its best expert
BASELINES = (LAST, SEASONAL, EWMA, AR8)


def compared(series: Sequence[Series], entrants: Sequence[Entrant], variants: bool) -> Tally:
    """Everybody's scores on all series; with variants, what forgetting costs too."""
    tally = Tally(Batch.of(series), HORIZONS)
    for said in _everybody(tally.batch, entrants, variants):
        for name, first, forecast in said:
            tally.add(name, first, forecast)
    return tally


def _everybody(batch: Batch, entrants: Sequence[Entrant], variants: bool) -> Iterator[Said]:
    yield Baselines.of(batch, HORIZONS).say()
    for tier in Tier:
        yield experts(batch, HORIZONS, tier)
    for entrant in entrants:
        print(f"{entrant.name} …", file=sys.stderr, flush=True)
        yield entrant.trained(HORIZONS).say(batch)
        if variants:
            yield entrant.without_memory(HORIZONS).say(batch)
            yield entrant.without_past(HORIZONS).say(batch)


def crps_tables(tally: Tally, entrants: Sequence[Entrant]) -> list[str]:
    """CRPS over the last value's at each horizon; a row for each source, and one for all of them equally."""
    lines: list[str] = []
    for k, horizon in enumerate(tally.horizons):
        ratios = {name: tally.ratio(name, LAST)[:, k] for name in _columns(tally, entrants, k)}
        lines += ["", f"h = {horizon}: CRPS as a ratio to the last value's, median / geometric mean over series:", ""]
        lines += _by_source(tally, ratios, median_and_mean)
    return lines


def mase_tables(tally: Tally, entrants: Sequence[Entrant]) -> list[str]:
    """Mean absolute errors over that of the last value one step ahead, likewise."""
    lines: list[str] = []
    step = tally.mean(LAST, "absolute")[:, 0]
    for k, horizon in enumerate(tally.horizons):
        names = [LAST, *_columns(tally, entrants, k)]
        ratios = {name: tally.mean(name, "absolute")[:, k] / np.where(step > 0, step, np.nan) for name in names}
        lines += ["", f"h = {horizon}: MASE, median over series:", ""]
        lines += _by_source(tally, ratios, lambda ratio: median_and_mean(ratio)[:1])
    return lines


def promise_table(tally: Tally, entrants: Sequence[Entrant]) -> list[str]:
    """The shares of series on which a forecaster wins, its worst losses, and how often its band holds."""
    header = ["forecaster", "h", "beats last value", "beats AR(8)", "beats experts", "worst loss to best expert"]
    header += ["loses over 10 %", "90 % band covers: median", "all readings"]
    rows = []
    for name, tier in [*((f"{tier} experts", tier) for tier in Tier), *((e.name, e.tier) for e in entrants)]:
        for k, horizon in enumerate(tally.horizons):
            if _is_known(tally, name, k):
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
            if _is_known(tally, entrant.name, k):
                rows.append(
                    [entrant.name, str(horizon), *(_equally(tally, entrant.name, other, k) for other in others)]
                )
    return results_page.table(header, rows)


def counts(tally: Tally) -> str:
    """How much was scored."""
    of_source = (f"{source} {len(tally.batch.of_source(source))}" for source in tally.batch.sources)
    return f"{len(tally.batch.series)} series ({', '.join(of_source)}), {tally.batch.lengths.sum():,} readings"


def _columns(tally: Tally, entrants: Sequence[Entrant], k: int) -> list[str]:
    """Whom a table shows beside the last value: baselines, then tier by tier, then who has no tier."""
    names = list(BASELINES[1:])
    for tier in Tier:
        names += [f"{tier} best", f"{tier} experts", *(entrant.name for entrant in entrants if entrant.tier == tier)]
    names += [entrant.name for entrant in entrants if not entrant.tier]
    return [name for name in names if _is_known(tally, name, k)]


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
    ours = tally.mean(name, "crps")[:, k]
    loss = ours[best > 0] / best[best > 0]
    sums = tally.sums[name]
    return [
        *(f"{_wins(tally, name, other, k):.1%}" for other in (LAST, AR8, f"{tier} experts")),
        f"{loss.max() - 1:+.0%}",
        f"{(loss > ALLOWED_LOSS).mean():.1%}",
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


def _is_known(tally: Tally, name: str, k: int) -> bool:
    return bool(tally.sums[name].count[:, k].any())
