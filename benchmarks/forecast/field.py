"""Everybody who forecasts: baselines, the experts of both tiers, and the artifacts that entered."""

import sys
from collections.abc import Iterator, Sequence

from forecast.baselines import BASELINES, Baselines
from forecast.batch import Batch
from forecast.contenders import Said, experts
from forecast.entrants import Entrant
from forecast.scores import Tally
from models.experts.bank import Tier


def everybody(
    batch: Batch, horizons: tuple[int, ...], entrants: Sequence[Entrant], variants: bool = False
) -> Iterator[Said]:
    """What each says of a batch, one after the other; with variants, what forgetting costs the artifacts too."""
    yield Baselines.of(batch, horizons).say()
    for tier in tiers(entrants):
        yield experts(batch, horizons, tier)
    for entrant in entrants:
        print(f"{entrant.name} on {len(batch.series)} series …", file=sys.stderr, flush=True)
        yield entrant.trained(horizons).say(batch)
        if variants:
            yield entrant.without_memory(horizons).say(batch)
            yield entrant.without_past(horizons).say(batch)


def tiers(entrants: Sequence[Entrant]) -> list[Tier]:
    """The tiers of some entrants; who has no experts is compared with the compact ones."""
    named = {entrant.tier or str(Tier.COMPACT) for entrant in entrants}
    return [tier for tier in Tier if str(tier) in named]


def score_all(tally: Tally, entrants: Sequence[Entrant], variants: bool = False) -> Tally:
    """Everybody's scores."""
    for said in everybody(tally.batch, tally.horizons, entrants, variants):
        for name, first, forecast in said:
            tally.add(name, first, forecast)
    return tally


def shown(tally: Tally, entrants: Sequence[Entrant], k: int = 0) -> list[str]:
    """Whom a table shows at a horizon: baselines, then tier by tier, then who has no tier; not every expert alone."""
    names = list(BASELINES)
    for tier in tiers(entrants):
        names += [f"{tier} best", f"{tier} experts", *(entrant.name for entrant in entrants if entrant.tier == tier)]
    names += [entrant.name for entrant in entrants if not entrant.tier]
    return [name for name in names if is_known(tally, name, k)]


def is_known(tally: Tally, name: str, k: int) -> bool:
    """Whether somebody forecast at a horizon at all."""
    return bool(tally.sums[name].count[:, k].any())
