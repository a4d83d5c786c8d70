"""The reference for a partition: one reading at a time, each series alone in a padded tile of its own."""

from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

import numpy as np
import torch

from connectors.columns import Readings
from models import alarm
from models.calibration.epochs import close_epoch
from models.calibration.pool import Pool, fold
from models.cells import TILE_ROWS
from models.column import fresh_state
from models.context import Context
from models.outcome import Outcome
from streamer import epoch
from streamer.judge import Judge
from streamer.maintenance import Weekly
from streamer.partition import Partition
from streamer.step import Patience
from tests.stepped import SOON, stepped

COLUMNS = (
    "value",
    "forecast",
    "lower",
    "upper",
    "anomaly_score",
    "novelty",
    "surge",
    "p_value",
    "shares",
    "is_anomalous",
    "warming",
)
AHEAD = ("forecast", "lower", "upper")


@dataclass
class Memory:
    """What is remembered of one series."""

    state: dict[str, torch.Tensor]
    timestamp: int | None = None  # of the reading accepted last
    learnt: int | None = None  # and of the one learnt from last
    heard: int = 0  # the watermark then
    values: np.ndarray | None = None


@dataclass
class OpenEpoch:
    """How far the open epoch has come, and the end that it comes to."""

    accepted: int = 0
    first: int | None = None
    watermark: int | None = None

    @property
    def milliseconds(self) -> int:
        """How long it has lasted, in event time."""
        return ((self.watermark or 0) - (self.first or 0)) // 1_000_000

    def take(self, timestamp: int) -> bool:
        """Count an accepted reading, and say whether the epoch ends with it."""
        self.accepted += 1
        self.first = timestamp if self.first is None else self.first
        self.watermark = timestamp if self.watermark is None else max(self.watermark, timestamp)
        is_long = self.watermark - self.first >= epoch.MAX_WATERMARK_NS
        return self.accepted >= epoch.MAX_READINGS or (is_long and self.accepted >= epoch.MIN_READINGS)


@dataclass
class Loop:
    """The series of one partition, by name: there are no rows here."""

    judge: Judge
    patience: Patience = SOON  # `CALLED`, and the detector itself is asked every time
    series: dict[str, Memory] = field(default_factory=dict)
    epoch: OpenEpoch = field(default_factory=OpenEpoch)
    evicted: list[str] = field(default_factory=list)
    pool: Pool = field(init=False)

    def __post_init__(self) -> None:
        self.pool = self.judge.pool

    def advance(self, batch: Readings) -> dict[str, np.ndarray]:
        """Every column of the results of the accepted readings, in offset order."""
        rows: dict[str, list[np.ndarray]] = {}
        for i, name in enumerate(batch.series):
            memory = self.series.get(name) or Memory(fresh_state(self.judge.detector.columns, TILE_ROWS))
            if _is_refused(memory, int(batch.timestamp[i]), batch.values[i]):
                continue
            self.series[name] = memory
            outcome, learns = self._step(memory, batch, i)
            if learns:
                self.pool = fold(self.pool, Outcome(*(column[:1] for column in outcome)).sample)
            for column, number in _told(self.judge, memory, outcome).items():
                rows.setdefault(column, []).append(number)
            is_over = self.epoch.take(int(batch.timestamp[i]))
            memory.heard = self.epoch.watermark or 0
            if is_over:
                self.pool = close_epoch(self.pool, self.epoch.milliseconds)
                self._evict()
                self.epoch = OpenEpoch(first=self.epoch.watermark, watermark=self.epoch.watermark)
        return {name: np.stack(column) for name, column in rows.items()}

    def _step(self, memory: Memory, batch: Readings, i: int) -> tuple[Outcome, bool]:
        """Take one reading into the memory of its series. -> what is said of it, and whether it is learnt from."""
        judge, channels = self.judge, len(self.judge.channels)
        values = torch.zeros(TILE_ROWS, channels, dtype=torch.float64)
        present = torch.zeros(TILE_ROWS, channels, dtype=torch.bool)
        elapsed = torch.full((TILE_ROWS,), torch.nan)
        phases = torch.zeros(TILE_ROWS, 2)
        values[0] = torch.from_numpy(np.nan_to_num(batch.values[i]))
        present[0] = torch.from_numpy(batch.present[i])
        if memory.learnt is not None:
            elapsed[0] = (int(batch.timestamp[i]) - memory.learnt) / 1e9
        phases[0] = torch.from_numpy(judge.calendar.phases(batch.timestamp[i : i + 1]))[0]
        rule = torch.tensor([_rules(judge, str(batch.series[i]))]).expand(TILE_ROWS, channels)
        is_muted, learns = _switches(judge, str(batch.series[i]), int(batch.timestamp[i]))
        factor = judge.tolerances.of(batch.take(slice(i, i + 1)))
        tolerance = None if factor is None else torch.from_numpy(factor).expand(TILE_ROWS, -1)
        context = Context(elapsed, phases, rule, torch.full((TILE_ROWS,), is_muted), tolerance=tolerance)
        step = stepped(judge.detector, self.patience)
        with torch.inference_mode():
            outcome, state = step(values, present, context, memory.state, self.pool)
        memory.state = state if learns else {**memory.state, **alarm.only(state)}
        memory.learnt = int(batch.timestamp[i]) if learns else memory.learnt
        memory.timestamp, memory.values = int(batch.timestamp[i]), batch.values[i]
        return outcome, learns

    def _evict(self) -> None:
        options, watermark = self.judge.choices.eviction, self.epoch.watermark or 0
        by_age = sorted(self.series, key=lambda name: (self.series[name].heard, name))
        for name in by_age:
            silent_seconds = (watermark - self.series[name].heard) / 1e9
            is_silent = options.max_silent_seconds is not None and silent_seconds > options.max_silent_seconds
            if is_silent or len(self.series) > options.max_series:
                del self.series[name]
                self.evicted.append(name)


