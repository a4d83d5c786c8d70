"""The case of the history kind: a real broker, and all that is on its topic when a source is opened."""

import pytest

from connectors.columns import TopicPartition
from connectors.kafka_history import KafkaHistory, Span, reader
from connectors.kafka_offsets import Offsets
from connectors.ports import Source
from tests.contracts.kafka_parts import KafkaSourceCase


class HistorySourceCase(KafkaSourceCase):
    is_durable = False

    def open(self) -> Source:
        consumer = reader(self._options)
        offsets = Offsets(consumer, self._options)
        spans: dict[TopicPartition, Span] = {self.partition: Span(0, offsets.end(self.partition))}
        return KafkaHistory(self._options, consumer, spans, is_resumed=False)


def history_source_case(request: pytest.FixtureRequest) -> HistorySourceCase:
    return HistorySourceCase(request)
