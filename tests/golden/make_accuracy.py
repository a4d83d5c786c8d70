"""Writes accuracy-1.json: what the package TSB-AD says of small series, which ours is compared with.

The package asks for a numpy that this project cannot have, so it runs in an environment of its own:

    python -m venv ENV && ENV/bin/pip install numpy scikit-learn statsmodels matplotlib
    ENV/bin/pip install --no-deps TSB-AD==1.5
    ENV/bin/python tests/golden/make_accuracy.py
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

CASES = 16
GOLDEN = Path(__file__).with_name("accuracy-1.json")


def case(seed: int) -> tuple[Any, Any, Any]:
    """A series, its labels and scores: events short and long, side by side and at the edges, scores with ties."""
    rng = np.random.default_rng(seed)
    readings = int(rng.integers(300, 900))
    labels = np.zeros(readings, dtype=bool)
    for _ in range(int(rng.integers(1, 12))):
        start = int(rng.integers(0, readings))
        labels[start : start + int(rng.choice([1, 2, 5, 40]))] = True
    if seed % 4 == 0:
        labels[:3] = labels[-2:] = True
    labels[readings // 2] = False
    period = int(rng.integers(5, 80))
    values = np.sin(np.arange(readings) * 2 * np.pi / period) + rng.standard_normal(readings) * rng.choice([0.1, 3])
    scores = rng.standard_normal(readings) + labels * rng.choice([0.0, 1.0, 3.0])
    if seed % 3 == 0:
        scores = np.round(scores)
    return values, labels, scores


def main() -> None:
    """Ask the package."""
    from TSB_AD.evaluation.basic_metrics import basic_metricor, generate_curve  # noqa: PLC0415  # not ours
    from TSB_AD.utils.slidingWindows import find_length_rank  # noqa: PLC0415

    rows = []
    for seed in range(CASES):
        values, labels, scores = case(seed)
        window = int(find_length_rank(values.reshape(-1, 1), rank=1))
        metrics = basic_metricor()
        rows.append(
            {
                "seed": seed,
                "window": window,
                "vus_pr": float(generate_curve(labels.astype(int), scores, window, "opt", 250)[7]),
                "vus_pr_7": float(generate_curve(labels.astype(int), scores, 7, "opt", 250)[7]),
                "auc_pr": float(metrics.metric_PR(labels, scores)),
                "best_f1": float(metrics.metric_PointF1(labels, scores)),
            }
        )
    GOLDEN.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
