"""Will the next day rise? Stocks, oil and a coin, against the more frequent answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import results_page

from forecast.baselines import AR8
from forecast.batch import Batch, Float64, Series
from forecast.entrants import Entrant
from forecast.field import everybody, tiers
from forecast.scores import Forecast
from forecast.sources import prices, returns

WARM_UP = 64  # readings that are not counted


@dataclass(frozen=True)
class Directions:
    """How often each forecaster was right about rise and fall."""

    batch: Batch
    from_zero: bool  # whether the values are changes themselves
    tables: dict[str, Float64] = field(default_factory=dict)  # name: (B, 2, 2), fall and rise foreseen, and come

    def add(self, name: str, first: int, forecast: Forecast) -> None:
        """Count forecasts of the next reading. Days on which nothing moved are left out."""
        steps, rows, _ = forecast.location.shape
        steps = min(steps, len(self.batch.values) - first - 1)
        last = 0.0 if self.from_zero else self.batch.values[first : first + steps, :rows]
        came = self.batch.values[first + 1 : first + steps + 1, :rows] - last
        foreseen = forecast.location[:steps, :, 0] - last
        following = np.arange(first, first + steps)[:, None] + 1
        is_counted = (following < self.batch.lengths[:rows]) & (following >= WARM_UP) & (came != 0)
        t, b = np.nonzero(is_counted)
        table = self.tables.setdefault(name, np.zeros((len(self.batch.series), 2, 2)))
        np.add.at(table, (b, (foreseen[t, b] > 0).astype(int), (came[t, b] > 0).astype(int)), 1)


def direction_table(entrants: Sequence[Entrant]) -> list[str]:
    """Accuracy and Matthews' correlation of the next day's direction."""
    names = [AR8, *(f"{tier} experts" for tier in tiers(entrants)), *(entrant.name for entrant in entrants)]
    stocks, others = (
        counted(series, from_zero, entrants) for series, from_zero in ((returns(), True), (prices(), False))
    )
    rows = [["ten stocks", *_cells({name: stocks.tables[name].sum(axis=0) for name in names})]]
    for b, one in enumerate(others.batch.series):
        rows.append([one.name, *_cells({name: others.tables[name][b] for name in names})])
    return results_page.table(["series", "days", "one sigma", "majority", *names], rows)


def counted(series: Sequence[Series], from_zero: bool, entrants: Sequence[Entrant]) -> Directions:
    """Everybody's directions on some series."""
    directions = Directions(Batch.of(series), from_zero)
    for said in everybody(directions.batch, (1,), entrants):
        for name, first, forecast in said:
            directions.add(name, first, forecast)
    return directions


def _cells(tables: dict[str, Float64]) -> list[str]:
    """Days, the standard error of an accuracy if they were independent, the share of the more frequent direction."""
    came = next(iter(tables.values())).sum(axis=0)
    days = came.sum()
    scores = (f"{np.trace(table) / days:.3f} / {matthews(table):+.3f}" for table in tables.values())
    return [f"{days:,.0f}", f"{0.5 / np.sqrt(days):.3f}", f"{came.max() / days:.3f}", *scores]


def matthews(table: Float64) -> float:
    """Matthews' correlation coefficient, 0 where one answer was never given. table: (2, 2)."""
    (a, b), (c, d) = table
    scale = np.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    return float((a * d - b * c) / scale) if scale > 0 else 0.0
