"""A place in every partition of the sources, as it is said on the command line."""

from datetime import datetime
from typing import NamedTuple, Self

from connectors.columns import TopicPartition
from connectors.errors import ConfigError
from connectors.ports import Log


class Position(NamedTuple):
    """A word, an offset, or the timestamp (ms since the epoch) of a record as the broker has it."""

    word: str = ""
    offset: int | None = None
    timestamp_ms: int = 0

    @classmethod
    def parse(cls, option: str, text: str, words: tuple[str, ...], *, may_be_offset: bool = False) -> Self:
        """What an option of the command line says.

        Raises:
            ConfigError: it is none of the words, no offset where one may stand, and no time with its zone.
        """
        if text in words:
            return cls(word=text)
        if may_be_offset and text.isdecimal():
            return cls(offset=int(text))
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            time = None
        if time is None or time.tzinfo is None:
            known = ", ".join([*words, "an offset"] if may_be_offset else words)
            raise ConfigError(
                f"{option}: Expected {known} or an ISO-8601 time with its zone, such as 2026-01-31T00:00:00Z, "
                f"got {text!r}"
            )
        return cls(timestamp_ms=round(time.timestamp() * 1000))

    def of(self, where: TopicPartition, log: Log) -> int:
        """The offset in one partition: of the first record there, or later; never outside of what can be read."""
        if self.word == "earliest":
            return log.oldest(where)
        if self.word == "latest":
            return log.end(where)
        if self.offset is None:
            return log.at_time(where, self.timestamp_ms)
        return min(max(self.offset, log.oldest(where)), log.end(where))
