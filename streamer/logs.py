"""How log lines look: for people, or as JSON for machines."""

import logging
import sys
import time
from enum import StrEnum

import orjson
from typing_extensions import override

from connectors.errors import ConfigError


class LogFormat(StrEnum):
    """The two forms of a log line."""

    TEXT = "text"
    JSON = "json"


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and the traceback where there is one."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def set_up_logs(log_format: LogFormat, level: str) -> None:
    """Send the logs of the daemon to stderr; of the libraries only what is worth a warning.

    Raises:
        ConfigError: there is no such level.
    """
    known = logging.getLevelNamesMapping()
    if level.upper() not in known:
        raise ConfigError(f"--log-level: Expected one of debug, info, warning, error, got {level!r}")
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if log_format is LogFormat.JSON else text)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for ours in ("streamer", "connectors", "models"):
        logging.getLogger(ours).setLevel(known[level.upper()])
