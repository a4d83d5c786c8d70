"""Reload: which settings may change while the daemon runs, and how they are taken over between two batches."""

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from connectors.errors import ConfigError, StateError
from streamer.board import Board
from streamer.config import Config, ScoreOptions
from streamer.metrics import Metrics
from streamer.tenancy import Tenancy
from streamer.watchlist import WatchPolicy

CHANGEABLE = (  # channels and horizons are what state is made of
    *(f"groups[].{name}" for name in ScoreOptions.__struct_fields__ if name not in {"channels", "horizons"}),
    "groups[].reject_limits",
    "http.pinned",
    "http.series_limit",
)

log = logging.getLogger("streamer")


class Reload:
    """Takes a configuration over that was read again, whole or not at all."""

    def __init__(self, running: Config, tenancy: Tenancy, board: Board, metrics: Metrics) -> None:
        self._running = running
        self._tenancy = tenancy
        self._board = board
        self._metrics = metrics

    def __call__(self, read: Callable[[], Config]) -> None:
        """Go on by what ``read`` returns now. Where that cannot be, one line says why and everything stays as it is.

        Scores follow at the barrier of each partition, see `Tenancy.reload`; all else at once.
        """
        try:
            wanted = read()
            refuse_fixed(self._running, wanted)
            self._tenancy.reload({options.name: options.choices for options in wanted.groups})
        except (ConfigError, StateError) as error:
            self._metrics.life.reloaded("refused")
            log.error("reload: %s; everything stays as it was", error)  # noqa: TRY400  # the message says it all
            return
        for group, options in zip(self._tenancy.groups, wanted.groups, strict=True):
            group.reject_limit.adopt(options.reject_limits)
            self._metrics.band_target(options.name, options.band_coverage)
        if wanted.http != self._running.http:
            self._board.adopt(policy_of(wanted), self._tenancy.groups)
        changed = _differences(self._running, wanted)
        self._running = wanted
        self._metrics.life.reloaded("done")
        log.info("reload: %s", ", ".join(changed) if changed else "nothing has changed")


def policy_of(config: Config) -> WatchPolicy:
    """Which series are to have rows on the page."""
    return WatchPolicy(limit=config.http.series_limit, pinned=tuple(config.http.pinned))


def refuse_fixed(running: Config, wanted: Config) -> None:
    """Return if a daemon can go from one configuration to the other while it runs.

    Raises:
        ConfigError: something else differs; the message names it, and no value, which may be a secret.
    """
    fixed = [path for path in _differences(running, wanted) if not _is_changeable(path)]
    if fixed:
        raise ConfigError(
            f"Expected a change of {', '.join(CHANGEABLE)} alone while the daemon runs, got one of {', '.join(fixed)}, "
            "which needs a restart"
        )


def _is_changeable(path: str) -> bool:
    general = re.sub(r"\[\d+\]", "[]", path)
    return any(general == name or general.startswith((f"{name}.", f"{name}[")) for name in CHANGEABLE)


def _differences(one: Config, other: Config) -> list[str]:
    """The paths at which two configurations differ, such as ``groups[0].alarm.calm_readings``."""
    return list(_differing("", msgspec.to_builtins(one), msgspec.to_builtins(other)))


def _differing(path: str, one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one | other:
            yield from _differing(f"{path}.{key}" if path else key, one.get(key), other.get(key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _differing(f"{path}[{place}]", mine, theirs)
    elif one != other:
        yield path
