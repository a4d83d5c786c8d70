"""The commands about a group's shelf. What needs torch is imported by the command that uses it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamer.arguments import ConfigPath, named

if TYPE_CHECKING:
    from streamer.shelf_commands import Turned

KEPT_EXIT = 3  # of `retrain`: the champion stays
GroupName = Annotated[str | None, typer.Option(help="The group; needed where there is more than one.")]


def promote(
    config: ConfigPath,
    artifact: Annotated[Path, typer.Option(help="The file to put on the shelf.")],
    group: GroupName = None,
    kept: Annotated[int, typer.Option(min=2, help="How many artifacts stay, to go back to.")] = 5,
) -> None:
    """Put an artifact in force on a group's shelf; a running daemon takes it up by itself."""
    from streamer.config import load  # noqa: PLC0415
    from streamer.named_group import group_of  # noqa: PLC0415
    from streamer.shelf_commands import promote  # noqa: PLC0415  # torch: seconds

    with named(config):
        _tell(promote(group_of(load(config), group, "--group"), artifact, kept))


def rollback(
    config: ConfigPath,
    group: GroupName = None,
    to: Annotated[str | None, typer.Option(help="A title on the shelf; else the one before.")] = None,
) -> None:
    """Go back to an artifact that was in force before; a running daemon takes it up by itself."""
    from streamer.config import load  # noqa: PLC0415
    from streamer.named_group import group_of  # noqa: PLC0415
    from streamer.shelf_commands import rollback  # noqa: PLC0415  # torch: seconds

    with named(config):
        _tell(rollback(group_of(load(config), group, "--group"), to))


def retrain(
    config: ConfigPath,
    on_drift: Annotated[
        bool, typer.Option("--on-drift", help="First wait for a drift since the last retraining, as the daemon tells.")
    ] = False,
) -> None:
    """Train a challenger on what came lately, and promote it if it is better: exit 0; else 3, the champion stays."""
    from streamer.config import load  # noqa: PLC0415
    from streamer.retraining.report import to_markdown  # noqa: PLC0415  # torch: seconds
    from streamer.retraining.retrain import retrain  # noqa: PLC0415
    from streamer.retraining.trigger import await_drift  # noqa: PLC0415

    with named(config):
        loaded = load(config)
        if on_drift:
            typer.echo(str(await_drift(loaded, time.sleep)))
        report = retrain(loaded, time.time)
    typer.echo(to_markdown(report))
    if not report.verdict.is_promoted:
        raise typer.Exit(KEPT_EXIT)


def _tell(turned: "Turned") -> None:
    typer.echo(f"{turned.title} is in force, before: {turned.before or 'none'}")
