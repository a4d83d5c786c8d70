"""The kinds of error that have a policy. Everything else is a bug: crash, and start again."""


class ConfigError(Exception):
    """The configuration is wrong: exit 2, one message with file, key, expected, got."""


class TransientError(Exception):
    """Something outside is away: retry with back-off."""


class OffsetGoneError(Exception):
    """The next offset to read is not on the broker any more, so readings were lost before they were read.

    Not retried: whoever runs the daemon must say where the group goes on.
    """
