"""Kafka clusters of a module's own, which its tests may break, and steps that outlive processes of memory alone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from tests.conftest import unavailable
from tests.faults.proxy import Proxy
from tests.kafka.cluster import Cluster
from tests.kafka.jars import Unavailable
from tests.streamer.kept_steps import steps_are_kept

__all__ = ["cluster", "lone_broker", "start_cluster", "steps_are_kept", "wired_broker"]

StartCluster = Callable[..., Cluster]


class WiredBroker(NamedTuple):
    """A lone broker, and the wire by which clients get there unless they use its inner address."""

    cluster: Cluster
    proxy: Proxy


@pytest.fixture(scope="module")
def start_cluster() -> Iterator[StartCluster]:
    """``start_cluster(nodes=3, ...)`` is a running `Cluster`; the module's end stops it."""
    with ExitStack() as running:

        def start(nodes: int = 1, advertise: Callable[[int], int] = lambda port: port) -> Cluster:
            try:
                return running.enter_context(Cluster(nodes, advertise=advertise))
            except Unavailable as reason:
                unavailable(f"no Kafka broker: {reason}")

        yield start


@pytest.fixture(scope="module")
def cluster(start_cluster: StartCluster) -> Cluster:
    """Three nodes: replication 3, of which 2 must be in sync."""
    return start_cluster(nodes=3)


@pytest.fixture(scope="module")
def lone_broker(start_cluster: StartCluster) -> Cluster:
    """One node: while it is down there is no Kafka."""
    return start_cluster(nodes=1)


@pytest.fixture(scope="module")
def wired_broker(start_cluster: StartCluster) -> Iterator[WiredBroker]:
    """One node behind a proxy."""
    with ExitStack() as wires:
        proxies: list[Proxy] = []

        def advertise(port: int) -> int:
            proxies.append(wires.enter_context(Proxy(port)))
            return proxies[-1].port

        broker = start_cluster(nodes=1, advertise=advertise)
        yield WiredBroker(broker, *proxies)
