"""Fetched record batches as columns, in the place of the client's loop over records.

The client decodes seven variable-length integers and makes two objects for every record, 9 of the 20 microseconds that
the daemon spends on a reading (benchmarks/bench_throughput.py). Here one loop finds where records begin, and each field
of all of them is decoded at once. Everything about batches as such stays the client's: checksums, compression, aborted
transactions, control records.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel
from kafka.record.util import decode_varint
from numpy.typing import NDArray
from typing_extensions import override

from connectors.columns import Headers, Int64

Row = tuple[int, int, bytes | None, bytes | None, Headers]  # offset, timestamp in ms, key, value, headers
Octets = NDArray[np.uint8]
_FORMAT = 2  # of messages, since Kafka 0.11
_PADDING = bytes(16)  # so that the longest integer may be read at the very end
_LONGEST_BITS = 63


class Fields(NamedTuple):
    """The fields of R records, as the client's types."""

    offset_delta: Int64  # (R,)
    timestamp_delta: Int64  # (R,)
    key: list[bytes | None]
    value: list[bytes | None]
    headers: list[Headers]


class FetchedRecords(Fetcher.PartitionRecords):  # type: ignore[misc]  # the client has no types
    """What one fetch returned of one partition; `take` returns rows and not the client's records."""

    @override
    def take(self, n: int | None = None) -> list[Row]:
        rows: list[Row] = super().take(n)
        if rows and self.record_iterator is not None:  # else the next offset is behind the last batch
            self.next_fetch_offset = rows[-1][0] + 1
        return rows

    @override
    def _maybe_skip_record(self, record: Row) -> bool:
        return record[0] < self.fetch_offset  # type: ignore[no-any-return]

    @override
    def _unpack_records(self, tp: Any, records: Any, *deserializers: Any) -> Iterator[Row]:
        while (batch := records.next_batch()) is not None:
            if self.check_crcs and not batch.validate_crc():
                raise CorruptRecordError(
                    f"{tp.topic}-{tp.partition}: expected a batch whose checksum fits, got another"
                )
            if batch.magic < _FORMAT:
                yield from self._unpack_old(batch)
                continue
            self.leader_epoch = batch.leader_epoch
            if not self._is_hidden(batch):
                self.records_read += batch.records_count
                self.bytes_read += batch.size_in_bytes
                yield from rows_of(batch)
            self.next_fetch_offset = batch.next_offset  # behind the batch's last record even where that was compacted
        self.drain()

    def _unpack_old(self, batch: Any) -> Iterator[Row]:
        """Records as brokers before 0.11 wrote them, one by one; the first format had no timestamps."""
        for record in batch:
            self.records_read += 1
            self.bytes_read += record.size_in_bytes
            timestamp_ms = -1 if record.timestamp is None else record.timestamp
            yield record.offset, timestamp_ms, record.key, record.value, ()
            self.next_fetch_offset = record.offset + 1

    def _is_hidden(self, batch: Any) -> bool:
        """Whether this is a control batch, or one of an aborted transaction."""
        if batch.has_producer_id() and self.isolation_level == IsolationLevel.READ_COMMITTED:
            self._consume_aborted_transactions_up_to(batch.last_offset)
            if self._contains_abort_marker(batch):
                self.aborted_producer_ids.discard(batch.producer_id)
            elif self._is_batch_aborted(batch):
                return True
        return bool(batch.is_control_batch)


def rows_of(batch: Any) -> Iterator[Row]:
    """The rows of one batch of the client's, of message format 2.

    Raises:
        CorruptRecordError: its bytes are not the records it says it holds.
    """
    iter(batch)  # decompresses
    data = bytes(batch._buffer[batch._pos :])  # noqa: SLF001
    try:
        fields = fields_of(data, batch.records_count)
    except (IndexError, ValueError) as error:
        raise CorruptRecordError(f"batch at offset {batch.base_offset}: {error}") from error
    if batch.timestamp_type == batch.LOG_APPEND_TIME:
        timestamp_ms = np.full_like(fields.timestamp_delta, batch.max_timestamp)
    else:
        timestamp_ms = batch.first_timestamp + fields.timestamp_delta
    offset = batch.base_offset + fields.offset_delta
    return zip(offset.tolist(), timestamp_ms.tolist(), fields.key, fields.value, fields.headers, strict=True)


