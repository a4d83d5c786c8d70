"""The budget: how many alarms people are ready to be called by."""

from dataclasses import dataclass

import torch
from torch import Tensor

DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Budget:
    """Opened alarms of all kinds together, in one partition, as long-run means; the stricter one holds."""

    readings_per_alarm: float = 10_000.0
    alarms_per_day: float | None = None  # of event time
    kinds_share: tuple[float, ...] = (0.5, 0.5)

    def rate(self, readings_per_day: Tensor) -> Tensor:
        """The alarms wanted a reading. readings_per_day: (P,), 0 where it is not known yet -> (P,) float64."""
        rate = torch.full_like(readings_per_day, 1 / self.readings_per_alarm)
        if self.alarms_per_day is None:
            return rate
        daily = self.alarms_per_day / readings_per_day.clamp_min(1e-9)
        return torch.minimum(rate, daily)

    def rates(self, readings_per_day: Tensor) -> Tensor:
        """The same by kind. (P,) -> (P, K)."""
        return self.rate(readings_per_day).unsqueeze(1) * readings_per_day.new_tensor(self.kinds_share)
