"""What each error of the client means, by what was tried."""

import pytest
from kafka import errors

from connectors.errors import ConfigError, DoubtError, TransientError
from connectors.kafka_errors import irrevocable, translated

TAKEN_OVER = [
    errors.CommitFailedError,
    errors.FencedInstanceIdError,
    errors.IllegalGenerationError,
    errors.InvalidProducerEpochError,
    errors.ProducerFencedError,
    errors.UnknownMemberIdError,
]


@pytest.mark.parametrize("kind", TAKEN_OVER)
def test_what_somebody_else_has_taken_over_is_a_doubt_whatever_was_tried(kind: type[errors.KafkaError]) -> None:
    with pytest.raises(DoubtError, match=f"kafka: poll: no longer ours: .*{kind.__name__}"), translated("poll"):
        raise kind
    with pytest.raises(DoubtError, match=f"kafka: commit: no longer ours: .*{kind.__name__}"), irrevocable("commit"):
        raise kind


@pytest.mark.parametrize("kind", [errors.KafkaTimeoutError, errors.NotCoordinatorError])
def test_no_answer_is_worth_a_retry_unless_what_was_tried_may_have_been_done(kind: type[errors.KafkaError]) -> None:
    with pytest.raises(TransientError, match=f"kafka: poll: .*{kind.__name__}"), translated("poll"):
        raise kind
    with pytest.raises(DoubtError, match="kafka: commit: the outcome is unknown"), irrevocable("commit"):
        raise kind


def test_an_error_that_nobody_foresaw_is_a_bug_or_a_doubt() -> None:
    with pytest.raises(errors.UnknownError), translated("poll"):
        raise errors.UnknownError
    with pytest.raises(DoubtError, match="the outcome is unknown"), irrevocable("commit"):
        raise errors.UnknownError


def test_what_the_broker_refuses_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="kafka: poll: refused: "), translated("poll"):
        raise errors.GroupAuthorizationFailedError
    with pytest.raises(ConfigError, match="kafka: commit: refused: "), irrevocable("commit"):
        raise errors.GroupAuthorizationFailedError
