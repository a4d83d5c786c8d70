"""The real series: read where they lie, from a folder of archives and from packages that bring data along."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from vega_datasets import local_data

from forecast.batch import Float64, Series
from streamer.demo.data import apple, bitcoin, brent, stocks

DAY_SECONDS, SHORTEST = 86_400.0, 100  # readings
TRADING_WEEK, HOUR_OF_MINUTES = 5, 60  # readings: periods of what has no day
SERVER_CADENCES = {"omi": 300.0, "machine": 60.0}  # seconds; the archives hold no times
SPACECRAFT_CADENCE = 60.0


def real_series(data: Path) -> list[Series]:
    """Every series of the five sources that moves at all, unseen in any training."""
    readers = (_nab, _etth2, _vix, _servers, _spacecraft)
    return [one for read in readers for one in read(data) if len(one.values) >= SHORTEST and np.ptp(one.values) > 0]


def temperatures() -> list[Series]:
    """Hourly temperatures of two cities over a year, in degrees Fahrenheit."""
    files = {"Seattle": local_data.seattle_temps.filepath, "San Francisco": local_data.sf_temps.filepath}
    return [
        timed("weather", name, ((row["date"], row["temp"]) for row in _rows(Path(path).read_text(encoding="utf-8"))))
        for name, path in files.items()
    ]


def returns() -> list[Series]:
    """Daily returns of ten stocks, in percent."""
    rows = list(stocks())
    names = [name for name in rows[0] if name.isupper()]
    return [timed("returns", name, ((str(row["time"]), row[name]) for row in rows)) for name in names]


def prices() -> list[Series]:
    """Prices of a share and of oil by the day, of a coin by every third day."""
    sets = {"Apple": apple, "Brent crude": brent, "Bitcoin": bitcoin}
    return [timed("prices", name, ((str(row["time"]), row["price"]) for row in rows())) for name, rows in sets.items()]


def timed(source: str, name: str, readings: Iterable[tuple[str, str | float]], season: int | None = None) -> Series:
    """A series of ISO times and values. What is not later than the reading before is left out, as the daemon does."""
    moments, values = zip(*readings, strict=True)
    seconds = np.array([datetime.fromisoformat(at.replace("/", "-")).replace(tzinfo=UTC).timestamp() for at in moments])
    is_later = seconds > np.maximum.accumulate(np.concatenate(([-np.inf], seconds[:-1])))
    return _series(source, name, np.array(values, dtype=np.float64)[is_later], seconds[is_later], season)


def _series(source: str, name: str, values: Float64, seconds: Float64, season: int | None) -> Series:
    """With the readings of a day as its period, or those of a trading week where a day has one reading or less."""
    interval = float(np.median(np.diff(seconds)))
    natural = TRADING_WEEK if interval >= DAY_SECONDS else round(DAY_SECONDS / interval)
    return Series(source, name, values, seconds, season or natural)


def _nab(data: Path) -> Iterator[Series]:
    for name, text in _members(data / "nab.zip", ".csv"):
        yield timed("nab", name, ((row["timestamp"], row["value"]) for row in _rows(text.decode())))


def _etth2(data: Path) -> Iterator[Series]:
    ((_, text),) = _members(data / "etth2.zip", ".csv")
    rows = _rows(text.decode())
    for name in list(rows[0])[1:]:
        yield timed("etth2", name, ((row["date"], row[name]) for row in rows))


def _vix(data: Path) -> Iterator[Series]:
    rows = _rows((data / "vix-daily.csv").read_text(encoding="utf-8"))
    yield timed("vix", "close", ((row["DATE"], row["CLOSE"]) for row in rows))


def _servers(data: Path) -> Iterator[Series]:
    """The train parts, channel by channel."""
    for name, content in _members(data / "servers.zip", ".npz"):
        train = np.load(io.BytesIO(content))["train"].astype(np.float64)
        cadence = SERVER_CADENCES[name.partition("-")[0]]
        for channel, values in enumerate(train.T):
            yield _series("servers", f"{name}.{channel}", values, cadence * np.arange(float(len(values))), None)


def _spacecraft(data: Path) -> Iterator[Series]:
    """The telemetry of the train parts; the other channels are commands."""
    for name, content in _members(data / "spacecraft.zip", ".npz"):
        values = np.load(io.BytesIO(content))["train"][:, 0].astype(np.float64)
        yield _series("spacecraft", name, values, SPACECRAFT_CADENCE * np.arange(float(len(values))), HOUR_OF_MINUTES)


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _members(archive: Path, ending: str) -> Iterator[tuple[str, bytes]]:
    """The files of an archive by the stem of their name."""
    with zipfile.ZipFile(archive) as files:
        for path in sorted(name for name in files.namelist() if name.endswith(ending)):
            yield Path(path).stem, files.read(path)


def a_tenth(series: Sequence[Series], rng: np.random.Generator) -> list[Series]:
    """A tenth of every source's series, three at least where there are as many."""
    chosen: list[Series] = []
    for source in sorted({one.source for one in series}):
        mine = [one for one in series if one.source == source]
        kept = rng.permutation(len(mine))[: max(3, -(-len(mine) // 10))]
        chosen += [mine[i] for i in sorted(kept.tolist())]
    return chosen