def _is_refused(memory: Memory, timestamp: int, values: np.ndarray) -> bool:
    """Whether the reading is late or an identical duplicate."""
    if memory.timestamp is None or memory.values is None:
        return False
    is_same = timestamp == memory.timestamp and np.array_equal(values, memory.values, equal_nan=True)
    return timestamp < memory.timestamp or is_same


def _told(judge: Judge, memory: Memory, outcome: Outcome) -> dict[str, np.ndarray]:
    """What the world is told of a reading that was just taken, by column."""
    with torch.inference_mode():
        explanation = judge.detector.explain(outcome)
        further = judge.detector.ahead(memory.state) if len(judge.choices.horizons) > 1 else None
    return {
        **{
            name: getattr(outcome, name)[0].numpy()
            for name in ("value", "forecast", "anomaly_score", "novelty", "surge", "warming")
        },
        **{name: getattr(explanation, name)[0].numpy() for name in ("lower", "upper", "shares")},
        "p_value": (10.0 ** -outcome.joint_surprise[:1].numpy().astype(np.float64))[0],
        "is_anomalous": outcome.is_open[0].any().numpy(),
        **({f"ahead.{name}": getattr(further, name)[0].numpy() for name in AHEAD} if further else {}),
    }


def _rules(judge: Judge, series: str) -> list[int]:
    """The number of the first rule that names the series and the channel, for each channel."""
    return [
        next(
            (
                number
                for number, rule in enumerate(judge.choices.rules, 1)
                if fnmatchcase(series, rule.series) and channel in (rule.channels or judge.channels)
            ),
            0,
        )
        for channel in judge.channels
    ]


def _switches(judge: Judge, series: str, timestamp: int) -> tuple[bool, bool]:
    """Whether a reading is muted, and whether it is learnt from. Windows are hours of every day here."""
    clock = datetime.fromtimestamp(timestamp / 1e9, ZoneInfo(judge.choices.time_zone)).strftime("%H:%M")
    windows = [one for one in judge.choices.maintenance if isinstance(one, Weekly) and fnmatchcase(series, one.series)]
    inside = [one for one in windows if one.start <= clock < one.end]
    return any(one.mute for one in inside), all(one.learn for one in inside)


def plain_loop(judge: Judge, batch: Readings, patience: Patience = SOON) -> dict[str, np.ndarray]:
    """What a fresh partition should make of this batch."""
    return Loop(judge, patience).advance(batch)


def scored(partition: Partition, batches: list[Readings]) -> dict[str, np.ndarray]:
    """What the partition makes of these batches, one after the other: every column of the results, in offset order."""
    results = [result for batch in batches for result in partition.advance(batch).results]
    ahead = [result.ahead for result in results if result.ahead]
    return {
        **{name: np.concatenate([getattr(result, name) for result in results]) for name in COLUMNS},
        **({f"ahead.{name}": np.concatenate([getattr(one, name) for one in ahead]) for name in AHEAD} if ahead else {}),
    }


def assert_equal_bits(ours: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    """Fail where a bit of a result differs."""
    assert ours.keys() == expected.keys()
    for name, column in ours.items():
        np.testing.assert_array_equal(column, expected[name].astype(column.dtype), err_msg=name)
