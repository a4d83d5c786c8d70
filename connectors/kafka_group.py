"""A consumer group of Kafka as it is seen, and moved, from outside."""

from types import TracebackType
from typing import Self

from kafka import KafkaAdminClient, KafkaConsumer, OffsetAndMetadata
from kafka import TopicPartition as ClientPartition
from kafka.errors import RebalanceInProgressError, UnknownMemberIdError
from typing_extensions import override

from connectors.columns import TopicPartition
from connectors.errors import ConfigError
from connectors.kafka_closing import close_administrator, close_consumer
from connectors.kafka_errors import irrevocable, translated
from connectors.kafka_offsets import Offsets, name
from connectors.kafka_options import KafkaOptions
from connectors.ports import ConsumerGroup

_OCCUPIED = (UnknownMemberIdError, RebalanceInProgressError)  # what the brokers say to one who is no member


class KafkaGroup(Offsets, ConsumerGroup):
    """The group of these options, for the time of a `with` block. It never becomes a member of it.

    Raises:
        TransientError: the brokers cannot be reached.
    """

    def __init__(self, options: KafkaOptions) -> None:
        self._group_id = options.group_id
        with translated("connect"):
            self._admin = KafkaAdminClient(**options.connection_config())
            self._reader = KafkaConsumer(**options.consumer_config() | {"group_instance_id": None})
        super().__init__(self._reader, options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            close_consumer(self._reader)
        finally:
            close_administrator(self._admin)

    @override
    def members(self) -> list[str]:
        with translated(f"describe the group {self._group_id}"):
            told = self._admin.describe_groups([self._group_id])[self._group_id]
        return [f"{member['group_instance_id'] or member['member_id']} at {member['client_host'].lstrip('/')}"
                for member in told["members"]]  # fmt: skip

    @override
    def move(self, partition: TopicPartition, next_offset: int) -> None:
        offsets = {ClientPartition(*partition): OffsetAndMetadata(next_offset, "", -1)}
        with irrevocable(f"move the group {self._group_id} on {name(partition)}"):
            [answer] = self._admin.alter_group_offsets(self._group_id, offsets).values()
            if answer in _OCCUPIED:
                raise ConfigError(
                    f"kafka: group {self._group_id}: Expected nobody in it, got a member by the time that "
                    f"{name(partition)} was to be moved, which still is where it was"
                )
            if answer.errno:
                raise answer
