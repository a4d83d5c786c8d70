"""Brokers that answer or do not, topics that exist or do not."""

import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from connectors.errors import ConfigError, TransientError
from connectors.kafka_cluster import (
    check_source_topics,
    describe_topic,
    ensure_topics,
    reason_of_silence,
    refuse_compacted,
    wait_for_brokers,
)
from connectors.kafka_options import ConnectionOptions, CreateTopics, KafkaOptions
from connectors.outputs import AlarmsOptions, DeadLettersOptions, OutputOptions, ResultsOptions

MakeOptions = Callable[..., KafkaOptions]


@dataclass
class Time:
    """A clock that stands still but for the pauses."""

    now: float = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is bound, so that nobody else gets it, and refuses every connection."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def outputs(make_topic: Callable[..., str]) -> OutputOptions:
    """Topics of which only the results exist."""
    results = make_topic(prefix="results")
    return OutputOptions(
        results=ResultsOptions(topic=results),
        alarms=AlarmsOptions(topic=results.replace("results", "alarms")),
        dead_letters=DeadLettersOptions(topic=results.replace("results", "letters")),
    )


def test_absent_brokers_are_tried_with_a_growing_pause_and_then_given_up(
    closed_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    server = f"127.0.0.1:{closed_port}"
    time = Time()
    caplog.set_level(logging.WARNING)

    with pytest.raises(TransientError) as given_up:
        wait_for_brokers(ConnectionOptions(bootstrap_servers=server), time.clock, time.sleep)

    assert str(given_up.value) == (
        f"kafka: no broker of [{server}] answered within 60 s (tried 12 times); "
        f"last: {server}: [Errno 111] Connection refused"
    )
    assert time.now == 60.0
    pauses = [record.getMessage().split("next try in ")[1] for record in caplog.records]
    assert pauses[:6] == ["0.5 s", "1.0 s", "2.0 s", "4.0 s", "8.0 s", "8.0 s"]
    assert caplog.messages[0].startswith(f"kafka: no broker of [{server}] answers (try 1): {server}: [Errno 111]")


def test_one_broker_that_answers_is_enough(kafka: str, closed_port: int) -> None:
    time = Time()

    wait_for_brokers(ConnectionOptions(bootstrap_servers=[f"127.0.0.1:{closed_port}", kafka]), time.clock, time.sleep)

    assert time.now == 0.0


def test_an_address_without_a_port_is_a_reason_not_a_crash() -> None:
    reason = reason_of_silence(ConnectionOptions(bootstrap_servers="nowhere"))

    assert reason == "nowhere: expected host:port"


def test_a_missing_source_topic_is_named_with_the_ten_nearest() -> None:
    existing = [f"sensors-{number:02}" for number in range(20)] + ["unlike-any"]

    with pytest.raises(ConfigError) as missing:
        check_source_topics(["sensors-01", "sensor-07"], existing)

    text = str(missing.value)
    assert text.startswith("kafka: source topic 'sensor-07' does not exist; nearest of the 21 there are: sensors-07, ")
    assert text.count(",") == 9


def test_a_missing_source_topic_of_an_empty_cluster_says_so() -> None:
    with pytest.raises(ConfigError, match="source topic 'a' does not exist; there are none"):
        check_source_topics(["a"], [])


@pytest.mark.kafka
def test_missing_output_topics_are_refused_and_not_created(
    make_options: MakeOptions, outputs: OutputOptions, kafka_admin: KafkaAdminClient
) -> None:
    with pytest.raises(ConfigError) as refused:
        ensure_topics(make_options(), outputs)

    missing = f"{outputs.alarms.topic}, {outputs.dead_letters.topic}"
    assert str(refused.value).startswith(f"kafka: topics to write to do not exist: {missing}; create them, or")
    assert outputs.alarms.topic not in kafka_admin.list_topics()


@pytest.mark.kafka
def test_missing_output_topics_are_created_as_the_configuration_says(
    make_options: MakeOptions, outputs: OutputOptions, kafka_admin: KafkaAdminClient
) -> None:
    options = make_options(create_topics=CreateTopics(partitions=3, replication_factor=1))

    ensure_topics(options, outputs)
    ensure_topics(options, outputs)

    created = {topic["name"]: topic for topic in kafka_admin.describe_topics([outputs.alarms.topic])}
    assert len(created[outputs.alarms.topic]["partitions"]) == 3
    assert outputs.dead_letters.topic in kafka_admin.list_topics()


@pytest.mark.kafka
def test_the_alarms_topic_keeps_the_last_word_on_every_series(
    make_options: MakeOptions, outputs: OutputOptions, kafka_admin: KafkaAdminClient
) -> None:
    ensure_topics(make_options(create_topics=CreateTopics(partitions=1, replication_factor=1)), outputs)

    policy = cleanup_policy(kafka_admin, outputs.alarms.topic)

    assert policy == "compact,delete"
    assert cleanup_policy(kafka_admin, outputs.dead_letters.topic) == "delete"


@pytest.mark.kafka
def test_more_replicas_than_brokers_is_an_error_of_the_configuration(
    make_options: MakeOptions, outputs: OutputOptions
) -> None:
    options = make_options(create_topics=CreateTopics(partitions=1, replication_factor=9))

    with pytest.raises(ConfigError, match=r"refused: .*InvalidReplicationFactor"):
        ensure_topics(options, outputs)


def test_messages_that_the_producer_would_not_take_are_refused_before_there_are_any() -> None:
    options = KafkaOptions(bootstrap_servers="a:9092", group_id="g", start="latest", max_request_bytes=500_000)

    with pytest.raises(ConfigError, match=r"max_message_bytes: expected at most 495904, .* got 900000"):
        ensure_topics(options, OutputOptions())


@pytest.mark.kafka
def test_a_source_that_is_compacted_is_refused_by_name(
    make_options: MakeOptions, make_topic: Callable[..., str]
) -> None:
    kept, compacted = make_topic(), make_topic(configs={"cleanup.policy": "compact,delete"})

    refuse_compacted(make_options(), [kept])
    with pytest.raises(ConfigError) as refused:
        refuse_compacted(make_options(), [kept, compacted])

    assert str(refused.value).startswith(
        f"kafka: source topic {compacted!r}: expected cleanup.policy without `compact` for exactly-once results, "
        "got 'compact,delete'"
    )


@pytest.mark.kafka
def test_a_topic_that_was_made_anew_has_another_id_and_its_partitions_of_now(
    make_options: MakeOptions, make_topic: Callable[..., str], kafka_admin: KafkaAdminClient
) -> None:
    topic, other = make_topic(), make_topic()
    before, theirs = describe_topic(make_options(), topic), describe_topic(make_options(), other)
    kafka_admin.delete_topics([topic])
    while is_there(make_options(), topic):
        pass  # until the broker has heard of it
    kafka_admin.create_topics({topic: {"num_partitions": 3, "replication_factor": 1}}, wait_for_metadata=True)

    after = describe_topic(make_options(), topic)

    assert (before.partitions, after.partitions) == (1, 3)
    assert len({before.id, after.id, theirs.id}) == 3
    assert describe_topic(make_options(), other) == theirs


def is_there(options: KafkaOptions, topic: str) -> bool:
    try:
        describe_topic(options, topic)
    except TransientError:
        return False
    return True


def cleanup_policy(admin: KafkaAdminClient, topic: str) -> str:
    described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    policy: str = described["topic"][topic]["cleanup.policy"]["value"]
    return policy
