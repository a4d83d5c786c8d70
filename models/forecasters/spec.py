"""What must be known of a forecaster before its weights fit."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from models.cells import CELLS
from models.experts.bank import Bank, Tier
from models.forecasters.combiner import Combiner, feature_count
from models.forecasters.ewma import Ewma
from models.forecasters.forecaster import Forecaster
from models.forecasters.half_space_trees import HalfSpaceTrees
from models.forecasters.network import Network
from models.forecasters.recurrent import RecurrentForecaster
from models.forecasters.seasonal_quantile import SeasonalQuantile


class Kind(StrEnum):
    """The kinds of forecaster."""

    COMBINER = "combiner"  # online experts, weighed and corrected by a recurrent network
    RECURRENT = "recurrent"  # a cell and a head alone
    EXPERTS = "experts"  # online experts alone
    EWMA = "ewma"  # the baselines: a control chart,
    SEASONAL_QUANTILE = "seasonal_quantile"  # quantiles by the hour of the day,
    HALF_SPACE_TREES = "half_space_trees"  # and counts in random partitions

    @property
    def has_network(self) -> bool:
        """Whether there is a cell in it, and something to train."""
        return self in {Kind.COMBINER, Kind.RECURRENT}

    @property
    def has_experts(self) -> bool:
        """Whether there is a bank of experts in it, and so a choice of tier and horizons."""
        return self in {Kind.COMBINER, Kind.EXPERTS}


BASELINES: dict[str, Callable[[], Forecaster]] = {
    Kind.EWMA.value: Ewma,
    Kind.SEASONAL_QUANTILE.value: SeasonalQuantile,
    Kind.HALF_SPACE_TREES.value: HalfSpaceTrees,
}


@dataclass(frozen=True, slots=True)
class Spec:
    """What must be built before the weights fit."""

    cell: str  # "" where there is no network
    hidden: int
    forecaster: str = Kind.RECURRENT.value
    tier: str = Tier.COMPACT.value
    joint: int | None = None  # the number of channels that share one hidden state; None: every channel has its own

    def __post_init__(self) -> None:
        kinds, tiers = [kind.value for kind in Kind], [tier.value for tier in Tier]
        if self.forecaster not in kinds:
            raise ValueError(f"forecaster: Expected one of {kinds}, got {self.forecaster!r}")
        if self.tier not in tiers:
            raise ValueError(f"tier: Expected one of {tiers}, got {self.tier!r}")
        if self.kind.has_network and self.cell not in CELLS:
            raise ValueError(f"cell: Expected one of {sorted(CELLS)}, got {self.cell!r}")
        if self.joint is not None and self.forecaster != Kind.COMBINER.value:
            raise ValueError(f"joint: Expected a combiner where channels share a state, got {self.forecaster!r}")

    @property
    def kind(self) -> Kind:
        """What it is a spec of."""
        return Kind(self.forecaster)


def build(spec: Spec) -> Forecaster:
    """The forecaster of a spec, its weights drawn at random, at horizon 1 alone."""
    if spec.forecaster in BASELINES:
        return BASELINES[spec.forecaster]()
    if spec.kind is Kind.RECURRENT:
        return RecurrentForecaster(spec.cell, spec.hidden)
    bank = Bank(Tier(spec.tier), (1,))
    if spec.kind is Kind.EXPERTS:
        return Combiner(bank, None)
    experts = len(bank.experts)
    network = Network(spec.cell, spec.hidden, feature_count(experts), experts, spec.joint)
    return Combiner(bank, network)
