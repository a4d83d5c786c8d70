"""The end of a client that has an I/O thread: the thread ends before its sockets do."""

from kafka import KafkaAdminClient, KafkaConsumer


def close_consumer(consumer: KafkaConsumer, timeout_ms: int | None = None) -> None:
    """Leave the group, if it has one, and close the connections. What was not committed stays so.

    The client's own close leaves the group by its I/O thread, then closes the sockets from the thread that calls, and
    only then ends the I/O thread. That one may be in the middle of reading an answer, as it mostly is where records
    come: it finds ``None`` where its socket was and logs a traceback on the way out of a daemon that is in good order.
    """
    client, close_connections = consumer._client, consumer._client.close  # noqa: SLF001  # the client has no other door

    def close_in_order() -> None:
        _end_io(client)
        close_connections()

    client.close = close_in_order
    consumer.close(autocommit=False, timeout_ms=timeout_ms)


def close_administrator(admin: KafkaAdminClient) -> None:
    """Close the connections: as with a consumer, the client's own close does so under a thread that may be reading."""
    _end_io(admin._client)  # noqa: SLF001
    admin.close()


def _end_io(client: object) -> None:
    client._net.stop()  # type: ignore[attr-defined]  # noqa: SLF001
