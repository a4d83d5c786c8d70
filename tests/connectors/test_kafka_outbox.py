"""What the lean producer works out by itself, against the client's own answers."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder

from connectors.kafka_outbox import largest_size_bytes

texts = st.none() | st.binary(max_size=300)


@given(texts, texts, st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=300)), max_size=4))
def test_a_message_is_never_larger_than_the_size_it_is_admitted_by(key: Any, value: Any, headers: Any) -> None:
    builder = DefaultRecordBatchBuilder(2, 0, False, 1, 0, 0, 1 << 20)
    builder.append(0, 1_700_000_000_000, key, value, headers)
    written_bytes = len(builder.build())
    of_names_bytes = sum(4 * len(name) - len(name.encode()) for name, _ in headers)

    size_bytes = largest_size_bytes(key, value, headers)

    assert written_bytes <= size_bytes <= written_bytes + of_names_bytes + 50 + 10 * len(headers)
