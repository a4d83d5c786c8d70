"""The command line. What needs torch or Kafka is imported by the command that uses it: `--help` is quick."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from connectors.errors import (
    ConfigError,
    DoubtError,
    OffsetGoneError,
    RejectsError,
    StateError,
    StoreError,
    TransientError,
)
from streamer import __version__
from streamer.arguments import ConfigPath, named
from streamer.backtest.command import backtest
from streamer.feedback_cli import feedback
from streamer.logs import LogFormat, set_up_logs
from streamer.shelf_cli import promote, retrain, rollback

BUG_EXIT = 1
WIDE_COLUMNS = 200  # of a table that nobody sees on a screen
EXITS: dict[type[Exception], int] = {  # 3 and 4: start again; the others wait for a person
    ConfigError: 2,
    DoubtError: 3,
    TransientError: 4,
    OffsetGoneError: 5,
    StateError: 6,
    RejectsError: 7,
    StoreError: 8,
}

app = typer.Typer(
    help="Anomaly detection for every series on your Kafka, from its first reading.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
log = logging.getLogger("streamer")
for command in (backtest, feedback, promote, retrain, rollback):
    app.command()(command)


@app.callback()
def common(
    log_format: Annotated[LogFormat, typer.Option(help="How log lines look.")] = LogFormat.TEXT,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Set up what all commands share."""
    set_up_logs(log_format, log_level)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def run(config: ConfigPath) -> None:
    """Run the daemon until SIGTERM. SIGHUP has it read CONFIG again, SIGUSR1 print the stacks of its threads."""
    from streamer.config import load  # noqa: PLC0415
    from streamer.signals import reload_asked_by_signal, stacks_told_on_signal, stopped_by_signals  # noqa: PLC0415

    loaded = load(config)
    with reload_asked_by_signal() as reload, stacks_told_on_signal(), named(config):
        from streamer.wiring import build  # noqa: PLC0415  # torch: seconds

        # Until the daemon is built there is nothing to finish, and SIGTERM ends the process at once.
        with build(loaded) as daemon, stopped_by_signals() as stop:
            while not (stop.is_set() or daemon.has_ended):
                if reload.is_set():
                    reload.clear()
                    daemon.reload(lambda: load(config))
                daemon.turn_until(lambda: stop.is_set() or reload.is_set() or daemon.has_ended)
            daemon.leave()  # while a second signal still finds its handler


@app.command()
def reset(
    config: ConfigPath,
    to: Annotated[str, typer.Option(help="earliest, latest, committed, or an ISO-8601 time with its zone.")],
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget all state.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Move the consumer group and its state together to another offset. No daemon of the group may run."""
    from streamer.config import load  # noqa: PLC0415
    from streamer.position import Position  # noqa: PLC0415

    position, loaded = Position.parse("--to", to, ("earliest", "latest", "committed")), load(config)
    from rich.console import Console  # noqa: PLC0415

    from streamer.reset import connected, table  # noqa: PLC0415  # torch: seconds

    with named(config), connected(loaded) as (planned, partitions):
        moves = planned.plan(position, is_fresh=fresh, partitions=partitions)
        width = None if sys.stdout.isatty() else WIDE_COLUMNS
        Console(markup=False, highlight=False, width=width).print(table(moves))
        if not yes and not sys.stdin.isatty():
            raise ConfigError("reset: Expected --yes, since there is no terminal to ask on; nothing was changed")
        if yes or typer.confirm("Move the group and its state?", abort=True):
            for move in moves:
                planned.carry_out(move)
    typer.echo(f"{len(moves)} partitions moved")


@app.command()
def replay(
    config: ConfigPath,
    start: Annotated[str, typer.Option("--from", help="earliest, an offset, or an ISO-8601 time with its zone.")],
    end: Annotated[str, typer.Option("--to", help="latest, an offset or a time: the first not to be read.")] = "latest",
    results: Annotated[Path | None, typer.Option(help="Write to files in this directory.")] = None,
    topic_suffix: Annotated[str | None, typer.Option(help="Write to topics of the configured names and this.")] = None,
    with_state: Annotated[bool, typer.Option("--with-state", help="Go on from a checkpoint; else from none.")] = False,
) -> None:
    """Score a span of Kafka's history once more, and end. The consumer group and its state stay untouched."""
    from streamer.config import load  # noqa: PLC0415
    from streamer.position import Position  # noqa: PLC0415

    first = Position.parse("--from", start, ("earliest",), may_be_offset=True)
    last = Position.parse("--to", end, ("latest",), may_be_offset=True)
    loaded = load(config)
    from streamer.progress import shown  # noqa: PLC0415
    from streamer.replay import Request, redirected, replay  # noqa: PLC0415  # torch: seconds

    with named(config), shown() as told:
        tally = replay(redirected(loaded, results, topic_suffix), Request(first, last, with_state), told)
    typer.echo(str(tally))


@app.command()
def train(config: ConfigPath) -> None:
    """Train weights as the table `training` says, and write the artifact. Killed, it goes on where it was."""
    from streamer.config import load  # noqa: PLC0415

    loaded = load(config)
    from rich.console import Console  # noqa: PLC0415

    from streamer.training.train import train  # noqa: PLC0415  # torch: seconds

    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else WIDE_COLUMNS)
    with named(config):
        for part in train(loaded):
            console.print(part)


