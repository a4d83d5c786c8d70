"""That the forecast benchmark runs on small archives of the real ones' form, and writes its section alone."""

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from forecast.sources import a_tenth, prices, real_series, returns, temperatures, timed

from models.artifact import shipped

ROOT = Path(__file__).resolve().parents[2]


def walk(length: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.cumsum(np.random.default_rng(seed).standard_normal(length))


def archive(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)


def arrays(train: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> bytes:
    file = io.BytesIO()
    np.savez(file, train=train.astype(np.float32), test=train.astype(np.float32))
    return file.getvalue()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Archives with a few series of each source, one of which never moves."""
    folder = tmp_path_factory.mktemp("data")
    days = [f"2024-01-{1 + n // 24:02} {n % 24:02}:00:00" for n in range(160)]
    nab = "\n".join(["timestamp,value", *(f"{day},{value}" for day, value in zip(days, walk(160, 0), strict=True))])
    archive(folder / "nab.zip", {"data/realTweets/a.csv": nab.encode(), "labels/b.json": b"{}"})
    rows = [f"{day},{a},{b}" for day, a, b in zip(days, walk(160, 1), walk(160, 2), strict=True)]
    archive(folder / "etth2.zip", {"ETTh2.csv": "\n".join(["date,HUFL,OT", *rows]).encode()})
    vix = [f"{np.datetime64('2024-01-01') + n},1,1,1,{value}" for n, value in enumerate(walk(160, 3))]
    (folder / "vix-daily.csv").write_text("\n".join(["DATE,OPEN,HIGH,LOW,CLOSE", *vix]))
    channels = np.column_stack((walk(160, 4), np.full(160, 0.5)))
    archive(
        folder / "servers.zip", {"servers/omi-1.npz": arrays(channels), "servers/machine-1-6.npz": arrays(channels)}
    )
    archive(folder / "spacecraft.zip", {"smap_msl_dev/E-4.npz": arrays(np.column_stack((walk(160, 5), walk(160, 6))))})
    return folder


def bench(data: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, f"{ROOT}/benchmarks/bench_forecast.py", "--data", str(data), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_source_is_read_with_its_cadence_and_what_never_moves_is_left_out(data: Path) -> None:
    series = {f"{one.source}/{one.name}": one for one in real_series(data)}

    assert set(series) == {
        "nab/a",
        "etth2/HUFL",
        "etth2/OT",
        "vix/close",
        "servers/omi-1.0",
        "servers/machine-1-6.0",
        "spacecraft/E-4",
    }
    assert [series[name].season for name in ("nab/a", "vix/close", "servers/omi-1.0", "spacecraft/E-4")] == [
        24,
        5,
        288,
        60,
    ]
    np.testing.assert_allclose(series["spacecraft/E-4"].values, walk(160, 5), rtol=1e-6)


def test_readings_that_are_not_later_than_the_one_before_are_left_out() -> None:
    moments = ["2024/01/01 00:00", "2024/01/01 02:00", "2024/01/01 01:00", "2024/01/01 02:00", "2024/01/01 03:00"]

    series = timed("some", "one", zip(moments, range(5), strict=True))

    assert series.values.tolist() == [0, 1, 4]
    assert np.diff(series.seconds).tolist() == [7200, 3600]


def test_the_packages_bring_temperatures_returns_and_prices() -> None:
    assert [len(one.values) for one in temperatures()] == [8759, 8759]
    assert [one.season for one in temperatures()] == [24, 24]
    assert len(returns()) == 10
    assert [one.name for one in prices()] == ["Apple", "Brent crude", "Bitcoin"]


def test_a_tenth_is_seeded_and_has_three_of_each_source_where_there_are_three(data: Path) -> None:
    series = [one for _ in range(20) for one in real_series(data)]

    first, again = (a_tenth(series, np.random.default_rng(1)) for _ in range(2))

    assert [one.name for one in first] == [one.name for one in again]
    assert {source: sum(one.source == source for one in first) for source in ("nab", "etth2", "servers")} == {
        "nab": 3,
        "etth2": 4,
        "servers": 4,
    }


@pytest.mark.slow
def test_the_skill_is_measured_and_the_section_alone_is_written(data: Path, tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"
    results.write_text("before\n<!-- forecast: begin -->\nold\n<!-- forecast: end -->\nafter\n")

    artifacts = [option for name in ("gru", "gru-recurrent") for option in ("--artifact", str(shipped(name)))]

    done = bench(data, "--part", "skill", *artifacts, "--markdown", str(results))

    assert done.returncode == 0, done.stderr
    before, section, after = re.split("<!-- forecast: (?:begin|end) -->", results.read_text())
    assert (before, after) == ("before\n", "\nafter\n")
    assert done.stdout.strip() in section
    for source in ("etth2", "nab", "servers", "spacecraft", "vix", "all equally"):
        assert len(re.findall(rf"^\| {source} ", section, re.MULTILINE)) == 6  # three horizons, CRPS and MASE
    assert len(re.findall(r"^\| compact experts ", section, re.MULTILINE)) == 3
    assert len(re.findall(r"^\| compact gru +\| +(?:1|12|24) \|", section, re.MULTILINE)) == 6  # promises, and worth
    assert (
        len(re.findall(r"^\| gru +\| +(?:1|12|24) \|", section, re.MULTILINE)) == 2
    )  # which knows the next reading alone
    assert "nan" not in section


def test_a_section_that_is_not_there_is_told_at_once(data: Path, tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"
    results.write_text("nothing\n")

    done = bench(data, "--markdown", str(results))

    assert done.returncode == 2
    assert "expected the lines '<!-- forecast: begin -->'" in done.stderr
