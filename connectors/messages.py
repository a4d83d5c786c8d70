"""One message on its way out, whatever carries it."""

from typing import NamedTuple


class Message(NamedTuple):
    """A message of one output topic. ``value`` is a JSON object on one line."""

    topic: str
    key: bytes | None
    value: bytes
