"""Writes docs/metrics.md, the list of all metrics: ``python -m streamer.metrics_reference > docs/metrics.md``."""

from collections.abc import Iterable

from streamer.metrics import Description, Metrics
from streamer.series_block import FAMILIES

HEADING = """\
# Metrics

What `/metrics` says, written by `python -m streamer.metrics_reference` from the code itself.

Units are in the names; counters end in `_total` and start at zero for every known label value. No row carries a
timestamp. Whenever no batch is under way, every reading is accounted for:

```promql
streamer_readings_read_total + streamer_readings_inherited
  == streamer_readings_scored_total + sum without (reason) (streamer_readings_rejected_total)
    + streamer_readings_joined_total + streamer_readings_held
```
"""
SERIES_HEADING = """
## Single series

Every series has these rows while there are no more of them than `streamer_exported_series_limit`; above that the
pinned and the recently anomalous ones have. A number that is missing leaves its row out, and a series that has left
is gone at the next scrape. To do without them, drop them where Prometheus scrapes:

```yaml
metric_relabel_configs:
  - source_labels: [__name__]
    regex: streamer_series_(value|forecast|forecast_lower|forecast_upper|anomaly_score|anomaly_score_max|novelty)
    action: drop
```

"""
PROCESS = """
Beside them stand the `process_*` metrics of the Prometheus client: CPU, memory, open files, start time.
"""


def reference() -> str:
    """Write the whole document."""
    daemon = Metrics(groups=()).descriptions
    series = [Description(family.name, "gauge", family.labels, family.description) for family in FAMILIES]
    return HEADING + "\n## The daemon\n\n" + _table(daemon) + PROCESS + SERIES_HEADING + _table(series)


def _table(descriptions: Iterable[Description]) -> str:
    lines = ["| metric | type | labels | meaning |", "|---|---|---|---|"]
    for one in descriptions:
        labels = ", ".join(f"`{label}`" for label in one.labels)
        lines.append(f"| `{one.name}` | {one.kind} | {labels} | {one.text} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(reference(), end="")
