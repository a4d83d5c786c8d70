"""The board when series are evicted: who is gone leaves the page, and whoever has its row now is another series."""

from collections import Counter
from typing import Any

import orjson
import pytest

from connectors.columns import TopicPartition
from connectors.memory import records_of
from streamer import config, epoch
from streamer.board import Board
from streamer.watchlist import Watchlist, WatchPolicy
from streamer.wiring import make_groups, make_metrics

FIRST, SECOND, THIRD = (TopicPartition("pods", number) for number in range(3))
EPOCH = 32  # readings
CONFIG = config.parse(
    {
        "source": {"type": "replay", "files": [{"path": "none", "topic": "pods"}]},
        "sink": {"type": "discard"},
        "groups": [
            {
                "name": "pods",
                "topics": ["pods"],
                "format": {"type": "json", "timestamp_field": "t", "timestamp_unit": "seconds"},
                "order": {"max_future_seconds": 1e12},
                "eviction": {"max_silent_seconds": 100},
            }
        ],
    },
    "test",
)
CALM = [10.0, 10.5, 9.8, 10.1] * (EPOCH // 4)
WILD = [*CALM[:-1], 1e6]  # ends in an anomaly


@pytest.fixture(autouse=True)
def short_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch, "MAX_READINGS", EPOCH)
    monkeypatch.setattr(epoch, "MIN_READINGS", EPOCH)


class Rig:
    """A group and its board, without an engine."""

    def __init__(self, **policy: Any) -> None:
        self.metrics = make_metrics(CONFIG)
        self.now = 0.0
        [self.group] = make_groups(CONFIG, self.metrics, lambda: self.now)
        self.board = Board(Watchlist(WatchPolicy(**policy), 0.0), 1000, self.metrics)
        self._next_offset: Counter[TopicPartition] = Counter()

    def process(self, where: TopicPartition, *spans: tuple[str, int, list[float]]) -> int:
        """One batch: the values of each series, a second apart from a first second on. -> evicted series."""
        rows = [
            (name.encode(), orjson.dumps({"t": second, "value": value}))
            for name, first_second, values in spans
            for second, value in enumerate(values, first_second)
        ]
        if where not in self.group.partitions:
            self.group.open(where)
        batch = self.group.process(records_of(where, rows, self._next_offset[where]))
        self._next_offset[where] += len(rows)
        self.board.note(self.group, where, batch.results, self.now)
        return batch.evicted

    def page(self) -> dict[tuple[str, int], float]:
        """The peak of every series shown, by its name and the number of its partition."""
        self.now += 1.0
        self.board.refresh([self.group], self.now)
        partitions = [where.partition for where in self.group.partitions]
        return {
            (name, partition): float(peak)
            for partition, snapshot in zip(partitions, self.board.snapshots, strict=True)
            for name, peak in zip(snapshot.series, snapshot.anomaly_score_max, strict=True)
        }

    def gauge(self, name: str) -> float:
        lines = self.metrics.render(openmetrics=False).decode().splitlines()
        return float(next(line for line in lines if line.startswith(name + "{")).rsplit(" ", 1)[1])


@pytest.fixture(params=[True, False], ids=["one batch", "batch by batch"])
def rig_after_an_eviction(request: pytest.FixtureRequest) -> Rig:
    """A wild series was evicted, and a calm one has its row."""
    rig = Rig()
    spans = [("wild", 0, WILD), ("steady", 1000, CALM), ("calm", 2000, CALM[:3])]
    if request.param:
        rig.process(FIRST, *spans)
    else:
        for span in spans:
            rig.process(FIRST, span)
    return rig


def test_an_evicted_series_leaves_the_page_and_its_peak_does_not_pass_to_its_successor(
    rig_after_an_eviction: Rig,
) -> None:
    rig = rig_after_an_eviction

    page = rig.page()

    assert sorted(page) == [("calm", 0), ("steady", 0)]
    assert page["calm", 0] < 1
    assert rig.group.partitions[FIRST].series.find(["calm"]).tolist() == [1]


