"""What a configuration may say about Kafka."""

import msgspec
import pytest

from connectors.kafka_options import KafkaOptions

LEAST = {"bootstrap_servers": "a:9092", "group_id": "g", "start": "latest"}


def options(**changes: object) -> KafkaOptions:
    return msgspec.convert(LEAST | changes, KafkaOptions)


def test_servers_are_a_list_or_a_text_with_commas() -> None:
    as_text = options(bootstrap_servers="a:9092, b:9092")
    as_list = options(bootstrap_servers=["a:9092", "b:9092"])

    assert as_text.servers == as_list.servers == ["a:9092", "b:9092"]


def test_a_new_group_must_say_where_it_starts() -> None:
    with pytest.raises(msgspec.ValidationError, match="missing required field `start`"):
        msgspec.convert({"bootstrap_servers": "a:9092", "group_id": "g"}, KafkaOptions)


def test_a_start_time_is_read_with_its_zone() -> None:
    assert options(start="2026-01-31T01:00:00+01:00").start_timestamp_ms == 1_769_817_600_000
    assert options(start="latest").start_timestamp_ms is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": "yesterday"}, "start: expected `earliest`, `latest` or an ISO-8601 time with its zone.*'yesterday'"),
        ({"start": "2026-01-31T00:00:00"}, "with its zone, such as 2026-01-31T00:00:00Z, got '2026-01-31T00:00:00'"),
        ({"heartbeat_interval_seconds": 5}, r"expected at most a third of session_timeout_seconds \(10\), got 5"),
        (
            {"fetch_max_wait_seconds": 20},
            r"fetch_max_wait_seconds: expected less than request_timeout_seconds \(15\), got 20",
        ),
        ({"delivery_timeout_seconds": 1}, "delivery_timeout_seconds: expected at least 15.02.*, got 1"),
        (
            {"transaction_timeout_seconds": 10},
            r"transaction_timeout_seconds: expected at least request_timeout_seconds \(15\).*, got 10",
        ),
        ({"transaction_timeout_seconds": 901}, "Expected `float` <= 900"),
        (
            {"security_protocol": "SASL_SSL"},
            "sasl_mechanism: expected a value with .* SASL_SSL, got None",
        ),
        ({"sasl_mechanism": "PLAIN"}, "sasl_mechanism: expected nothing with .* PLAINTEXT, got 'PLAIN'"),
        ({"bootstrap_servers": "a:1,,b:1"}, "bootstrap_servers: expected host:port, got 'a:1,,b:1'"),
        ({"compression": "brotli"}, "Invalid enum value 'brotli'"),
        ({"group": "g"}, "unknown field `group`"),
        ({"create_topics": {"partitions": 3}}, "missing required field `replication_factor`"),
    ],
)
def test_what_cannot_work_is_refused_by_name(changes: dict[str, object], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        options(**changes)


def test_the_settings_of_the_client_never_create_topics_and_never_commit_by_themselves() -> None:
    everything = options(compression="none", group_instance_id="one")

    consumer, producer = everything.consumer_config(), everything.producer_config()

    assert consumer["allow_auto_create_topics"] is producer["allow_auto_create_topics"] is False
    assert consumer["enable_auto_commit"] is False
    assert consumer["auto_offset_reset"] == "none"
    assert consumer["group_instance_id"] == "one"
    assert producer["acks"] == "all"
    assert producer["compression_type"] is None


def test_the_password_is_named_as_a_secret() -> None:
    assert set(KafkaOptions.SECRETS) <= set(KafkaOptions.__struct_fields__)
    assert "sasl_plain_password" in KafkaOptions.SECRETS


@pytest.mark.parametrize(("given", "default", "expected"), [
    (None, None, None),
    (None, "host-9464", "host-9464"),
    ("mine", "host-9464", "mine"),
    ("dynamic", "host-9464", None),
])  # fmt: skip
def test_a_process_has_the_name_it_is_given_or_its_own_unless_it_is_to_have_none(
    given: str | None, default: str | None, expected: str | None
) -> None:
    assert options(group_instance_id=given).consumer_config(default)["group_instance_id"] == expected


def test_only_a_producer_of_transactions_has_an_id_and_a_time_for_them() -> None:
    everything = options(transaction_timeout_seconds=20)

    plain, transactional = everything.producer_config(), everything.transactional_config("g.t.0")

    assert {"transactional_id", "transaction_timeout_ms"}.isdisjoint(plain)
    assert (transactional["transactional_id"], transactional["transaction_timeout_ms"]) == ("g.t.0", 20_000)
    assert transactional["enable_idempotence"] is True
