"""The kinds of error that have a policy. Everything else is a bug: crash, and start again."""


class ConfigError(Exception):
    """The configuration is wrong: exit 2, one message with file, key, expected, got."""


class TransientError(Exception):
    """Something outside is away: retry with back-off."""
