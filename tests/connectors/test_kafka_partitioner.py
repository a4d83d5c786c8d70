"""The partition of a key."""

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import DefaultPartitioner

from connectors.kafka_partitioner import RememberingPartitioner


class Cluster:
    """A topic of so many partitions, as far as a partitioner asks."""

    def __init__(self, partitions: int) -> None:
        self.partitions = set(range(partitions))

    def topics(self) -> set[str]:
        return {"t"}

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return self.partitions

    available_partitions_for_topic = partitions_for_topic


@given(st.binary(max_size=30), st.integers(1, 50))
def test_a_key_goes_where_every_other_client_sends_it(key: bytes, partitions: int) -> None:
    cluster = Cluster(partitions)

    ours = RememberingPartitioner().partition("t", key, key, b"", b"", cluster)

    assert ours == DefaultPartitioner().partition("t", key, key, b"", b"", cluster)


def test_a_message_without_a_key_goes_anywhere() -> None:
    partitions = {RememberingPartitioner().partition("t", None, None, b"", b"", Cluster(3)) for _ in range(200)}

    assert partitions == {0, 1, 2}