@app.command()
def check(config: ConfigPath) -> None:
    """Validate a configuration and print it as it takes effect, secrets masked, with the memory it will need."""
    from streamer.config import load  # noqa: PLC0415

    loaded = load(config)
    from streamer.check import report  # noqa: PLC0415  # torch: seconds

    with named(config):
        typer.echo(report(loaded), nl=False)


@app.command()
def demo(
    config: Annotated[
        Path | None,
        typer.Argument(metavar="[CONFIG]", help="Judge by its groups, on the demo's data of their topics."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Run through, print a table and end.")] = False,
    port: Annotated[int, typer.Option(help="Of the live page and /metrics, on loopback; 0: any free one.")] = 9464,
    cell: Annotated[str, typer.Option(help="gru or lstm.")] = "gru",
) -> None:
    """Run the whole pipeline on real bundled data beside synthetic series; needs no service.

    With CONFIG, such as config/market.yaml, its groups judge what the demo has for their topics.
    """
    from streamer.demo import Demo  # noqa: PLC0415
    from streamer.signals import stopped_by_signals  # noqa: PLC0415

    with stopped_by_signals() as stop:
        Demo(cell, port, config).run(stop, once)


@app.command()
def publish(
    data: Annotated[Path, typer.Option(help="CSV with a header, JSON lines (each also .gz) or Parquet.")],
    topic: Annotated[str, typer.Option(help="The topic to put the rows on.")],
    bootstrap_servers: Annotated[
        str, typer.Option(envvar="KAFKA_BOOTSTRAP_SERVERS", help="The brokers to ask first.")
    ] = "localhost:9092",
    key: Annotated[str | None, typer.Option(help="The key of every record: the series.")] = None,
    key_field: Annotated[str | None, typer.Option(help="The field whose value is a record's key.")] = None,
    raw_lines: Annotated[bool, typer.Option("--raw-lines", help="Send lines of CSV as they are.")] = False,
    partitions: Annotated[int, typer.Option(help="Of the topic, where it has to be created; 0: refuse.")] = 0,
) -> None:
    """Put the rows of a file on a Kafka topic, each as a JSON object."""
    from connectors.kafka_cluster import wait_for_brokers  # noqa: PLC0415
    from connectors.kafka_options import CreateTopics, ProducerOptions  # noqa: PLC0415
    from connectors.kafka_publish import publish as put  # noqa: PLC0415
    from connectors.row_files import ReplayFile, read_rows  # noqa: PLC0415

    create = CreateTopics(partitions=partitions, replication_factor=1) if partitions else None
    options = ProducerOptions(bootstrap_servers=bootstrap_servers, create_topics=create)
    try:
        file = ReplayFile(path=str(data), topic=topic, key=key, key_field=key_field)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    rows = read_rows(file, raw_lines=raw_lines)
    wait_for_brokers(options)
    typer.echo(f"{put(options, topic, rows)} records on {topic}")


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A checkpoint, an artifact or a directory.")],
    series: Annotated[str | None, typer.Option(help="Show the state of this series alone.")] = None,
) -> None:
    """Look into a checkpoint or an artifact; of a directory, list what is under it and say what is damaged."""
    from rich.console import Console  # noqa: PLC0415

    from streamer.inspect import look  # noqa: PLC0415  # torch: seconds

    console = Console(markup=False, highlight=False, emoji=False)
    for part in look(path, series):
        console.print(part, soft_wrap=isinstance(part, str))


def main() -> NoReturn:
    """Run a command. An error that has a policy becomes one line and its exit code.

    The process ends at once, past what libraries do at an exit: after an error a client would tidy up at the broker,
    and a checkpoint that the store never takes would be waited for.
    """
    code = BUG_EXIT
    try:
        code = _run()
    except Exception:
        log.exception("this is a bug")
        raise
    finally:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run() -> int:
    try:
        app()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 0
    except ConfigError as error:
        typer.echo(f"streamer: {error}", err=True)
        return EXITS[ConfigError]
    except tuple(EXITS) as error:
        log.error("%s", error)  # noqa: TRY400  # the message says it all; a traceback would hide it
        return next(code for kind, code in EXITS.items() if isinstance(error, kind))
    return 0
