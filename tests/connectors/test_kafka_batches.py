"""Batches read as columns, against the client's own reading of the same bytes."""

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel
from kafka.record import MemoryRecords, MemoryRecordsBuilder

from connectors.kafka_batches import FetchedRecords, fields_of

PARTITION = TopicPartition("topic", 0)
HEADER_BYTES = 61
ATTRIBUTES, MAX_TIMESTAMP, CRC, AFTER_CRC = 21, 35, 17, 21
LOG_APPEND_TIME, CONTROL = 0x08, 0x20

texts = st.none() | st.binary(max_size=200)
messages = st.tuples(
    st.integers(0, 2**41),  # timestamp in ms
    texts,
    texts,
    st.lists(st.tuples(st.text(max_size=9), texts), max_size=3),
    st.integers(0, 300),  # offsets that compaction left out behind it
)
batches = st.lists(st.lists(messages, min_size=1, max_size=20), min_size=1, max_size=4)


def batch_of(rows: Sequence[Any], offset: int = 0, codec: int = 0, **producer: Any) -> bytes:
    builder = MemoryRecordsBuilder(2, codec, 1 << 20, offset=offset, **producer)
    for timestamp_ms, key, value, headers, gap in rows:
        builder.append(timestamp_ms, key, value, headers)
        builder.skip(gap)
    builder.close()
    data = bytearray(builder.buffer())  # the client writes offsets from 0 on
    struct.pack_into(">q", data, 0, offset)
    return bytes(data)


def changed(data: bytes, at: int, layout: str, value: int) -> bytes:
    """The batch with one field of its header changed, and a checksum that fits."""
    changing = bytearray(data)
    struct.pack_into(layout, changing, at, value)
    struct.pack_into(">I", changing, CRC, crc32c(bytes(changing[AFTER_CRC:])))
    return bytes(changing)


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def read(
    reader: type, data: bytes, sizes: Sequence[int] = (), fetch_offset: int = 0, **options: Any
) -> list[tuple[list[Any], int]]:
    """What each `take` returns, as rows, with the offset to go on at."""
    records = reader(fetch_offset, PARTITION, MemoryRecords(data), **options)
    taken = []
    for size in (*sizes, None):
        if records:
            rows = [as_row(record) for record in records.take(size)]
            taken.append((rows, records.next_fetch_offset))
    return taken


def as_row(record: Any) -> tuple[Any, ...]:
    row = (
        record if type(record) is tuple else (record.offset, record.timestamp, record.key, record.value, record.headers)
    )
    return (*row[:4], list(row[4]))


def assert_read_alike(data: bytes, *arguments: Any, **options: Any) -> None:
    assert read(FetchedRecords, data, *arguments, **options) == read(
        Fetcher.PartitionRecords, data, *arguments, **options
    )


def log_of(written: Sequence[Sequence[Any]], codec: int = 0) -> bytes:
    """Batches one behind the other."""
    data, offset = b"", 5
    for rows in written:
        data += batch_of(rows, offset, codec)
        offset += sum(1 + row[4] for row in rows)
    return data


@given(batches, st.lists(st.integers(1, 30), max_size=4), st.integers(0, 60), st.sampled_from([0, 1, 2, 3, 4]))
def test_any_batches_taken_in_any_portions_are_what_the_client_reads(
    written: list[list[Any]], sizes: list[int], fetch_offset: int, codec: int
) -> None:
    assert_read_alike(log_of(written, codec), sizes, fetch_offset)


def test_more_records_than_one_byte_counts_keep_their_offsets_and_times() -> None:
    rows: list[Any] = [
        (1_700_000_000_000 + 1_000 * number, b"k", b"v" * number, [], 0) for number in range(20_000, 20_300)
    ]

    assert_read_alike(batch_of(rows), [1, 7, 250])


def test_the_brokers_time_is_taken_where_the_topic_says_so() -> None:
    data = batch_of([(1_000, b"k", b"v", [], 0), (2_000, b"k", b"w", [], 0)])
    data = changed(changed(data, ATTRIBUTES, ">h", LOG_APPEND_TIME), MAX_TIMESTAMP, ">q", 7_000)

    assert [row[1] for row in read(FetchedRecords, data)[0][0]] == [7_000, 7_000]
    assert_read_alike(data)


