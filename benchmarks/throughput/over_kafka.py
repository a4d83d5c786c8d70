"""The road from real Kafka to real Kafka: a backlog is published, and a daemon in its own process works it off."""

import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from connectors.kafka_options import CreateTopics, ProducerOptions
from connectors.kafka_publish import publish
from throughput.daemon_process import Errand
from throughput.meter import Sample
from throughput.setting import setting
from throughput.workload import SOURCE, Plan, Workload

BENCHMARKS = Path(__file__).resolve().parents[1]
BROKER = BENCHMARKS.parent / "tests" / "kafka" / "broker.py"
AHEAD_READINGS = 40_000  # behind the last repetition, so that the client has something to fetch ahead to its end
_DAEMON_TIMEOUT_SECONDS = 900.0
_ONE_PARTITION = CreateTopics(partitions=1, replication_factor=1)


class BrokerUnavailableError(Exception):
    """There is no broker to measure with; the message says why."""


@contextmanager
def broker() -> Iterator[str]:
    """The address of Apache Kafka: KAFKA_BOOTSTRAP_SERVERS, or a broker of our own for the time of the block.

    Raises:
        BrokerUnavailableError: there is none, and none can be started.
    """
    if address := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield address
        return
    command = [sys.executable, str(BROKER), "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().strip() if process.stdout else ""
            if not address:
                raise BrokerUnavailableError("no broker started, for the reason above; --without-kafka does without")
            yield address
        finally:
            process.terminate()


def broker_version() -> str:
    """Which Kafka the measurements speak of."""
    if "KAFKA_BOOTSTRAP_SERVERS" in os.environ:
        return "Kafka at KAFKA_BOOTSTRAP_SERVERS"
    pom = BROKER.with_name("pom.xml").read_text(encoding="utf-8")
    version = re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([\d.]+)<", pom)
    return f"Apache Kafka {version[1] if version else 'of an unknown version'}"


class KafkaRoad:
    """A backlog on a topic of its own, which any number of daemons read from its start."""

    def __init__(self, address: str, plan: Plan, partitions: int = 1) -> None:
        self._address = address
        self._plan = plan
        self._topic = f"{SOURCE.topic}-{uuid.uuid4().hex[:8]}"
        rows = Workload(plan.series).rows(0, plan.total + min(AHEAD_READINGS, plan.readings))
        topics = CreateTopics(partitions=partitions, replication_factor=1)
        publish(ProducerOptions(bootstrap_servers=address, create_topics=topics), self._topic, rows)

    def measure(self, cell: str, form: str, delivery: str = "exactly_once") -> list[Sample]:
        """Run a daemon over the backlog.

        Raises:
            CalledProcessError: it failed; why stands on standard error.
        """
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            config = raw_config(self._address, cell, form, self._topic, max_poll_records=self._plan.batch_readings)
            config |= {"delivery": delivery, "checkpoints": {"directory": f"{folder}/checkpoints"}}
            errand = Errand(config=config, plan=self._plan)
            path = Path(folder) / "errand.json"
            path.write_bytes(msgspec.json.encode(errand))
            command = [sys.executable, "-m", "throughput.daemon_process", str(path)]
            done = subprocess.run(
                command, cwd=BENCHMARKS, stdout=subprocess.PIPE, check=True, timeout=_DAEMON_TIMEOUT_SECONDS
            )
        return msgspec.json.decode(done.stdout, type=list[Sample])


def raw_config(address: str, cell: str, form: str, topic: str, **kafka: Any) -> dict[str, Any]:
    """A daemon from one topic to topics of its own, in a group of its own; ``kafka`` is added to its table."""
    run = uuid.uuid4().hex[:8]
    topics = {"results": f"results-{run}", "alarms": f"alarms-{run}", "dead_letters": f"dead-letters-{run}"}
    outputs: dict[str, Any] = {output: {"topic": topic} for output, topic in topics.items()}
    outputs["results"]["form"] = form
    table = {
        "bootstrap_servers": address,
        "group_id": f"bench-{run}",
        "start": "earliest",
        "create_topics": msgspec.to_builtins(_ONE_PARTITION),
    }
    raw = setting(cell, kafka=table | kafka, source={"type": "kafka"}, sink={"type": "kafka"}, outputs=outputs)
    raw["groups"][0]["topics"] = [topic]
    return raw
