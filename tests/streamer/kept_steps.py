"""Steps that outlive their judges: what hundreds of short lives would each record and compile anew, they share."""

from collections.abc import Iterator
from functools import cache

import pytest
import torch
from typing_extensions import override

from models.artifact import Artifact
from models.detector import DetectorOptions
from streamer import wiring
from streamer.step import Step
from streamer.steps import Steps
from tests.stepped import SOON
from tests.streamer import fleets


class KeptSteps(Steps):
    """For tests that change nothing of a model: a step that is recorded would not notice."""

    def __init__(self, device: torch.device) -> None:
        super().__init__(device, SOON if device.type == "cpu" else None)
        self._kept: set[Step] = set()

    @override
    def of(self, artifact: Artifact, horizons: tuple[int, ...], options: DetectorOptions) -> Step:
        step = super().of(artifact, horizons, options)
        self._kept.add(step)
        return step


kept = cache(KeptSteps)  # from the first test that a process runs to the last


@pytest.fixture(scope="module", autouse=True)
def steps_are_kept() -> Iterator[None]:
    """All judges that would step alike share a step, those of processes that are only played too."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (fleets, wiring):
            patch.setattr(module, "Steps", kept)
        yield