def fields_of(data: bytes, count: int) -> Fields:
    """Decode ``count`` records: https://kafka.apache.org/documentation/#record.

    Raises:
        IndexError, ValueError: the bytes are not that many records.
    """
    begin, end = _bounds(data, count)
    octets = np.frombuffer(data + _PADDING, dtype=np.uint8)
    timestamp_delta, at = _integers(octets, begin + 1)  # behind a byte of attributes
    offset_delta, at = _integers(octets, at)
    key, at = _texts(data, octets, at)
    value, at = _texts(data, octets, at)
    header_count, at = _integers(octets, at)
    headers: list[Headers] = [()] * count
    for position in np.flatnonzero(header_count).tolist():
        headers[position], at[position] = _headers(data, int(header_count[position]), int(at[position]))
    if not np.array_equal(at, end):
        raise ValueError("expected records as long as they say, got others")
    return Fields(offset_delta, timestamp_delta, key, value, headers)


def _bounds(data: bytes, count: int) -> tuple[Int64, Int64]:
    """Where each record begins behind its length, and where it ends. -> (R,), (R,)."""
    begins, ends, position = [], [], 0
    for _ in range(count):
        octet = data[position]
        if octet & 0x81 == 0:
            begin, position = position + 1, position + 1 + (octet >> 1)
        else:
            length, begin = decode_varint(data, position)
            position = begin + length
        begins.append(begin)
        ends.append(position)
    if position != len(data):
        raise ValueError(f"expected {count} records in {len(data)} bytes, got {position} bytes of records")
    return np.array(begins, dtype=np.int64), np.array(ends, dtype=np.int64)


def _integers(octets: Octets, at: Int64) -> tuple[Int64, Int64]:
    """The zigzag-encoded integers that begin ``at`` these places, and the places behind them. -> (R,), (R,)."""
    octet = octets[at].astype(np.uint64)
    number, after, shift = octet & np.uint64(0x7F), at + 1, 7
    longer = np.flatnonzero(octet & np.uint64(0x80))
    while len(longer):
        if shift > _LONGEST_BITS:
            raise ValueError("expected integers of at most 64 bits, got a longer one")
        octet = octets[after[longer]].astype(np.uint64)
        number[longer] |= (octet & np.uint64(0x7F)) << np.uint64(shift)
        after[longer] += 1
        longer, shift = longer[(octet & np.uint64(0x80)) != 0], shift + 7
    return (number >> np.uint64(1)).view(np.int64) ^ -(number & np.uint64(1)).view(np.int64), after


def _texts(data: bytes, octets: Octets, at: Int64) -> tuple[list[bytes | None], Int64]:
    """The bytes, or null, that begin ``at`` these places with their length. -> R, and the places behind them (R,)."""
    length, start = _integers(octets, at)
    end = start + np.maximum(length, 0)
    if len(end) and int(end.max()) > len(data):
        raise ValueError("expected keys and values inside their batch, got a longer one")
    texts: list[bytes | None] = [data[a:b] for a, b in zip(start.tolist(), end.tolist(), strict=True)]
    for position in np.flatnonzero(length < 0).tolist():
        texts[position] = None
    return texts, end


def _headers(data: bytes, count: int, at: int) -> tuple[Headers, int]:
    """``count`` headers that begin ``at`` this place, and the place behind them."""
    headers: list[tuple[str, Any]] = []  # the client's types: a value may be null
    for _ in range(count):
        length, at = decode_varint(data, at)
        name, at = data[at : at + length].decode(), at + length
        length, at = decode_varint(data, at)
        headers.append((name, data[at : at + length] if length >= 0 else None))
        at += max(length, 0)
    return headers, at
