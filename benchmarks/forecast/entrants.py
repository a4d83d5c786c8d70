"""The artifacts that enter the comparison, and the variants that say what a part of them is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forecast.contenders import Trained
from models.artifact import load
from models.forecasters import Forecaster, Kind
from models.forecasters.combiner import Combiner
from models.forecasters.recurrent import RecurrentForecaster


@dataclass(frozen=True, slots=True)
class Entrant:
    """An artifact under a short name."""

    name: str  # TIER CELL, or the cell alone where there are no experts
    tier: str  # "" where there are no experts
    forecaster: Forecaster

    def trained(self, horizons: tuple[int, ...]) -> Trained:
        """It at these horizons, or at the first one alone if it knows no other."""
        return Trained(self.name, self._at(horizons))

    def without_memory(self, horizons: tuple[int, ...]) -> Trained:
        """The same with its recurrent state zeroed again and again; its experts remember."""
        forecaster = self._at(horizons)
        cell = forecaster.network.cell if isinstance(forecaster, Combiner) and forecaster.network else None
        cell = forecaster.cell if isinstance(forecaster, RecurrentForecaster) else cell
        return Trained(f"{self.name}, cell zeroed", forecaster, tuple(cell.state_shapes) if cell else ())

    def without_past(self, horizons: tuple[int, ...]) -> Trained:
        """The same with all that it remembers zeroed again and again, but for scale and level."""
        forecaster = self._at(horizons)
        return Trained(f"{self.name}, all zeroed", forecaster, tuple(column.name for column in forecaster.columns(1)))

    def _at(self, horizons: tuple[int, ...]) -> Forecaster:
        return self.forecaster.at((1,) if isinstance(self.forecaster, RecurrentForecaster) else horizons)


def entrants(paths: Sequence[Path]) -> list[Entrant]:
    """Read the artifacts with a network, for what has none is there without; their files tell two of one name apart."""
    found: list[Entrant] = []
    for path in paths:
        artifact = load(path)
        spec = artifact.spec
        if not spec.cell:
            continue
        tier = "" if spec.forecaster == Kind.RECURRENT.value else str(spec.tier)
        name = f"{tier} {spec.cell}".strip()
        if name in {entrant.name for entrant in found}:
            name = f"{name} {path.stem}"
        found.append(Entrant(name, tier, artifact.forecaster))
    return found
