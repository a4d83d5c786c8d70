"""Verdicts to keep and to go by."""

from typing import Any

from connectors.verdicts import Verdict

NOON_NS = 1_767_268_800_000_000_000  # 2026-01-01T12:00:00Z
DAY_NS = 86_400_000_000_000


def verdict_of(alarm_id: str = "a1", verdict: str = "false", peak_ratio: float = 2.0, **changes: Any) -> Verdict:
    """A verdict on a spike of the series ``a`` at noon."""
    usual = {"group": "pumps", "series": "a", "kind": "spike", "timestamp_ns": NOON_NS, "days": 10.0}
    return Verdict(alarm_id=alarm_id, verdict=verdict, peak_ratio=peak_ratio, **(usual | changes))  # type: ignore[arg-type]
