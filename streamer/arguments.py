"""What commands take: a configuration file, whose name stands before what is wrong with its content."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from connectors.errors import ConfigError

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="The configuration file, YAML.", show_default=False)]


@contextmanager
def named(config: Path) -> Iterator[None]:
    """Put the file before what is wrong with its content where only the rest of the world shows it."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{config}: {error}") from error
