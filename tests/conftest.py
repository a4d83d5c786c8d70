"""The real servers that tests talk to, and the rule for where one is missing: skip with the reason, in CI fail."""

import logging
import os
import queue
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from connectors.kafka_options import KafkaOptions
from tests.prometheus.server import Prometheus

BROKER = Path(__file__).resolve().parent / "kafka" / "broker.py"
BROKER_START_TIMEOUT_SECONDS = 660.0  # the first run fetches the jars
BROKER_STOP_TIMEOUT_SECONDS = 20.0
BROKER_EXIT_UNAVAILABLE = 3

MakeTopic = Callable[..., str]
StartPrometheus = Callable[[str], Prometheus]


def unavailable(reason: str) -> NoReturn:
    """Skip the test, or fail it where skipping would hide a hole: with CI=true in the environment."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"in CI nothing may be skipped: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def logs_end_with_their_test() -> Iterator[None]:
    """A command that ran in the test's own process logs to a standard error that is closed by then."""
    yield
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if type(handler) is logging.StreamHandler]:
        root.removeHandler(handler)


@pytest.fixture(scope="session")
def require() -> Callable[[str], str]:
    """``require("promtool")`` is the path of a program, or the end of the test where it is not installed."""

    def path_of(program: str) -> str:
        path = shutil.which(program)
        return path or unavailable(f"`{program}` is not on the PATH")

    return path_of


@pytest.fixture(scope="session")
def start_prometheus(
    require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartPrometheus]:
    """``start_prometheus(config)`` is a running server with this configuration; the session's end stops it."""
    program = require("prometheus")
    with ExitStack() as running:

        def start(config: str) -> Prometheus:
            return running.enter_context(Prometheus(program, tmp_path_factory.mktemp("prometheus"), config))

        yield start


def first_line(process: "subprocess.Popen[str]", timeout_seconds: float) -> str:
    """The first line of a process's standard output, empty where it ends before or the time is up."""
    lines: queue.Queue[str] = queue.Queue()
    output = process.stdout
    assert output is not None
    threading.Thread(target=lambda: lines.put(output.readline()), daemon=True).start()
    try:
        return lines.get(timeout=timeout_seconds).strip()
    except queue.Empty:
        return ""


def refuse(process: "subprocess.Popen[str]", reason: str) -> NoReturn:
    """End the test whose broker did not start: a skip only where this machine cannot have one."""
    process.terminate()  # nothing where it has ended by itself
    if process.wait(BROKER_STOP_TIMEOUT_SECONDS) != BROKER_EXIT_UNAVAILABLE:
        pytest.fail(f"the Kafka broker did not start: {reason}", pytrace=False)
    unavailable(f"no Kafka broker: {reason}")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Apache Kafka: KAFKA_BOOTSTRAP_SERVERS, or a broker of our own for this session."""
    if address := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield address
        return
    errors = tmp_path_factory.mktemp("kafka") / "errors"
    command = [sys.executable, str(BROKER), "--until-stdin-closes"]
    with (
        errors.open("w") as sink,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, text=True) as process,
    ):
        address = first_line(process, BROKER_START_TIMEOUT_SECONDS)
        try:
            if not address:
                refuse(process, errors.read_text().strip())
            yield address
        finally:
            process.terminate()
            try:
                process.wait(BROKER_STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="session")
def kafka_admin(kafka: str) -> Iterator[KafkaAdminClient]:
    """An administrator of the broker, to look at it and to change it without our own code."""
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    yield admin
    admin.close()


@pytest.fixture(scope="session")
def make_topic(kafka_admin: KafkaAdminClient) -> MakeTopic:
    """``make_topic(partitions=2, configs={...})`` creates a topic of a fresh name and returns the name."""

    def create(partitions: int = 1, configs: dict[str, str] | None = None, prefix: str = "t") -> str:
        name = f"{prefix}-{uuid.uuid4().hex[:12]}"
        kept = {"retention.ms": "-1"} | (configs or {})  # else records that tests date back may be deleted under them
        topic = {"num_partitions": partitions, "replication_factor": 1, "configs": kept}
        kafka_admin.create_topics({name: topic}, wait_for_metadata=True)
        return name

    return create


@pytest.fixture
def topic(make_topic: MakeTopic) -> str:
    """A topic of one partition with a fresh name."""
    return make_topic()


@pytest.fixture
def make_options(kafka: str) -> Callable[..., KafkaOptions]:
    """``make_options(start="latest", ...)``: a fresh group that reads from the earliest record."""

    def make(**changes: Any) -> KafkaOptions:
        settings: dict[str, Any] = {
            "bootstrap_servers": kafka,
            "group_id": f"g-{uuid.uuid4().hex[:12]}",
            "start": "earliest",
            "heartbeat_interval_seconds": 0.1,
            "fetch_max_wait_seconds": 0.1,
            "start_timeout_seconds": 20.0,
        }
        return KafkaOptions(**(settings | changes))

    return make


@pytest.fixture
def read_topic(kafka: str) -> Callable[..., list[Any]]:
    """``read_topic(name)``: every record of the topic by now, read by the plain client and not by our own code."""

    def read(topic: str, first_offset: int = 0) -> list[Any]:
        consumer = KafkaConsumer(bootstrap_servers=kafka, fetch_max_wait_ms=50)
        partitions = [TopicPartition(topic, partition) for partition in sorted(consumer.partitions_for_topic(topic))]
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, first_offset)
        ends = consumer.end_offsets(partitions)
        records = []
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for polled in consumer.poll(timeout_ms=1_000).values():
                records += polled
        consumer.close()
        return records

    return read
