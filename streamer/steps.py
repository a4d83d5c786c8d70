"""The steps of a process: whoever would step alike shares one, so that it is recorded and compiled once for all."""

from weakref import WeakValueDictionary

import torch

from models.artifact import Artifact
from models.detector import Detector, DetectorOptions
from streamer.step import Patience, Step


class Steps:
    """Makes the steps on one device. One that nobody has any more is forgotten."""

    def __init__(self, device: torch.device, patience: Patience | None = None) -> None:
        """patience: for tests; else it is the device's."""
        self.device = device
        self._patience = patience
        self._made: WeakValueDictionary[tuple[str, tuple[int, ...], DetectorOptions], Step] = WeakValueDictionary()

    def of(self, artifact: Artifact, horizons: tuple[int, ...], options: DetectorOptions) -> Step:
        """The step of a detector of this artifact.

        Raises:
            ValueError: the artifact cannot forecast at the horizons.
        """
        key = artifact.name, horizons, options
        step = self._made.get(key)
        if step is None:
            detector = Detector(artifact.forecaster.at(horizons), options)
            step = self._made[key] = Step(detector.to(self.device).eval(), self._patience)
        return step
