"""The demo's data as JSON lines: real series that ship with packages, and synthetic ones that say so."""

import csv
import gzip
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import orjson
from river import datasets
from river.drift import datasets as drift_datasets

from connectors.errors import ConfigError
from streamer.demo.synthetic import Fleet

Row = dict[str, Any]
STATIONS = {"seattle": "seattle-temps.csv", "san-francisco": "sf-temps.csv"}
STANDARD_TIME = timezone(timedelta(hours=-8))
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


def weather() -> Iterator[Row]:
    """Temperatures of Seattle and San Francisco as they usually are, Fahrenheit, hourly, for the days of 2010.

    The files have the local standard time, and no hour where summer time begins.
    """
    cities = {city: _temperatures(file) for city, file in STATIONS.items()}
    for rows in zip(*cities.values(), strict=True):
        for city, (time, degrees) in zip(cities, rows, strict=True):
            yield _row(city, time, temperature=degrees)


def _temperatures(file: str) -> list[tuple[datetime, float]]:
    package = find_spec("vega_datasets")
    if package is None or not package.submodule_search_locations:
        raise ConfigError(f"{file}: Expected the package vega_datasets, which holds it, got none")
    with (Path(package.submodule_search_locations[0]) / "_data" / file).open(encoding="utf-8") as lines:
        return [
            (datetime.strptime(row["date"][:16], "%Y/%m/%d %H:%M").replace(tzinfo=STANDARD_TIME), float(row["temp"]))
            for row in csv.DictReader(lines)
        ]


REAL: dict[str, Callable[[], Iterator[Row]]] = {
    "water-flow": water_flow,
    "occupancy": occupancy,
    "stocks": stocks,
    "prices-apple": apple,
    "prices-brent": brent,
    "prices-bitcoin": bitcoin,
    "passengers": passengers,
}  # by topic
OFFERED = {**REAL, "weather": weather}  # to other configurations than the demo's own


def write(directory: Path, fleet: Fleet, ticks: int) -> None:
    """Write every set that is always there as ``<topic>.jsonl``, and as many ticks of the synthetic fleet."""
    for topic in REAL:
        write_set(directory, topic)
    _write(directory / "synthetic.jsonl", (row for tick in range(ticks) for row in fleet.rows(tick)))


def write_set(directory: Path, topic: str) -> Path:
    """Write one of the sets `OFFERED`. -> the file.

    Raises:
        ConfigError: it comes with a package that is not installed.
    """
    return _write(directory / f"{topic}.jsonl", map(orjson.dumps, OFFERED[topic]()))


def _write(path: Path, lines: Iterable[bytes]) -> Path:
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in lines)
    return path


def _row(series: str, time: datetime, **values: float) -> Row:
    return {"series": series, "time": time, **values}
