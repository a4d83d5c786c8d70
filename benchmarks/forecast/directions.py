"""Will the next day rise? Stocks, oil and a coin, against the more frequent answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import results_page

from forecast.baselines import LAST
from forecast.batch import Batch, Float64, Series
from forecast.entrants import Entrant
from forecast.field import everybody
from forecast.scores import Forecast
from forecast.sources import prices, returns
from models.experts.bank import Tier

WARM_UP = 64  # readings that are not counted


@dataclass(frozen=True)
class Directions:
    """How often each forecaster was right about rise and fall."""

    batch: Batch
    from_zero: bool  # whether the values are changes themselves
    tables: dict[str, Float64] = field(
        default_factory=dict
    )  # name: (B, 2, 2) counts: fall, rise as forecast; as it came

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
    """Accuracy and Matthews' correlation of the next day's direction; returns are summed over ten stocks."""
    rows: list[list[str]] = []
    for series, from_zero in ((returns(), True), *(([one], False) for one in prices())):
        directions = counted(series, from_zero, entrants)
        label = "ten stocks" if from_zero else series[0].name
        names = ["AR(8)", *(f"{tier} experts" for tier in Tier), *(entrant.name for entrant in entrants)]
        tables = {name: directions.tables[name].sum(axis=0) for name in names}
        came = tables[names[0]].sum(axis=0)
        days = came.sum()
        cells = (f"{np.trace(table) / days:.3f} / {matthews(table):+.3f}" for table in tables.values())
        rows.append([label, f"{days:,.0f}", f"{0.5 / np.sqrt(days):.3f}", f"{came.max() / days:.3f}", *cells])
    return results_page.table(["series", "days", "one sigma", "majority", *names], rows)


def counted(series: Sequence[Series], from_zero: bool, entrants: Sequence[Entrant]) -> Directions:
    """Everybody's directions on some series."""
    directions = Directions(Batch.of(series), from_zero)
    for said in everybody(directions.batch, (1,), entrants):
        for name, first, forecast in said:
            if name != LAST:
                directions.add(name, first, forecast)
    return directions


def matthews(table: Float64) -> float:
    """Matthews' correlation coefficient, 0 where one answer was never given. table: (2, 2)."""
    (a, b), (c, d) = table
    scale = np.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    return float((a * d - b * c) / scale) if scale > 0 else 0.0
