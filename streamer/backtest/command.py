"""The command `backtest`: how well a configuration does on data files, with labels or without."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from streamer.arguments import ConfigPath, named

WIDE_COLUMNS = 200  # of a table that nobody sees on a screen


def backtest(
    config: ConfigPath,
    data: Annotated[Path, typer.Option(help="CSV with a header, JSON lines (each also .gz) or Parquet; or a folder.")],
    labels: Annotated[Path | None, typer.Option(help="Events: CSV with the columns series, start and end.")] = None,
    label_field: Annotated[str | None, typer.Option(help="Or the field of the data that is 1 in events.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page with a picture of each series, HTML.")] = None,
    key: Annotated[str | None, typer.Option(help="The key of every record: the series.")] = None,
    key_field: Annotated[str | None, typer.Option(help="The field whose value is a record's key.")] = None,
) -> None:
    """Replay data files by CONFIG with the code that runs live, and say what would have been found."""
    from streamer.config import load  # noqa: PLC0415

    loaded = load(config)
    from rich.console import Console  # noqa: PLC0415

    from streamer.backtest import run  # noqa: PLC0415  # torch: seconds
    from streamer.backtest.accuracy import Accuracy  # noqa: PLC0415
    from streamer.backtest.labels import labels_of  # noqa: PLC0415
    from streamer.backtest.table import table  # noqa: PLC0415
    from streamer.progress import shown  # noqa: PLC0415

    files = run.files_of(loaded, data, key, key_field)
    label = labels_of(files, labels, label_field)
    with named(config), shown() as told:
        recorder = run.backtest(loaded, files, told)
    marked = [(history, label(history)) for history in recorder.histories()]
    measured = [(history, Accuracy.of(history, events), events) for history, events in marked]
    is_labelled = labels is not None or label_field is not None
    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else WIDE_COLUMNS)
    console.print(table([(history, accuracy) for history, accuracy, _ in measured], is_labelled))
    typer.echo(f"{recorder.scored:,} readings scored, {recorder.rejected:,} rejected")
    if is_labelled and not any(events.any() for _, events in marked):
        typer.echo("no reading lies in a labelled event: are series and times named alike?", err=True)
    if report is not None:
        from streamer.backtest.report import write  # noqa: PLC0415  # plotly: seconds

        write(report, f"{config.stem} on {data.name}", measured, is_labelled)
        typer.echo(f"{report} written")
