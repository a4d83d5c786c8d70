"""What must be known of a forecaster before its weights fit."""

from dataclasses import dataclass
from enum import StrEnum

from models.cells import CELLS
from models.experts.bank import Bank, Tier
from models.forecasters.combiner import Combiner, feature_count
from models.forecasters.forecaster import Forecaster
from models.forecasters.network import Network
from models.forecasters.recurrent import RecurrentForecaster


class Kind(StrEnum):
    """The kinds of forecaster."""

    COMBINER = "combiner"  # online experts, weighed and corrected by a recurrent network
    RECURRENT = "recurrent"  # a cell and a head alone
    EXPERTS = "experts"  # online experts alone


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
        if self.forecaster != Kind.EXPERTS.value and self.cell not in CELLS:
            raise ValueError(f"cell: Expected one of {sorted(CELLS)}, got {self.cell!r}")
        if self.joint is not None and self.forecaster != Kind.COMBINER.value:
            raise ValueError(f"joint: Expected a combiner where channels share a state, got {self.forecaster!r}")


def build(spec: Spec) -> Forecaster:
    """The forecaster of a spec, its weights drawn at random, at horizon 1 alone."""
    if spec.forecaster == Kind.RECURRENT.value:
        return RecurrentForecaster(spec.cell, spec.hidden)
    bank = Bank(Tier(spec.tier), (1,))
    if spec.forecaster == Kind.EXPERTS.value:
        return Combiner(bank, None)
    experts = len(bank.experts)
    network = Network(spec.cell, spec.hidden, feature_count(experts), experts, spec.joint)
    return Combiner(bank, network)
