"""Data files are trained on and scored whatever the layout of the group's records is."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from connectors.replay import ReplayFile
from streamer.backtest.run import backtest
from streamer.config import parse
from streamer.training.options import DataFile, FilesData
from streamer.training.series import gather
from streamer.training.sources import opened
from tests.streamer.training.waves import config, rows, wave

LAYOUTS: dict[str, dict[str, Any]] = {
    "csv": {"type": "csv", "columns": ["time", "pump", "pressure"]},
    "csv, a channel a line": {
        "type": "csv", "columns": ["time", "pump", "what", "much"], "channel_field": "what", "value_field": "much",
        "other_channels": "ignore",
    },
    "json_array": {"type": "json_array"},
}  # fmt: skip
SUFFIXES = ("csv", "jsonl", "parquet")


def write_rows(path: Path, layout: str, suffix: str) -> None:
    """The readings of four pumps in a file, as a topic of this layout would have them."""
    made = [row for number in range(4) for row in rows(wave(f"pump-{number}", 64))]
    if "a channel a line" in layout:
        made = [{"time": row["time"], "pump": row["pump"], "what": "pressure", "much": row["pressure"]} for row in made]
        made += [row | {"what": "humidity", "much": 3.0} for row in made]
    if suffix == "jsonl":
        objects = [[row] for row in made] if layout == "json_array" else made
        path.write_text("".join(f"{json.dumps(row)}\n" for row in objects))
    elif suffix == "parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(made), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(made[0]))
            writer.writeheader()
            writer.writerows(made)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_are_read_whatever_the_layout_of_the_records(layout: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"pumps.{suffix}"
    write_rows(path, layout, suffix)
    raw = config(path)
    raw["groups"][0]["format"].update(LAYOUTS[layout])

    settings = parse(raw, "f.yaml")
    group, files = settings.groups[0], FilesData(files=[DataFile(path=str(path))])

    with opened(settings, group, files) as (source, decoder):
        found = gather(source, decoder, group.order)
    recorder = backtest(settings, [ReplayFile(path=str(path), topic="pumps")], lambda *_: None)

    assert (found.readings, sum(found.refused.values())) == (256, 0)
    assert (recorder.scored, recorder.rejected) == (256, 0)
