"""One step of the detector on a device, called as it is written and as the daemon replays it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from throughput.setting import NO_FILE, parsed, setting
from torch import Tensor

from models.column import fresh_state
from models.context import Context
from streamer.judge import Judge
from streamer.layout import WORD, Layout
from streamer.step import NEVER, Patience, Step
from streamer.wiring import make_groups, make_metrics

REPLAYED = {"cpu": "recorded", "cuda": "captured"}


@dataclass(frozen=True, slots=True)
class Steps:
    """A way to step."""

    name: str
    judge: Judge
    step: Step

    @staticmethod
    def of(device: torch.device, cell: str) -> "Iterator[Steps]":
        """Both ways on a device."""
        config = parsed(setting(cell, source=NO_FILE, device=str(device)))
        [group] = make_groups(config, make_metrics(config), lambda: 0.0)
        judge = group.judges.first
        yield Steps(f"{device.type}, called", judge, Step(judge.detector, Patience(NEVER)))
        yield Steps(f"{device.type}, {REPLAYED[device.type]}", judge, Step(judge.detector, Patience(1)))

    @property
    def moved_bytes(self) -> int:
        """That a row's state has, read and written: the least that a step can move."""
        return 2 * Layout(self.judge.detector.columns).words * WORD

    def at(self, rows: int) -> Callable[[], object]:
        """A step of so many rows."""
        detector, device, pool = self.judge.detector, self.judge.device, self.judge.pool
        block = Layout(detector.columns).pack(fresh_state(detector.columns, rows)).to(device)
        values = torch.randn((rows, 1), dtype=torch.float64, device=device)
        present = torch.ones((rows, 1), dtype=torch.bool, device=device)
        context = Context.of(torch.ones(rows, device=device), torch.zeros((rows, 2), device=device))

        @torch.inference_mode()
        def run() -> Tensor:
            return self.step(block, values, present, context, pool)[1]

        for _ in range(3):
            block = run()
        return run
