"""One node of Kafka: a process that can be killed, frozen or stopped, and started again with its data on its ports."""

import contextlib
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.kafka.jars import java

START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 30.0
PAUSE_SECONDS = 0.05
CLUSTER_ID = "c3RyZWFtZXItdGVzdHMtMQ"

PROPERTIES = """
process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},INTERNAL://127.0.0.1:{internal_port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised_port},INTERNAL://127.0.0.1:{internal_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=INTERNAL
controller.listener.names=CONTROLLER
log.dirs={directory}/log
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=4000
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=2
"""


class StartFailed(Exception):
    """A node did not come up; the message ends with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a node listens on loopback: for clients, for the other nodes, for the quorum; and where it says it does."""

    clients: int
    internal: int
    controller: int
    advertised: int


class Node:
    """``start`` only launches, so that the nodes of a quorum come up together; ``wait_until_it_answers`` waits."""

    def __init__(self, number: int, jars: Path, directory: Path, ports: Ports) -> None:
        self.number = number
        self.ports = ports
        self._jars = jars
        self._directory = directory
        self._properties = directory / "server.properties"
        self._log = directory / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._is_frozen = False

    @property
    def address(self) -> str:
        """Where its clients are sent."""
        return f"127.0.0.1:{self.ports.advertised}"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def answers(self) -> bool:
        return self.is_running and not self._is_frozen

    def format(self, voters: str, replicas: int) -> "subprocess.Popen[bytes]":
        """Begin to lay out its empty disk, for a quorum of ``1@host:port,…``. -> the process that does."""
        self._directory.mkdir()
        properties = PROPERTIES.format(
            number=self.number,
            voters=voters,
            port=self.ports.clients,
            internal_port=self.ports.internal,
            controller_port=self.ports.controller,
            advertised_port=self.ports.advertised,
            directory=self._directory,
            replicas=replicas,
            in_sync=min(replicas, 2),
        )
        self._properties.write_text(properties)
        return self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._properties))

    def start(self) -> None:
        """Launch it, the first time or again."""
        assert not self.is_running, f"node {self.number} runs already"
        self._process = self._java("kafka.Kafka", str(self._properties))

    def wait_until_it_answers(self) -> None:
        """Return when its port accepts a connection.

        Raises:
            StartFailed: the process ended, or the time is up.
        """
        port = self.ports.clients
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while self.is_running and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
                return
            time.sleep(PAUSE_SECONDS)
        last_lines = "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])
        raise StartFailed(f"kafka did not listen on 127.0.0.1:{port} within {START_TIMEOUT_SECONDS:g} s:\n{last_lines}")

    def kill(self) -> None:
        """End it as a power cut does; nothing where it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._is_frozen = False

    def terminate(self) -> None:
        """End it in good order: its partitions move to other nodes first."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(STOP_TIMEOUT_SECONDS)

    def freeze(self) -> None:
        """Stop it where it stands, its connections open."""
        self._signal(signal.SIGSTOP)
        self._is_frozen = True

    def thaw(self) -> None:
        """Let it go on as if no time had passed."""
        self._signal(signal.SIGCONT)
        self._is_frozen = False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _java(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """A process group of its own: Ctrl-C must reach whoever owns the node, who then ends it."""
        with self._log.open("ab") as sink:
            command = java(self._jars, self._directory, *arguments)
            return subprocess.Popen(command, stdout=sink, stderr=sink, process_group=0)
