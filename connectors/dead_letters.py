"""Refused records as JSON: bytes, origin and reasons, cut where they are too large to carry."""

import base64
import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.columns import Reason, Records, Rejects

SCHEMA_VERSION = 1
_CUT_VALUE_BYTES = 4_096
_CUT_KEY_BYTES = 512
_CUT_HEADERS_BYTES = 2_048
_CUT_REJECTED = 20
_DETAIL_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class _Refused:
    """One record, and what is wrong with which of its readings."""

    group: str
    records: Records
    position: int
    rejected: list[dict[str, Any]]
    is_absent: bool  # read before these records: the source alone has its bytes


def dead_letters(
    rejects: Rejects, count_only: Collection[Reason], max_message_bytes: int
) -> Iterator[tuple[bytes | None, bytes]]:
    """One (key, value) for every refused record, in offset order, none where all its reasons are only counted.

    A letter that would exceed ``max_message_bytes`` is cut: it holds the first bytes of key and value, the first
    headers and the first reasons, says so, and names the length and the SHA-256 of the whole value. It always fits.
    """
    reasons: dict[int, list[dict[str, Any]]] = {}
    for offset, index, reason, detail in zip(
        rejects.offset.tolist(), rejects.index.tolist(), rejects.reason, rejects.detail, strict=True
    ):
        if reason not in count_only:
            rejected = {"index": index, "reason": reason.value, "detail": detail[:_DETAIL_CHARACTERS]}
            reasons.setdefault(offset, []).append(rejected)
    positions = {offset: position for position, offset in enumerate(rejects.records.offset.tolist())}
    for offset in sorted(reasons):
        is_absent = offset not in positions
        records = Records.unknown(rejects.records.topic_partition, offset) if is_absent else rejects.records
        position = positions.get(offset, 0)
        yield _letter(_Refused(rejects.group, records, position, reasons[offset], is_absent), max_message_bytes)


def _letter(refused: _Refused, max_message_bytes: int) -> tuple[bytes | None, bytes]:
    key = refused.records.key[refused.position]
    if _size_bytes(refused.records, refused.position) <= max_message_bytes:
        letter = _encode(refused, is_cut=False)
        if len(letter) + len(key or b"") <= max_message_bytes:
            return key, letter
    return key and key[:_CUT_KEY_BYTES], _encode(refused, is_cut=True)


def _size_bytes(records: Records, position: int) -> int:
    """A lower bound on the size of the whole letter, so that what cannot fit is not encoded first."""
    return (4 * len(records.value[position] or b"")) // 3 + len(records.key[position] or b"")


def _encode(refused: _Refused, *, is_cut: bool) -> bytes:
    records, position, rejected = refused.records, refused.position, refused.rejected
    key, value, headers = records.key[position], records.value[position], list(records.headers[position])
    letter = {
        "schema_version": SCHEMA_VERSION,
        "group": refused.group,
        "topic": records.topic_partition.topic,
        "partition": records.topic_partition.partition,
        "offset": int(records.offset[position]),
        "timestamp_ms": int(records.timestamp_ms[position]),
        "record_absent": refused.is_absent,
        "key_base64": _base64(key, _CUT_KEY_BYTES if is_cut else None),
        "value_base64": _base64(value, _CUT_VALUE_BYTES if is_cut else None),
        "value_bytes": None if value is None else len(value),
        "value_sha256": None if value is None else hashlib.sha256(value).hexdigest(),
        "truncated": is_cut,
        "headers": [[name, _base64(content, None)] for name, content in (_first(headers) if is_cut else headers)],
        "rejected": rejected[:_CUT_REJECTED] if is_cut else rejected,
        "rejected_total": len(rejected),
    }
    return orjson.dumps(letter)


def _base64(content: bytes | None, limit: int | None) -> str | None:
    return None if content is None else base64.b64encode(content[:limit]).decode()


def _first(headers: list[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """The first headers that fit into the bound together."""
    room_bytes = _CUT_HEADERS_BYTES
    for name, content in headers:
        room_bytes -= len(name.encode()) + len(content or b"")
        if room_bytes < 0:
            return
        yield name, content
