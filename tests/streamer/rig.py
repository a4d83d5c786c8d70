"""An engine over a memory source whose faults stand in its script, with everything it wrote and counted."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from connectors.columns import Records, Results, TopicPartition
from connectors.delivery import AtLeastOnce
from connectors.memory import MemorySink, MemorySource, records_of
from connectors.memory_store import Contents, MemoryStore
from connectors.ports import CheckpointStore
from streamer import config
from streamer.board import Board
from streamer.engine import Engine
from streamer.keeper import Keeper
from streamer.tenancy import Tenancy
from streamer.watchlist import Watchlist, WatchPolicy
from streamer.wiring import make_groups, make_metrics

WALK = [1.0, 1.2, 1.1, 1.4, 1.3, 1.5, 1.45, 1.6, 9.0, 1.5]
FIRST, SECOND = TopicPartition("pumps", 0), TopicPartition("pumps", 1)
CONFIG = config.parse(
    {
        "source": {"type": "replay", "files": [{"path": "none", "topic": "pumps"}]},
        "sink": {"type": "discard"},
        "groups": [{"name": "pumps", "topics": ["pumps"], "format": {"type": "json", "timestamp_field": "t"}}],
    },
    "test",
)


def batch(
    where: TopicPartition, first_offset: int, values: Iterable[Any], key: bytes = b"a", first_minute: int | None = None
) -> Records:
    """Readings of one series, a minute apart; the first minute is that of the offset unless it is given."""
    start = first_offset if first_minute is None else first_minute
    rows = [
        (key, orjson.dumps({"t": f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00Z", "value": value}))
        for minute, value in enumerate(values, start)
    ]
    return records_of(where, rows, first_offset)


class Rig:
    """An engine over a script, with everything it wrote and counted."""

    def __init__(
        self,
        script: list[Any],
        committed: dict[TopicPartition, int] | None = None,
        contents: Contents | None = None,
        interval_seconds: float = 1e9,
        settings: config.Config = CONFIG,
        oldest: Mapping[TopicPartition, int] | None = None,
        store: CheckpointStore | None = None,
    ) -> None:
        self.committed = {} if committed is None else committed
        self.contents: Contents = {} if contents is None else contents
        self.source = MemorySource(script, self.committed, oldest)
        self.sink = MemorySink()
        self.metrics = make_metrics(settings)
        self.board = Board(Watchlist(WatchPolicy(), 0.0), 1000, self.metrics)
        self.ticks = 0.0
        self.groups = make_groups(settings, self.metrics, self.clock)
        self.store = MemoryStore(self.contents)
        self.keeper = Keeper(store or self.store, interval_seconds, self.metrics.state, self.clock)
        self.delivery = AtLeastOnce(self.sink, self.source)
        self.tenancy = Tenancy(
            self.source, self.delivery, self.groups, self.keeper, self.metrics, self.clock, settings.leave_seconds
        )
        self.engine = Engine(self.source, self.delivery, self.tenancy, self.board, self.metrics, self.clock)

    def clock(self) -> float:
        self.ticks += 1.0
        return self.ticks

    def turn(self, times: int) -> "Rig":
        for _ in range(times):
            self.engine.turn()
        return self

    def written(self, kind: type[Any]) -> list[Any]:
        return [columns for columns in self.sink.durable if isinstance(columns, kind)]

    def scores(self) -> dict[tuple[int, int], float]:
        """Anomaly scores by partition and offset; a reading scored twice would fail here."""
        found: dict[tuple[int, int], float] = {}
        for results in self.written(Results):
            where = results.readings.topic_partition.partition
            for offset, score in zip(results.readings.offset.tolist(), results.anomaly_score.tolist(), strict=True):
                assert (where, offset) not in found
                found[where, offset] = score
        return found

    def metric(self, line: str) -> float:
        page = self.metrics.render(openmetrics=False).decode()
        return float(next(row for row in page.splitlines() if row.startswith(line + " ")).rsplit(" ", 1)[1])
