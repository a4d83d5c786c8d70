"""The Kafka cluster before anything is read or written: brokers that answer, topics that exist."""

import difflib
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import msgspec
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from connectors.errors import ConfigError, TransientError
from connectors.kafka_closing import close_administrator
from connectors.kafka_errors import described, translated
from connectors.kafka_options import ConnectionOptions, ProducerOptions
from connectors.outputs import OutputOptions
from connectors.ports import Topic

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT_SECONDS = 2.0
_BOOTSTRAP_TIMEOUT_SECONDS = 5.0
_FIRST_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 8.0
_NAMED_TOPICS = 10
_RECORD_OVERHEAD_BYTES = 4_096  # topic, headers and framing beside the key and value of one message


def wait_for_brokers(
    options: ConnectionOptions,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return when a broker answers, trying with a back-off that doubles to a bound; every failed try is logged.

    Raises:
        TransientError: none did within ``start_timeout_seconds``.
    """
    servers = ", ".join(options.servers)
    deadline = clock() + options.start_timeout_seconds
    backoff_seconds, tries = _FIRST_BACKOFF_SECONDS, 0
    while True:
        tries += 1
        reason = reason_of_silence(options) or _failed_bootstrap(options, deadline - clock())
        if reason is None:
            return
        remaining_seconds = deadline - clock()
        if remaining_seconds <= 0:
            raise TransientError(
                f"kafka: no broker of [{servers}] answered within {options.start_timeout_seconds:g} s "
                f"(tried {tries} times); last: {reason}"
            )
        pause_seconds = min(backoff_seconds, remaining_seconds)
        log.warning("kafka: no broker of [%s] answers (try %d): %s; next try in %.1f s",
                    servers, tries, reason, pause_seconds)  # fmt: skip
        sleep(pause_seconds)
        backoff_seconds = min(2 * backoff_seconds, _LONGEST_BACKOFF_SECONDS)


def reason_of_silence(options: ConnectionOptions) -> str | None:
    """None where one of the bootstrap servers accepts a connection, else why each of them does not."""
    reasons = []
    for server in options.servers:
        reason = _refusal(server)
        if reason is None:
            return None
        reasons.append(reason)
    return "; ".join(reasons)


def _refusal(server: str) -> str | None:
    """None where this server accepts a connection, else why it does not."""
    host, _, port = server.rpartition(":")
    if not host or not port.isdigit():
        return f"{server}: expected host:port"
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_TIMEOUT_SECONDS).close()
    except OSError as error:
        return f"{server}: {error}"
    return None


def ensure_topics(options: ProducerOptions, outputs: OutputOptions) -> None:
    """Return when the output topics exist, after creating them if `create_topics` says how.

    Raises:
        ConfigError: topics are missing and nothing says how to create them, or messages may become larger than
            the producer takes.
        TransientError: the brokers cannot be reached.
    """
    _check_sizes(options, outputs)
    create_missing_topics(
        options,
        {
            outputs.results.topic: {},
            outputs.alarms.topic: {"cleanup.policy": "compact,delete"},  # the last word on a series is kept longest
            outputs.dead_letters.topic: {},
        },
    )


def create_missing_topics(options: ProducerOptions, wanted: Mapping[str, Mapping[str, str]]) -> None:
    """Return when every topic exists; ``wanted`` has the settings to create each with.

    Raises:
        ConfigError: topics are missing and nothing says how to create them.
        TransientError: the brokers cannot be reached.
    """
    with translated(f"find the topics {', '.join(wanted)}"), _administrator(options) as admin:
        missing = sorted(wanted.keys() - set(admin.list_topics()))
        if not missing:
            return
        how = options.create_topics
        if how is None:
            raise ConfigError(
                f"kafka: topics to write to do not exist: {', '.join(missing)}; create them, or have them created by "
                "`create_topics: {partitions: ..., replication_factor: ...}`"
            )
        for topic in missing:
            shape = {"num_partitions": how.partitions, "replication_factor": how.replication_factor}
            with suppress(TopicAlreadyExistsError):  # another process of ours was faster
                admin.create_topics({topic: {**shape, "configs": wanted[topic]}})
                log.info("kafka: created topic %s with %d partitions", topic, how.partitions)
        admin.wait_for_topics(missing)


def describe_topic(options: ConnectionOptions, name: str) -> Topic:
    """A topic as the brokers have it now, not as a client remembers it. Brokers before 2.8 have no id of it.

    Raises:
        TransientError: the brokers cannot be reached, or do not know the topic now.
    """
    with translated(f"describe the topic {name}"), _administrator(options) as admin:
        [told] = admin.describe_topics([name])
        if told["error_code"]:
            raise for_code(told["error_code"])
    return Topic(str(told["topic_id"] or ""), len(told["partitions"]))


def check_source_topics(wanted: Sequence[str], existing: Sequence[str]) -> None:
    """Return when every wanted topic exists.

    Raises:
        ConfigError: one does not; the message names it, and the existing ones that are nearest to it.
    """
    for topic in wanted:
        if topic not in existing:
            nearest = difflib.get_close_matches(topic, existing, n=_NAMED_TOPICS, cutoff=0.0)
            there = f"nearest of the {len(existing)} there are: {', '.join(nearest)}" if nearest else "there are none"
            raise ConfigError(f"kafka: source topic {topic!r} does not exist; {there}")


def refuse_compacted(options: ConnectionOptions, topics: Sequence[str], patterns: Sequence[str] = ()) -> None:
    """Return when none of these topics is compacted, and none of those there are now that match a pattern as a whole.

    After a crash records are stepped again. They must be the same ones: compaction removes some from between others.

    Raises:
        ConfigError: one is compacted.
        TransientError: the brokers cannot be reached.
    """
    with translated("describe the source topics"), _administrator(options) as admin:
        matching = [topic for topic in admin.list_topics() if any(re.fullmatch(each, topic) for each in patterns)]
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in {*topics, *matching}]
        described_topics = admin.describe_configs(asked, config_filter="all").get("topic", {}) if asked else {}
    for topic in sorted(described_topics):
        policy = described_topics[topic]["cleanup.policy"]["value"]
        if "compact" in policy:
            raise ConfigError(
                f"kafka: source topic {topic!r}: expected cleanup.policy without `compact` for exactly-once results, "
                f"got {policy!r}; read it at least once, or have it kept by time"
            )


def _check_sizes(options: ProducerOptions, outputs: OutputOptions) -> None:
    most = options.max_request_bytes - _RECORD_OVERHEAD_BYTES
    if outputs.max_message_bytes > most:
        raise ConfigError(
            f"max_message_bytes: expected at most {most}, which is max_request_bytes ({options.max_request_bytes}) "
            f"less {_RECORD_OVERHEAD_BYTES} for the rest of a record, got {outputs.max_message_bytes}"
        )


def _failed_bootstrap(options: ConnectionOptions, remaining_seconds: float) -> str | None:
    """None where the cluster can be asked, else why not. The client would spend its time on a server that is down."""
    timeout_seconds = max(min(_BOOTSTRAP_TIMEOUT_SECONDS, remaining_seconds), 1.0)
    answering = [server for server in options.servers if _refusal(server) is None]
    try:
        with _administrator(msgspec.structs.replace(options, bootstrap_servers=answering), timeout_seconds):
            return None
    except KafkaError as error:
        return described(error)


@contextmanager
def _administrator(
    options: ConnectionOptions, timeout_seconds: float = _BOOTSTRAP_TIMEOUT_SECONDS
) -> Iterator[KafkaAdminClient]:
    config = {**options.connection_config(), "bootstrap_timeout_ms": round(timeout_seconds * 1000)}
    admin = KafkaAdminClient(**config)
    try:
        yield admin
    finally:
        close_administrator(admin)
