"""What an error of the Kafka client means to the daemon: wrong configuration, wait and retry, doubt, or a bug."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from kafka import errors

from connectors.errors import ConfigError, DoubtError, TransientError

_CONFIGURATION = (
    errors.AuthorizationError,
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
_TAKEN_OVER = (
    errors.CommitFailedError,
    errors.FencedInstanceIdError,
    errors.IllegalGenerationError,
    errors.InvalidProducerEpochError,
    errors.ProducerFencedError,
    errors.RebalanceInProgressError,
    errors.UnknownMemberIdError,
)


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Raise the client's errors as ours; ``action`` says what was tried and may be tried again.

    Raises:
        ConfigError: the broker refuses what the configuration asks for.
        DoubtError: somebody else has taken over what is ours.
        TransientError: the broker is away or busy.
    """
    try:
        yield
    except errors.KafkaError as error:
        raise_translated(action, error)


@contextmanager
def irrevocable(action: str) -> Iterator[None]:
    """Raise the client's errors as ours; ``action`` says what was tried and must not be tried again.

    Raises:
        ConfigError: the broker refuses what the configuration asks for.
        DoubtError: somebody else has taken over what is ours, or it is not known whether it was done.
    """
    try:
        yield
    except errors.KafkaError as error:
        try:
            raise_translated(action, error)
        except (TransientError, errors.KafkaError):
            raise DoubtError(f"kafka: {action}: the outcome is unknown: {described(error)}") from error


def raise_translated(action: str, error: errors.KafkaError) -> NoReturn:
    """Raise what a client's error is here; one that is neither a setting nor worth a retry stays what it is."""
    if isinstance(error, _CONFIGURATION):
        raise ConfigError(f"kafka: {action}: refused: {described(error)}") from error
    if isinstance(error, _TAKEN_OVER):
        raise DoubtError(f"kafka: {action}: no longer ours: {described(error)}") from error
    if error.retriable:
        raise TransientError(f"kafka: {action}: {described(error)}") from error
    raise error


def described(error: BaseException) -> str:
    """The kind of an error and what it says, on one line."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return text if text.startswith((name, "[Error")) else f"{name}: {text}" if text else name
