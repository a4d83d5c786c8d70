"""How far a command has come, for people at a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def shown() -> Iterator[Callable[[int, int, int], None]]:
    """What may be told the records so far, the offsets done and those there are; nothing of it goes into a pipe."""
    columns = (
        TextColumn("{task.fields[records]:,} records, {task.fields[rate]:,.0f} a second"),
        BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    progress = Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    with progress:
        task = progress.add_task("", total=None, records=0, rate=0.0)

        def told(records: int, done: int, total: int) -> None:
            seconds = progress.tasks[0].elapsed or 0.0
            rate = records / seconds if seconds else 0.0
            progress.update(task, completed=done, total=total, records=records, rate=rate)

        yield told
