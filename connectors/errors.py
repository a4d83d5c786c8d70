"""The kinds of error that have a policy. Everything else is a bug: crash, and start again from the checkpoints."""


class ConfigError(Exception):
    """The configuration is wrong: exit 2, one message with file, key, expected, got."""


class DoubtError(Exception):
    """A delivery whose outcome is unknown, or a partition that somebody else has taken over.

    Not retried, and nothing is tidied up at the broker: the process ends at once and starts again from its checkpoints.
    """


class TransientError(Exception):
    """Something outside is away: retry with back-off."""


class OffsetGoneError(Exception):
    """The next offset to read is not on the broker any more, so readings were lost before they were read.

    Not retried: whoever runs the daemon must say where the group goes on.
    """


class StateError(Exception):
    """There is no state that fits what the group has committed.

    Not retried, and never replaced by a silent fresh start: whoever runs the daemon must say what to do.
    """


class StoreError(Exception):
    """A checkpoint could not be written, read or removed. Scoring goes on from the last good one.

    Only where it could not be gone on from for much longer does the process end: free the store, then start again.
    """


class RejectsError(Exception):
    """More readings were refused than the configuration allows. All of them are in the dead letters.

    Not retried: a producer or the configuration is wrong, and whoever runs the daemon must say which.
    """
