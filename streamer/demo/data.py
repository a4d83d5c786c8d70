"""The demo's data as JSON lines: real series that ship with river, and synthetic ones that say so."""

import csv
import gzip
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import orjson
from river import datasets
from river.drift import datasets as drift_datasets

from streamer.demo.synthetic import Fleet

Row = dict[str, Any]
OCCUPANCY = {"V1": "temperature", "V2": "humidity", "V3": "light", "V4": "co2"}


def water_flow() -> Iterator[Row]:
    """Flow through a branch of a pipeline, litres a second, hourly, March to May 2022."""
    for x, flow in datasets.WaterFlow():
        yield _row("pipeline", x["Time"], flow=flow)


def occupancy() -> Iterator[Row]:
    """Temperature, humidity, light and CO2 of an office, every 16 minutes, February 2015."""
    for x, channels in drift_datasets.Occupancy():
        yield _row("office", x["time"], **{name: channels[column] for column, name in OCCUPANCY.items()})


def stocks() -> Iterator[Row]:
    """Daily returns of ten stocks in percent, February 2013 to February 2018. River leaves the dates out."""
    with gzip.open(datasets.SP500Stocks().path) as packed:
        for row in csv.DictReader(TextIOWrapper(packed, encoding="utf-8")):
            day = datetime.fromisoformat(row.pop("date"))
            yield _row("portfolio", day, **{name: float(cell) for name, cell in row.items() if name.isupper()})


def apple() -> Iterator[Row]:
    """Price of a share of Apple, daily, 1996 to 2004."""
    for x, quote in drift_datasets.Apple():
        yield _row("apple", x["Date"], price=quote["Close"])


def brent() -> Iterator[Row]:
    """Price of a barrel of Brent crude, daily, 1987 to 2019."""
    for x, price in drift_datasets.BrentSpotPrice():
        yield _row("brent", x["day"], price=price)


def bitcoin() -> Iterator[Row]:
    """Price of a bitcoin, every third day, 2013 to 2019."""
    for x, price in drift_datasets.Bitcoin():
        yield _row("bitcoin", x["date"], price=price)


def passengers() -> Iterator[Row]:
    """Passengers of an airline, thousands a month, 1949 to 1960."""
    for x, count in datasets.AirlinePassengers():
        yield _row("airline", x["month"], passengers=count)


REAL: dict[str, Callable[[], Iterator[Row]]] = {
    "water-flow": water_flow,
    "occupancy": occupancy,
    "stocks": stocks,
    "apple": apple,
    "brent": brent,
    "bitcoin": bitcoin,
    "passengers": passengers,
}


def write(directory: Path, fleet: Fleet, ticks: int) -> None:
    """Write every set as ``<name>.jsonl``, and as many ticks of the synthetic fleet."""
    for name, rows in REAL.items():
        _write(directory / f"{name}.jsonl", map(orjson.dumps, rows()))
    _write(directory / "synthetic.jsonl", (row for tick in range(ticks) for row in fleet.rows(tick)))


def _write(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in lines)


def _row(series: str, time: datetime, **values: float) -> Row:
    return {"series": series, "time": time, **values}
