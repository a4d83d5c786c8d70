"""That the accuracy benchmark runs on small archives of the real ones' form, and writes its section alone."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from accuracy.data import SETS, read, spans

ROOT = Path(__file__).resolve().parents[1].parent
READINGS = 50


def archive(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)


def walk(channels: int, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.cumsum(np.random.default_rng(seed).standard_normal((READINGS, channels)), axis=0).astype(np.float32)


def trained(channels: int) -> bytes:
    label = np.zeros(READINGS, dtype=np.int8)
    label[20:24] = label[40:] = 1
    file = io.BytesIO()
    np.savez(file, train=walk(channels, 1), test=walk(channels, 2), label=label)
    return file.getvalue()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One or two files of each set; a file of nab has no event."""
    folder = tmp_path_factory.mktemp("data")
    times = [f"2024-01-0{1 + n // 24} {n % 24:02}:00:00" for n in range(READINGS)]
    rows = "\n".join(["timestamp,value", *(f"{at},{value[0]}" for at, value in zip(times, walk(1, 3), strict=True))])
    windows = {"a/one.csv": [[f"{times[30]}.000000", f"{times[33]}.000000"]], "a/quiet.csv": []}
    labels = {"labels/combined_windows.json": json.dumps(windows).encode()}
    archive(folder / "nab.zip", {f"data/{name}": rows.encode() for name in windows} | labels)
    rows = "\n".join([",value,is_anomaly,is_ignored", *(f"{n},{n % 7},{int(n == 9)},1" for n in range(READINGS))])
    archive(folder / "mgab.zip", {"1.csv": rows.encode(), "README.md": b""})
    archive(folder / "servers.zip", {"servers/omi-1.npz": trained(2), "servers/machine-1-6.npz": trained(3)})
    archive(folder / "spacecraft.zip", {"smap/E-4.npz": trained(2), "smap/M-1.npz": trained(4)})
    return folder


def bench(data: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, f"{ROOT}/benchmarks/bench_accuracy.py", "--data", str(data), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_set_is_read_with_its_labels_and_what_is_streamed_first(data: Path) -> None:
    files = {source: read(data, source) for source in SETS}

    assert {source: [file.name for file in own] for source, own in files.items()} == {
        "nab": ["a/one.csv", "a/quiet.csv"],
        "asd": ["omi-1"],
        "smd": ["machine-1-6"],
        "smap-msl": ["E-4", "M-1"],
        "mgab": ["1"],
    }
    assert spans(files["nab"][0].labels) == [(30, 34)]
    assert spans(files["mgab"][0].labels) == [(9, 10)]
    assert spans(files["asd"][0].labels) == [(20, 24), (40, 50)]
    np.testing.assert_array_equal(files["smd"][0].values, np.concatenate((walk(3, 1), walk(3, 2))))
    np.testing.assert_array_equal(files["smd"][0].scored, walk(3, 2))


def test_the_halves_are_of_one_size_and_the_same_whenever_they_are_drawn(data: Path) -> None:
    halves = [[file.half for file in read(data, "nab")] for _ in range(2)]

    assert halves[0] == halves[1]
    assert sorted(halves[0]) == ["A", "B"]


def test_the_section_has_every_score_on_every_set_and_nothing_else_is_touched(data: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- accuracy: begin -->\nstale\n<!-- accuracy: end -->\nbelow\n")

    done = bench(data, "--markdown", str(page), "--part", "baselines", "--part", "contenders")

    assert done.returncode == 0, done.stderr
    text = page.read_text()
    assert text.startswith("above\n<!-- accuracy: begin -->\n")
    assert text.endswith("<!-- accuracy: end -->\nbelow\n")
    assert "stale" not in text
    for row in ("streamer: novelty", "recurrent, zeroed each batch: residual", "clock", "level beyond its record"):
        assert f"| {row} " in text
    assert "compact tier, cell gru" in text


def test_one_half_of_one_set_by_one_detector_is_measured_alone(data: Path) -> None:
    done = bench(data, "--only", "smap-msl", "--half", "A", "--part", "contenders", "--entrant", "streamer")

    assert done.returncode == 0, done.stderr
    assert "on 1 files of smap-msl" in done.stderr
    assert "clock" not in done.stdout


def test_the_cell_of_the_network_can_be_chosen(data: Path) -> None:
    gru, lstm = (
        bench(data, "--only", "nab", "--part", "contenders", "--entrant", "streamer", "--cell", cell).stdout
        for cell in ("gru", "lstm")
    )

    assert "cell lstm" in lstm
    score = "| streamer: anomaly score "
    assert [line for line in gru.splitlines() if score in line] != [line for line in lstm.splitlines() if score in line]


def test_a_page_without_the_section_is_refused_before_anything_is_measured(data: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n")

    done = bench(data, "--markdown", str(page))

    assert done.returncode == 2
    assert "accuracy: begin" in done.stderr
