"""Kafka clusters of a module's own, which its tests may break."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import unavailable
from tests.kafka.cluster import Cluster
from tests.kafka.jars import Unavailable

StartCluster = Callable[..., Cluster]


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
