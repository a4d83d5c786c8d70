"""Kafka clusters of a module's own, which its tests may break, and steps that outlive the processes of memory."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import pytest

from models.artifact import Artifact
from streamer import wiring
from streamer.config import Choices
from streamer.judge import Judge, make_judge
from tests.conftest import unavailable
from tests.faults.proxy import Proxy
from tests.kafka.cluster import Cluster
from tests.kafka.jars import Unavailable

StartCluster = Callable[..., Cluster]


class WiredBroker(NamedTuple):
    """A lone broker, and the wire by which clients get there unless they use its inner address."""

    cluster: Cluster
    proxy: Proxy


@pytest.fixture(scope="module", autouse=True)
def steps_are_kept() -> Iterator[None]:
    """Of hundreds of lives in memory each would make, record and compile the step of its own: they share one."""
    made: dict[tuple[bytes, str], Judge] = {}

    def make(group: str, choices: Choices, artifact: Artifact, **of_a_life: Any) -> Judge:
        key = msgspec.json.encode(choices), artifact.name
        if key not in made:
            made[key] = make_judge(group, choices, artifact, **of_a_life)
        return replace(made[key], group=group, choices=choices, artifact=artifact, **of_a_life)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "make_judge", make)
        yield


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