def test_the_fleet_counts_nobody_who_is_gone(rig_after_an_eviction: Rig) -> None:
    rig = rig_after_an_eviction

    rig.page()

    assert rig.gauge("streamer_series_live") == 2
    assert rig.gauge("streamer_series_anomalous") == 0
    assert rig.gauge("streamer_series_warming") == 2


def test_a_series_in_alarm_counts_no_more_once_it_is_evicted() -> None:
    rig = Rig()
    rig.process(FIRST, ("wild", 0, WILD))
    rig.page()
    in_alarm = rig.gauge("streamer_series_anomalous")

    evicted = rig.process(FIRST, ("steady", 1000, CALM))

    rig.page()
    assert (in_alarm, rig.gauge("streamer_series_anomalous")) == (1, 0)
    assert evicted == 1


def test_the_page_tells_how_a_pool_stood_when_its_last_epoch_ended() -> None:
    rig = Rig()
    rig.process(FIRST, ("steady", 0, CALM))
    partition = rig.group.partitions[FIRST]

    rig.page()

    assert rig.gauge("streamer_alarm_line_decades") == pytest.approx(partition.pool.lines[0, 0].item())
    assert partition.take_health() is None
    rig.process(FIRST, ("steady", 1000, CALM))
    health = partition.take_health()
    assert health is not None
    assert health.lines == partition.pool.lines[0].tolist()


def test_the_page_of_a_large_fleet_forgets_the_pinned_and_the_anomalous_with_their_rows() -> None:
    rig = Rig(limit=2, pinned=("vip-*",))
    rig.process(FIRST, ("wild", 0, CALM[:3]), ("vip-1", 0, CALM[:3]), ("dull", 0, CALM[:4]), ("other", 0, CALM[:10]))
    rig.process(FIRST, ("wild", 20, WILD[-9:]))
    before = rig.page()

    rig.process(FIRST, ("steady", 1000, CALM), *((f"late-{n}", 1040, CALM[:1]) for n in range(4)))

    assert sorted(name for name, _ in before) == ["vip-1", "wild"]
    assert rig.page() == {}


def test_a_pinned_series_that_was_evicted_and_came_back_in_one_batch_stays_on_the_page() -> None:
    rig = Rig(limit=1, pinned=("vip",))
    rig.process(FIRST, ("vip", 0, CALM[:3]))

    evicted = rig.process(FIRST, ("steady", 1000, CALM), ("vip", 1040, CALM[:2]))

    assert evicted == 1
    assert sorted(rig.page()) == [("vip", 0)]


def test_a_series_evicted_where_it_was_seen_first_is_shown_where_it_still_is() -> None:
    rig = Rig()
    rig.process(FIRST, ("roamer", 0, CALM[:3]))
    rig.process(SECOND, ("roamer", 0, CALM[:3]))
    before = rig.page()

    rig.process(FIRST, ("steady", 1000, CALM))

    assert sorted(before) == [("roamer", 0)]
    assert sorted(rig.page()) == [("roamer", 1), ("steady", 0)]


def test_a_series_is_at_home_in_one_place_after_its_first_home_forgot_it() -> None:
    rig = Rig()
    for where in (FIRST, SECOND, THIRD):
        rig.process(where, ("roamer", 0, CALM[:3]))

    rig.process(FIRST, ("steady", 1000, CALM))

    assert len([name for name, _ in rig.page() if name == "roamer"]) == 1


def test_a_series_that_moves_on_after_its_eviction_is_not_split() -> None:
    rig = Rig()
    rig.process(FIRST, ("roamer", 0, CALM[:3]))
    rig.process(FIRST, ("steady", 1000, CALM))

    rig.process(SECOND, ("roamer", 1100, CALM[:3]))

    assert rig.group.splits == 0
    assert ("roamer", 1) in rig.page()


def test_a_series_that_came_back_at_once_is_still_at_home_where_it_was() -> None:
    rig = Rig()
    rig.process(FIRST, ("roamer", 0, CALM[:3]))
    rig.process(FIRST, ("steady", 1000, CALM), ("roamer", 1040, CALM[:2]))

    rig.process(SECOND, ("roamer", 1100, CALM[:3]))

    assert rig.group.splits == 1
    assert ("roamer", 0) in rig.page()
