"""The slow, obvious way to teach a forecaster: through the detector, reading by reading. The fast ones must agree."""

from collections.abc import Callable

import torch
from torch import Tensor
from typing_extensions import override

from models import scaler
from models.calibration.budget import Budget
from models.calibration.pool import Pool, Standard
from models.column import fresh_state
from models.detector import Detector, DetectorOptions
from models.forecasters import Forecaster
from models.heads import student_t_nll
from models.training.batches import tensors
from models.training.following import ABSOLUTE_ERROR_WEIGHT
from models.training.forecast_task import ForecastTask, Lesson
from models.training.forecasting import MAX_NLL, Batch
from models.training.task import Carried, Loss
from models.transform import Transform


class DetectorTask(ForecastTask[Batch]):
    """Any forecaster is taught the next reading, each stepped by the detector exactly as it is live.

    All state is carried, so a row that is reset is a series that nobody has seen.
    """

    def __init__(self, forecaster: Forecaster, lesson: Lesson, absolute: float = ABSOLUTE_ERROR_WEIGHT) -> None:
        """absolute: what the absolute error counts beside the likelihood."""
        super().__init__(forecaster, lesson)
        self._absolute = absolute
        pool, device = Pool.fresh(Budget()), next(forecaster.parameters()).device
        self._standard = Standard(pool.table.to(device), pool.lines.to(device))
        self._detectors: dict[int, Detector] = {}  # by the number of channels

    @override
    def _taker(self, batch: Batch) -> Callable[[slice], Batch]:
        return lambda span: Batch(*(tensor[span] for tensor in tensors(batch)))

    def _detector(self, channels: int) -> Detector:
        if channels not in self._detectors:
            made = Detector(self._forecaster, DetectorOptions((Transform.NONE,) * channels))
            self._detectors[channels] = made.to(self._standard.lines.device)
        return self._detectors[channels]

    @override
    def fresh(self, window: Batch) -> dict[str, Tensor]:
        _, rows, channels = window.values.shape
        return fresh_state(self._detector(channels).columns, rows, window.values.device)

    @override
    def loss(self, window: Batch, carried: Carried, masked: Tensor) -> tuple[Loss, dict[str, Tensor]]:
        detector = self._detector(window.values.shape[2])
        state, losses, counted = dict(carried), [], []
        for t, reading in enumerate(window.readings()):
            scale = scaler.floored_scale(state)
            outcome, state = detector.step(*reading, state, self._standard)
            error = (outcome.value - outcome.forecast).float().masked_fill(~outcome.is_judged, 0.0)
            log_scale = torch.log(outcome.spread / scale)
            nll = student_t_nll(error / outcome.spread, log_scale, outcome.freedom).clamp_max(MAX_NLL)
            losses.append(nll + self._absolute * (error / scale).abs().clamp_max(MAX_NLL))
            counted.append(outcome.is_judged & window.scored[t] & (masked <= t).unsqueeze(1))
        counts = torch.stack(counted)
        total = torch.stack(losses).masked_fill(~counts, 0.0).sum()
        return Loss(total, counts.sum(), window.present.any(-1).sum()), state
