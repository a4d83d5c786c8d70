"""A throw-away Kafka of one or several nodes on loopback, whose nodes a test may kill, freeze and start again."""

import random
import socket
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.kafka.jars import fetch_jars
from tests.kafka.node import Node, Ports, StartFailed

PORTS = range(
    16_384, 32_768
)  # below those that the system gives to clients: none takes the port of a node that is down
ASK_SECONDS = 60.0
ASK_REQUEST_MS = 2_000  # a frozen node never answers


class Cluster:
    """``with Cluster(3) as cluster``: replication 3 of which 2 must be in sync; a single node has neither.

    Nodes are numbered from one. ``advertise`` says for a node's port where its clients are sent instead: to a proxy.
    """

    def __init__(
        self, nodes: int = 1, port: int | None = None, advertise: Callable[[int], int] = lambda port: port
    ) -> None:
        self.nodes: dict[int, Node] = {}
        self._count = nodes
        self._port = port
        self._advertise = advertise
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Start every node.

        Raises:
            Unavailable: there can be no Kafka on this machine.
            StartFailed: a node did not come up.
        """
        jars = fetch_jars()
        with ExitStack() as held:
            folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="kafka-", ignore_cleanup_errors=True)))
            self.nodes = {
                number: Node(number, jars, folder / str(number), ports)
                for number, ports in enumerate(self._ports(), start=1)
            }
            voters = ",".join(f"{node.number}@127.0.0.1:{node.ports.controller}" for node in self.nodes.values())
            replicas = min(self._count, 3)
            for formatting in [node.format(voters, replicas) for node in self.nodes.values()]:
                if formatting.wait() != 0:
                    raise StartFailed(f"kafka could not lay out its disk: expected exit 0, got {formatting.returncode}")
            for node in self.nodes.values():
                held.callback(node.kill)  # what it holds is thrown away: there is no need to ask it
                node.start()
            for node in self.nodes.values():
                node.wait_until_it_answers()
            self._held = held.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._held.close()

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of all nodes, as clients take them."""
        return ",".join(node.address for node in self.nodes.values())

    @property
    def answering_servers(self) -> str:
        """The same without those that are down or frozen, and past every proxy: for those who only look on.

        The client may wait for a frozen node until its patience for the first connection is over.
        """
        return ",".join(f"127.0.0.1:{node.ports.clients}" for node in self.nodes.values() if node.answers)

    @property
    def inner_servers(self) -> str:
        """The addresses by which the nodes know each other: who asks there is sent past every proxy."""
        return ",".join(f"127.0.0.1:{node.ports.internal}" for node in self.nodes.values())

    def start(self, number: int) -> None:
        """Start a node that has ended, and return when it answers."""
        self.nodes[number].start()
        self.nodes[number].wait_until_it_answers()

    def kill(self, number: int) -> None:
        self.nodes[number].kill()

    def terminate(self, number: int) -> None:
        self.nodes[number].terminate()

    def freeze(self, number: int) -> None:
        self.nodes[number].freeze()

    def thaw(self, number: int) -> None:
        self.nodes[number].thaw()

    def leader_of(self, topic: str, partition: int) -> int | None:
        """The node that leads a partition, None while none does."""
        leader: int = self._partition(topic, partition)["leader_id"]
        return leader if leader in self.nodes else None

    def in_sync(self, topic: str, partition: int) -> set[int]:
        """The nodes that hold every record of a partition."""
        return set(self._partition(topic, partition)["isr_nodes"])

    def _partition(self, topic: str, partition: int) -> dict[str, Any]:
        """What the cluster says of a partition. Until it has noticed that a node is gone, some questions go there."""
        deadline = time.monotonic() + ASK_SECONDS
        while True:
            try:
                described = self._described(topic)
            except KafkaError:
                if time.monotonic() > deadline:
                    raise
            else:
                return next(found for found in described["partitions"] if found["partition_index"] == partition)

    def _described(self, topic: str) -> dict[str, Any]:
        admin = KafkaAdminClient(bootstrap_servers=self.answering_servers, request_timeout_ms=ASK_REQUEST_MS)
        try:
            [described] = admin.describe_topics([topic])
        finally:
            admin.close()
        return dict(described)

    def _ports(self) -> list[Ports]:
        free = free_ports(3 * self._count)
        clients = [self._port, *free[1 : self._count]] if self._port else free[: self._count]
        return [
            Ports(port, internal, controller, self._advertise(port))
            for port, internal, controller in zip(
                clients, free[self._count : 2 * self._count], free[2 * self._count :], strict=True
            )
        ]


def free_ports(count: int) -> list[int]:
    """So many different loopback ports that nobody listens on now."""
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
        if len(found) == count:
            break
    return found
