"""The panels of what is remembered: how far it is saved, what a crash would cost, and what is near a limit."""

from config.grafana.panels import Panel, graph, target

PARTITION = "{{topic}}/{{partition}}"


def state() -> list[Panel]:
    """Whether the state of every partition is safe."""
    slowest = "histogram_quantile(0.99, sum by (le) (rate(streamer_checkpoint_{}_duration_seconds_bucket[5m])))"
    return [
        graph(
            "Records that a crash would have stepped again",
            [target("streamer_unsaved_records", PARTITION)],
            "Since the newest checkpoint of each partition.",
        ),
        graph(
            "Age of the newest checkpoint",
            [
                target("time() - streamer_checkpoint_timestamp_seconds", PARTITION),
                target("10 * max(streamer_checkpoint_interval_seconds)", "too old, unless the partition rests"),
            ],
            "A partition that rests has nothing to save, and its checkpoint grows old.",
            unit="s",
        ),
        graph(
            "Time of a checkpoint",
            [target(slowest.format("pause"), "the engine waits"), target(slowest.format("write"), "it is written")],
            "99 of 100 take less, over five minutes.",
            unit="s",
        ),
        graph("Size of a checkpoint", [target("streamer_checkpoint_bytes", PARTITION)], "The newest.", unit="bytes"),
        graph(
            "Checkpoints that failed",
            [target("sum by (action) (increase(streamer_checkpoint_failures_total[5m]))", "{{action}}")],
            "Scoring goes on from the last good one.",
        ),
        graph(
            "Catching up in silence",
            [
                target("streamer_silent_records", PARTITION),
                target("sum(rate(streamer_readings_replayed_total[$__rate_interval]))", "readings a second"),
            ],
            "Records that a restored partition steps again; their results were told before.",
        ),
        graph(
            "Limit on refused readings",
            [target("max by (group) (streamer_reject_limit_used_ratio)", "{{group}}")],
            "Used up so far. At 100 % the daemon stops.",
            unit="percentunit",
        ),
    ]
