"""A cluster survives the faults that it is there for, so that what fails in other tests is not the cluster."""

import uuid
from collections.abc import Callable

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource

from tests.end_to_end.independent import Row, reading, write
from tests.end_to_end.process import until
from tests.faults.conftest import WiredBroker
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


def topic_on(cluster: Cluster, replicas: int) -> str:
    topic = f"t-{uuid.uuid4().hex[:12]}"
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": replicas}}, wait_for_metadata=True)
    admin.close()
    return topic


def put(cluster: Cluster, topic: str, numbers: range) -> None:
    write(cluster.answering_servers, topic, [Row(None, str(number).encode()) for number in numbers])


def numbers_on(cluster: Cluster, topic: str) -> list[int]:
    with reading(cluster.bootstrap_servers, topic) as reader:
        reader.read_to_end()
    return [int(record.value) for record in reader.records]


def test_a_lone_broker_comes_back_on_its_port_with_its_records(lone_broker: Cluster) -> None:
    address, topic = lone_broker.bootstrap_servers, topic_on(lone_broker, replicas=1)
    put(lone_broker, topic, range(100))

    lone_broker.kill(1)
    lone_broker.start(1)

    assert lone_broker.bootstrap_servers == address
    put(lone_broker, topic, range(100, 200))
    assert numbers_on(lone_broker, topic) == list(range(200))


@pytest.mark.parametrize(
    ("end", "bring_back"),
    [(Cluster.kill, Cluster.start), (Cluster.terminate, Cluster.start), (Cluster.freeze, Cluster.thaw)],
)
def test_another_node_leads_while_one_is_away_and_nothing_acknowledged_is_lost(
    cluster: Cluster, end: Callable[[Cluster, int], None], bring_back: Callable[[Cluster, int], None]
) -> None:
    topic = topic_on(cluster, replicas=3)
    put(cluster, topic, range(100))
    leader = until(lambda: cluster.leader_of(topic, 0), "a leader")

    end(cluster, leader)
    until(lambda: cluster.leader_of(topic, 0) not in (None, leader), "another leader")
    away = cluster.in_sync(topic, 0)
    put(cluster, topic, range(100, 200))
    bring_back(cluster, leader)
    until(lambda: cluster.in_sync(topic, 0) == {1, 2, 3}, "every replica in sync")

    assert away == {1, 2, 3} - {leader}
    assert numbers_on(cluster, topic) == list(range(200))


def test_clients_are_sent_to_the_proxy_that_a_broker_advertises_unless_they_ask_inside(
    wired_broker: WiredBroker,
) -> None:
    broker, proxy = wired_broker
    topic = topic_on(broker, replicas=1)
    counts = [proxy.requested_bytes]

    for servers in (broker.answering_servers, broker.inner_servers):
        write(servers, topic, [Row(None, bytes(10_000))])
        counts.append(proxy.requested_bytes)

    assert counts[1] > counts[0] + 10_000
    assert counts[2] == counts[1]


def test_a_topic_on_the_cluster_demands_two_replicas_in_sync(cluster: Cluster) -> None:
    topic = topic_on(cluster, replicas=3)

    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
    settings = admin.describe_configs([ConfigResource("topic", topic)], config_filter="all")["topic"][topic]
    admin.close()

    assert settings["min.insync.replicas"]["value"] == "2"
    assert cluster.in_sync(topic, 0) == {1, 2, 3}