@pytest.mark.parametrize("isolation", [IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED])
def test_aborted_transactions_and_markers_are_hidden_as_the_client_hides_them(isolation: Any) -> None:
    class Aborted:
        producer_id, first_offset = 7, 0

    def transactional(producer_id: int, offset: int, value: bytes, key: bytes = b"k") -> bytes:
        state = {"transactional": True, "producer_id": producer_id, "producer_epoch": 0, "base_sequence": 0}
        return batch_of([(1_000, key, value, [], 0)], offset, **state)

    def marker(producer_id: int, offset: int, kind: int) -> bytes:
        data = transactional(producer_id, offset, b"", struct.pack(">hh", 0, kind))
        attributes: int = struct.unpack_from(">h", data, ATTRIBUTES)[0]
        return changed(data, ATTRIBUTES, ">h", attributes | CONTROL)

    data = transactional(7, 0, b"aborted") + transactional(8, 1, b"kept") + marker(7, 2, 0) + marker(8, 3, 1)
    data += transactional(7, 4, b"kept after the abort") + marker(7, 5, 1)
    options = {"isolation_level": isolation, "aborted_transactions": [Aborted()]}

    assert_read_alike(data, [1], **options)
    values = [row[3] for rows, _ in read(FetchedRecords, data, **options) for row in rows]
    hidden = [] if isolation == IsolationLevel.READ_UNCOMMITTED else [b"aborted"]
    assert values == [value for value in (b"aborted", b"kept", b"kept after the abort") if value not in hidden]


@pytest.mark.parametrize("message_format", [0, 1])
def test_records_of_brokers_before_0_11_are_read_too(message_format: int) -> None:
    builder = MemoryRecordsBuilder(message_format, 0, 1 << 20)
    for number in range(3):
        builder.append(1_000 + number, b"k%d" % number, b"v")
    builder.close()
    data = bytes(builder.buffer())

    [(rows, next_offset)] = read(FetchedRecords, data)

    times = [-1, -1, -1] if message_format == 0 else [1_000, 1_001, 1_002]
    assert rows == [(number, times[number], b"k%d" % number, b"v", []) for number in range(3)]
    assert next_offset == 3


def test_a_batch_with_another_checksum_is_not_believed() -> None:
    data = bytearray(batch_of([(1_000, b"k", b"value", [], 0)]))
    data[-2] ^= 1

    with pytest.raises(CorruptRecordError, match="topic-0: expected a batch whose checksum fits"):
        read(FetchedRecords, bytes(data))


def test_what_came_before_a_corrupt_batch_is_delivered_first() -> None:
    good, bad = batch_of([(1_000, b"k", b"v", [], 0)]), bytearray(batch_of([(1_000, b"k", b"v", [], 0)], offset=1))
    bad[-2] ^= 1
    records = FetchedRecords(0, PARTITION, MemoryRecords(good + bytes(bad)))

    assert [row[0] for row in records.take(10)] == [0]
    assert records.next_fetch_offset == 1
    with pytest.raises(CorruptRecordError):
        records.take(10)


@given(st.lists(messages, min_size=1, max_size=5), st.data())
def test_bytes_that_are_no_records_are_refused_or_are_as_long_as_they_say(
    written: list[Any], data: st.DataObject
) -> None:
    octets = bytearray(batch_of(written)[HEADER_BYTES:])
    position = data.draw(st.integers(0, len(octets) - 1))
    octets[position] = data.draw(st.integers(0, 255))

    try:
        fields = fields_of(bytes(octets), len(written))
    except (ValueError, IndexError):
        return
    assert len(fields.key) == len(fields.value) == len(fields.headers) == len(written)


@pytest.mark.parametrize(("count", "message"), [(1, "expected 1 records in"), (3, "index out of range")])
def test_another_count_of_records_is_refused(count: int, message: str) -> None:
    octets = batch_of([(1_000, b"k", b"v", [], 0)] * 2)[HEADER_BYTES:]

    with pytest.raises((ValueError, IndexError), match=message):
        fields_of(octets, count)
