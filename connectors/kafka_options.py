"""What may be said about Kafka in a configuration, and what it means to the client.

This file knows the client's settings by name and does not import it, so a configuration is checked without Kafka.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

Seconds = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
TransactionSeconds = Annotated[float, Meta(gt=0, le=900)]  # what brokers grant at most, unless told otherwise

DYNAMIC = "dynamic"
_TRANSACTION_RETRY_MS = 10  # the broker asks for one retry while the last transaction is still being marked as ended
_COMMON_CONFIG: dict[str, Any] = {
    "retry_backoff_ms": 50,
    "reconnect_backoff_max_ms": 1_000,  # the client's 30 s add a second stall to every broker restart
    "allow_auto_create_topics": False,
    "metadata_max_age_ms": 60_000,  # new topics of a pattern and new partitions are seen within a minute
    "metrics_enabled": False,  # nobody reads the client's own metrics and they cost time for every record
}


class CreateTopics(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an output topic is created where it does not exist."""

    partitions: Count
    replication_factor: Count


class ConnectionOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the brokers are and how they are spoken to."""

    SECRETS: ClassVar[tuple[str, ...]] = ("sasl_plain_password",)

    bootstrap_servers: str | Annotated[list[str], Meta(min_length=1)]
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_plain_username: str | None = None
    sasl_plain_password: str | None = None
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    start_timeout_seconds: Seconds = 60.0

    def __post_init__(self) -> None:
        wants_sasl = self.security_protocol.startswith("SASL")
        if wants_sasl != (self.sasl_mechanism is not None):
            expected = "a value" if wants_sasl else "nothing"
            raise ValueError(
                f"sasl_mechanism: expected {expected} with security_protocol {self.security_protocol}, "
                f"got {self.sasl_mechanism!r}"
            )
        if wants_sasl and (self.sasl_plain_username is None or self.sasl_plain_password is None):
            raise ValueError(
                f"sasl_plain_username, sasl_plain_password: expected both with sasl_mechanism {self.sasl_mechanism}"
            )
        if not all(self.servers):
            raise ValueError(f"bootstrap_servers: expected host:port, got {self.bootstrap_servers!r}")

    @property
    def servers(self) -> list[str]:
        """The brokers to ask first, each ``host:port``."""
        named = self.bootstrap_servers
        return [server.strip() for server in (named.split(",") if isinstance(named, str) else named)]

    def connection_config(self) -> dict[str, Any]:
        """The client's settings that concern the connection."""
        return {
            "bootstrap_servers": self.servers,
            "security_protocol": self.security_protocol,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_plain_username,
            "sasl_plain_password": self.sasl_plain_password,
            "ssl_cafile": self.ssl_cafile,
            "ssl_certfile": self.ssl_certfile,
            "ssl_keyfile": self.ssl_keyfile,
        }


class ProducerOptions(ConnectionOptions, frozen=True, kw_only=True):
    """How messages are written. Always with acks=all and an idempotent producer.

    ``request_timeout_seconds`` is how long one request may go unanswered, ``delivery_timeout_seconds`` how long a
    message may take with all its retries before it is given up.
    """

    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "lz4"
    linger_seconds: Annotated[float, Meta(ge=0)] = 0.02
    request_timeout_seconds: Seconds = 15.0
    delivery_timeout_seconds: Seconds = 30.0
    batch_bytes: Count = 262_144
    max_request_bytes: Count = 1_048_576
    create_topics: CreateTopics | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        least = self.request_timeout_seconds + self.linger_seconds
        if self.delivery_timeout_seconds < least:
            raise ValueError(
                f"delivery_timeout_seconds: expected at least {least:g}, a request and linger_seconds, "
                f"got {self.delivery_timeout_seconds:g}"
            )

    @property
    def request_timeout_ms(self) -> int:
        """How long one request may go unanswered."""
        return round(self.request_timeout_seconds * 1000)

    def producer_config(self) -> dict[str, Any]:
        """The settings of the client's producer."""
        return {
            **self.connection_config(),
            **_COMMON_CONFIG,
            "request_timeout_ms": self.request_timeout_ms,
            "acks": "all",
            "enable_idempotence": True,
            "compression_type": None if self.compression == "none" else self.compression,
            "linger_ms": round(self.linger_seconds * 1000),
            "delivery_timeout_ms": round(self.delivery_timeout_seconds * 1000),
            "max_block_ms": round(self.delivery_timeout_seconds * 1000),
            "batch_size": self.batch_bytes,
            "max_request_size": self.max_request_bytes,
            "bootstrap_timeout_ms": round(self.start_timeout_seconds * 1000),
        }


