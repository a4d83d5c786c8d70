"""Readings and judges for the tests of the engine's parts."""

from collections.abc import Sequence

import numpy as np
import torch

from connectors.columns import Readings, TopicPartition
from models.artifact import load, shipped
from streamer.alarm_options import AlarmOptions
from streamer.config import Choices
from streamer.drift_options import DriftOptions
from streamer.eviction import EvictionOptions
from streamer.judge import Judge, make_judge
from streamer.maintenance import Window
from streamer.order import OrderOptions
from streamer.phases import Phases
from streamer.rules import RuleOptions
from streamer.silence import SilenceOptions
from streamer.steps import Steps

WHERE = TopicPartition("sensors", 3)
SECOND_NS = 1_000_000_000


def judge(
    cell: str = "gru",
    channels: int = 1,
    order: OrderOptions | None = None,
    line: float = 1e-3,
    eviction: EvictionOptions | None = None,
    forecaster: str = "combiner",
    tier: str = "compact",
    horizons: Sequence[int] = (1,),
    time_zone: str = "UTC",
    device: str = "cpu",
    rules: Sequence[RuleOptions] = (),
    maintenance: Sequence[Window] = (),
    silence: SilenceOptions | None = None,
    calm_readings: int = 8,
    drift: DriftOptions | None = None,
) -> Judge:
    """A judge with shipped weights."""
    torch.set_num_threads(1)
    choices = Choices(
        channels=[f"c{number}" for number in range(channels)],
        horizons=[*horizons],
        time_zone=time_zone,
        alarm=AlarmOptions(readings_per_alarm=1 / line, calm_readings=calm_readings),
        silence=silence,
        drift=drift or DriftOptions(),
        order=order or OrderOptions(),
        eviction=eviction or EvictionOptions(),
        rules=[*rules],
        maintenance=[*maintenance],
    )
    phases = Phases(lambda: 0.0, lambda *_: None)
    steps = steps_on(torch.device(device))
    return make_judge("machines", choices, load(shipped(cell, forecaster, tier)), steps, phases)


def steps_on(device: torch.device) -> Steps:
    """Of one judge alone, unless a fixture has them kept."""
    return Steps(device)


def readings(
    series: list[str], seconds: Sequence[float], values: Sequence[Sequence[float]] | np.ndarray, first_offset: int = 0
) -> Readings:
    """One reading a record; NaN is an absent channel."""
    count = len(series)
    columns = np.asarray(values, dtype=np.float64).reshape(count, -1)
    return Readings(
        "machines",
        WHERE,
        np.array(series, dtype=object),
        np.arange(first_offset, first_offset + count),
        np.zeros(count, dtype=np.int64),
        (np.array(seconds) * SECOND_NS).astype(np.int64),
        columns,
        ~np.isnan(columns),
    )


def walk(count: int, series: int, channels: int = 1, seed: int = 0) -> Readings:
    """Random walks of many series, interleaved at random, one second apart, with a few channels missing."""
    rng = np.random.default_rng(seed)
    names = [f"pump-{number}" for number in rng.integers(series, size=count)]
    values = np.cumsum(rng.normal(size=(count, channels)), axis=0) + 100
    values[rng.random((count, channels)) < 0.05] = np.nan
    return readings(names, list(np.arange(count, dtype=float)), values)
