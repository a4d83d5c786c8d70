"""The command by which people say what an alarm was worth. What needs Kafka is imported where it is used."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from streamer.arguments import ConfigPath, named


def feedback(
    config: ConfigPath,
    alarm_id: Annotated[str, typer.Argument(metavar="ALARM_ID", help="As the record of the alarm has it.")],
    is_true: Annotated[bool, typer.Option("--true/--false", help="Whether it was worth a call.", show_default=False)],
    days: Annotated[float, typer.Option(min=1, max=36_500, help="For how long a line is raised, less and less.")] = 60,
    note: Annotated[str, typer.Option(help="For people.")] = "",
) -> None:
    """Say what an alarm was worth; a running daemon takes it up by itself. The last word on an alarm counts.

    After --false the same series needs more than that to alarm again in this kind.
    """
    from streamer.config import load  # noqa: PLC0415
    from streamer.feedback_command import Word, give  # noqa: PLC0415

    word = Word(alarm_id=alarm_id, verdict="true" if is_true else "false", days=days, note=note)
    with named(config):
        verdict, path = give(load(config), word, datetime.now(UTC).isoformat(timespec="seconds"))
    typer.echo(
        f"{verdict.verdict}: {verdict.kind} of {verdict.series} in {verdict.group}, "
        f"{verdict.peak_ratio:.3g} times its line; kept as {path}"
    )