class KafkaOptions(ProducerOptions, frozen=True, kw_only=True):
    """Everything about Kafka: the brokers, the consumer group that reads and the producer that writes.

    ``start`` is what a group does on a partition it never committed: ``earliest``, ``latest``, or an ISO-8601 time with
    its zone, from which records with that broker timestamp or a later one are read.

    ``group_instance_id`` names this process within the group, so that its partitions wait for it through a restart of
    less than ``session_timeout_seconds`` (a static member). No two processes may share one. Where it is not given the
    process chooses a name that stays the same through its restarts, and none if the word is ``dynamic``: then the group
    hands the partitions of a process out anew whenever it starts or stops.

    ``deleted_records`` is what is done where retention has deleted records before they were read: stop, or go on with
    the oldest one that is there. ``watchdog_seconds`` is how long a partition may stand still while there is something
    to read in it, before the process ends, to be started again.

    ``transaction_timeout_seconds`` is how long a delivery of exactly-once results may take before the brokers undo it;
    whoever reads these results with `read_committed` waits so long for a process that died in the middle of one and
    that nobody follows.
    """

    group_id: Annotated[str, Meta(min_length=1)]
    start: str
    group_instance_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,249}$")] | None = None
    session_timeout_seconds: Seconds = 10.0
    heartbeat_interval_seconds: Seconds = 2.0
    max_poll_interval_seconds: Seconds = 60.0
    watchdog_seconds: Seconds = 90.0
    deleted_records: Literal["fail", "skip"] = "fail"
    transaction_timeout_seconds: TransactionSeconds = 15.0
    max_poll_records: Count = 5_000
    fetch_max_wait_seconds: Seconds = 0.5
    fetch_max_bytes: Count = 52_428_800
    max_partition_fetch_bytes: Count = 1_048_576

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.start not in {"earliest", "latest"}:
            self._start_time()
        if self.heartbeat_interval_seconds * 3 > self.session_timeout_seconds:
            raise ValueError(
                f"heartbeat_interval_seconds: expected at most a third of session_timeout_seconds "
                f"({self.session_timeout_seconds:g}), got {self.heartbeat_interval_seconds:g}"
            )
        if self.fetch_max_wait_seconds >= self.request_timeout_seconds:
            raise ValueError(
                f"fetch_max_wait_seconds: expected less than request_timeout_seconds "
                f"({self.request_timeout_seconds:g}), got {self.fetch_max_wait_seconds:g}"
            )
        if self.transaction_timeout_seconds < self.request_timeout_seconds:
            raise ValueError(
                f"transaction_timeout_seconds: expected at least request_timeout_seconds "
                f"({self.request_timeout_seconds:g}), else one lost answer undoes a delivery, "
                f"got {self.transaction_timeout_seconds:g}"
            )

    def _start_time(self) -> datetime:
        try:
            start = datetime.fromisoformat(self.start)
        except ValueError:
            start = None
        if start is None or start.tzinfo is None:
            raise ValueError(
                "start: expected `earliest`, `latest` or an ISO-8601 time with its zone, such as "
                f"2026-01-31T00:00:00Z, got {self.start!r}"
            )
        return start

    @property
    def start_timestamp_ms(self) -> int | None:
        """The time to start from in ms since the epoch, None where ``start`` is a word."""
        return None if self.start in {"earliest", "latest"} else round(self._start_time().timestamp() * 1000)

    def transactional_config(self, transactional_id: str) -> dict[str, Any]:
        """The settings of a producer of transactions. Of two with one id, the brokers obey the one that came last."""
        return {
            **self.producer_config(),
            "transactional_id": transactional_id,
            "transaction_timeout_ms": round(self.transaction_timeout_seconds * 1000),
            "retry_backoff_ms": _TRANSACTION_RETRY_MS,
        }

    def consumer_config(self, default_instance_id: str | None = None) -> dict[str, Any]:
        """The settings of the client's consumer, without its assignor, which is a class of the client.

        ``default_instance_id`` is the name of this process in the group where the configuration gives none.
        """
        instance_id = self.group_instance_id or default_instance_id
        return {
            **self.connection_config(),
            **_COMMON_CONFIG,
            "request_timeout_ms": self.request_timeout_ms,
            "group_id": self.group_id,
            "group_instance_id": None if instance_id == DYNAMIC else instance_id,
            "enable_auto_commit": False,
            "auto_offset_reset": "none",
            "isolation_level": "read_committed",
            "session_timeout_ms": round(self.session_timeout_seconds * 1000),
            "heartbeat_interval_ms": round(self.heartbeat_interval_seconds * 1000),
            "max_poll_interval_ms": round(self.max_poll_interval_seconds * 1000),
            "max_poll_records": self.max_poll_records,
            "fetch_max_wait_ms": round(self.fetch_max_wait_seconds * 1000),
            "fetch_max_bytes": self.fetch_max_bytes,
            "max_partition_fetch_bytes": self.max_partition_fetch_bytes,
            "bootstrap_timeout_ms": round(self.start_timeout_seconds * 1000),
        }
