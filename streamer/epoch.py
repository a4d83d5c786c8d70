"""Epochs: spans of one partition's accepted readings, at whose ends alone the pool changes."""

from dataclasses import dataclass, replace

import numpy as np

from connectors.columns import Bool, Int64

MAX_READINGS = 4096
MIN_READINGS = 256
MAX_WATERMARK_NS = 3_600_000_000_000  # an hour of event time


@dataclass(frozen=True, slots=True)
class Epoch:
    """Where the open epoch stands. The watermark is the highest event time accepted so far, in offset order."""

    accepted: int = 0
    first_watermark: int | None = None  # when the epoch began; None before the first reading ever
    watermark: int | None = None

    def cut(self, timestamp: Int64, accepted: Bool) -> tuple[int, bool, "Epoch"]:
        """How many of these readings belong to this epoch, whether it ends with them, and how it stands then."""
        if not accepted.any():
            return len(timestamp), False, self
        floor = np.iinfo(np.int64).min if self.watermark is None else self.watermark
        seen = np.maximum.accumulate(np.where(accepted, timestamp, floor))
        seen = np.maximum(seen, floor)
        count = self.accepted + np.cumsum(accepted)
        first = int(timestamp[accepted.argmax()]) if self.first_watermark is None else self.first_watermark
        is_over = (count >= MAX_READINGS) | ((count >= MIN_READINGS) & (seen - first >= MAX_WATERMARK_NS))
        is_over &= accepted
        ends = bool(is_over.any())
        last = int(is_over.argmax()) if ends else len(timestamp) - 1
        return last + 1, ends, Epoch(int(count[last]), first, int(seen[last]))

    @property
    def milliseconds(self) -> int:
        """How far the watermark has moved in it."""
        if self.first_watermark is None or self.watermark is None:
            return 0
        return max(self.watermark - self.first_watermark, 0) // 1_000_000

    def next(self) -> "Epoch":
        """The epoch after this one: it begins at this one's watermark."""
        return replace(self, accepted=0, first_watermark=self.watermark)
