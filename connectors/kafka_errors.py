"""What an error of the Kafka client means to the daemon: wrong configuration, wait and retry, or stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from kafka import errors

from connectors.errors import ConfigError, TransientError

_CONFIGURATION = (
    errors.AuthorizationError,
    errors.FencedInstanceIdError,
    errors.InconsistentGroupProtocolError,
    errors.InvalidGroupIdError,
    errors.InvalidReplicationFactorError,
    errors.InvalidSessionTimeoutError,
    errors.InvalidTopicError,
    errors.KafkaConfigurationError,
    errors.PolicyViolationError,
    errors.SaslAuthenticationFailedError,
    errors.UnsupportedSaslMechanismError,
)
_MEMBERSHIP = (
    errors.CommitFailedError,
    errors.IllegalGenerationError,
    errors.RebalanceInProgressError,
    errors.UnknownMemberIdError,
)


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Raise the client's errors as ours; ``action`` says what was tried.

    Raises:
        ConfigError: the broker refuses what the configuration asks for.
        TransientError: the broker is away or busy, or the group has moved on.
    """
    try:
        yield
    except errors.KafkaError as error:
        raise_translated(action, error)


def raise_translated(action: str, error: errors.KafkaError) -> NoReturn:
    """Raise what a client's error is here; one that is neither a setting nor worth a retry stays what it is."""
    if isinstance(error, _CONFIGURATION):
        raise ConfigError(f"kafka: {action}: refused: {described(error)}") from error
    if isinstance(error, _MEMBERSHIP):
        raise TransientError(f"kafka: {action}: the group has moved on: {described(error)}") from error
    if error.retriable:
        raise TransientError(f"kafka: {action}: {described(error)}") from error
    raise error


def described(error: BaseException) -> str:
    """The kind of an error and what it says, on one line."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return text if text.startswith((name, "[Error")) else f"{name}: {text}" if text else name
