"""Exactly-once delivery to Kafka: outputs and the next offset of one source partition in one transaction."""

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from kafka import OffsetAndMetadata
from kafka import TopicPartition as ClientPartition
from typing_extensions import override

from connectors.columns import TopicPartition
from connectors.encode import Encoder
from connectors.errors import DoubtError, TransientError
from connectors.kafka_errors import described, translated
from connectors.kafka_offsets import name
from connectors.kafka_options import KafkaOptions
from connectors.kafka_outbox import Outbox
from connectors.ports import Columns, Delivery

log = logging.getLogger(__name__)


class Doubt:
    """The first thing whose outcome is unknown, if any. From then on nothing more is done."""

    def __init__(self) -> None:
        self._reason: str | None = None

    def refuse(self, action: str) -> None:
        """Raise DoubtError where there is a doubt; ``action`` says what will not be done."""
        if self._reason is not None:
            raise DoubtError(f"kafka: {action}: refused, for the outcome of an earlier call is unknown: {self._reason}")

    @contextmanager
    def guard(self, action: str) -> Iterator[None]:
        """Let ``action`` be done, unless there is a doubt; whatever it raises is one.

        Raises:
            DoubtError: there is a doubt.
        """
        self.refuse(action)
        try:
            yield
        except Exception as error:
            self._reason = f"{action}: {described(error)}"
            raise DoubtError(f"kafka: {self._reason}") from error


class Transactions:
    """The transactions of one source partition, one after the other, by a producer of its own.

    Its transactional id is that of the partition, so the broker refuses whatever an earlier owner still tries. A
    transaction is never aborted: the client's producer keeps the offsets of an aborted one and commits them with the
    next. It is left as it is, and ended by the next owner's `__init__`, or by the broker after its time-out.

    Raises:
        ConfigError: the broker does not allow us the transactional id.
        TransientError: the brokers cannot be reached.
    """

    def __init__(self, options: KafkaOptions, partition: TopicPartition, doubt: Doubt) -> None:
        self._partition = partition
        self._doubt = doubt
        self._membership: Any = None  # of the transaction under way
        self.is_under_way = False
        self._outbox = Outbox(options, options.transactional_config(transactional_id(options.group_id, partition)))
        try:
            with translated(f"take over {name(partition)}"):
                self._outbox.client.init_transactions()
        except BaseException:
            self._outbox.close()
            raise

    def begin(self, membership: Any | None) -> None:
        """Start a transaction, as the member of the group that ``membership`` says we are."""
        if self.is_under_way:
            raise RuntimeError(f"begin: expected no delivery of {name(self._partition)} under way, got one")
        with self._doubt.guard(f"begin {name(self._partition)}"):
            if membership is None:
                raise DoubtError("expected to be a member of the group since the last poll, got none")
            self._outbox.client.begin_transaction()
        self._membership = membership
        self.is_under_way = True

    def write(self, encoder: Encoder, columns: Columns) -> None:
        """Add the messages that the encoder makes of the columns."""
        self._demand_one_under_way("write")
        with self._doubt.guard(f"write results of {name(self._partition)}"):
            self._outbox.send(encoder.encode(columns))

    def commit(self, next_offset: int) -> None:
        """Commit what was written and the next offset, as the member of the group that began.

        The order is the guarantee: the client's own commit says that all is well also when messages were given up, so
        each is looked at first.
        """
        self._demand_one_under_way("commit")
        offsets = {ClientPartition(*self._partition): OffsetAndMetadata(next_offset, "", -1)}
        with self._doubt.guard(f"commit {name(self._partition)}"):
            self._outbox.flush()
            manager = self._outbox.client._transaction_manager  # noqa: SLF001  # the client itself would wait for ever
            self._wait_for(manager.send_offsets_to_transaction(offsets, self._membership))
            self._wait_for(manager.begin_commit())
        self.is_under_way = False

    def _wait_for(self, request: Any) -> None:
        client = self._outbox.client
        client._sender.wakeup()  # noqa: SLF001
        if not request.wait(timeout_ms=client.config["transaction_timeout_ms"]):  # by then the brokers have undone it
            raise TransientError("no answer from the brokers")

    def halt(self) -> None:
        """Send nothing more, without waiting."""
        self._outbox.halt()

    def close(self) -> None:
        """End the producer, and complete nothing."""
        try:
            self._outbox.close()
        except TransientError as error:
            log.warning("%s", error)

    def _demand_one_under_way(self, action: str) -> None:
        if not self.is_under_way:
            raise RuntimeError(f"{action}: expected a delivery of {name(self._partition)} that has begun, got none")


class ExactlyOnce(Delivery):
    """Delivers to Kafka, each source partition by transactions of its own.

    ``membership`` says who we were in the group right after the last poll (`KafkaSource.membership`). A delivery is
    committed by whom it was begun by: the broker refuses the offset of a member that is none any more only where it is
    told which one that is. Deliveries of different partitions may be under way at a time, and be committed by different
    threads: they share nothing but the doubt. The topics must exist: see `kafka_cluster.ensure_topics`.
    """

    def __init__(self, options: KafkaOptions, encoder: Encoder, membership: Callable[[], Any | None]) -> None:
        self._options = options
        self._encoder = encoder
        self._membership = membership
        self._doubt = Doubt()
        self._open: dict[TopicPartition, Transactions] = {}
        self._begun: Transactions | None = None  # what `write` adds to

    @override
    def open(self, partition: TopicPartition) -> None:
        if partition in self._open:
            raise RuntimeError(f"open: expected a partition that is not open, got {name(partition)}")
        self._doubt.refuse(f"open {name(partition)}")
        self._open[partition] = Transactions(self._options, partition, self._doubt)

    @override
    def release(self, partition: TopicPartition) -> None:
        transactions = self._of(partition)
        if transactions.is_under_way:
            raise RuntimeError(f"release: expected no delivery of {name(partition)} under way, got one")
        del self._open[partition]
        transactions.close()

    @override
    def begin(self, partition: TopicPartition) -> None:
        self._begun = self._of(partition)
        self._begun.begin(self._membership())

    @override
    def write(self, columns: Columns) -> None:
        if self._begun is None:
            raise RuntimeError("write: expected a delivery that has begun, got none")
        self._begun.write(self._encoder, columns)

    @override
    def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        """Commit side by side: each transaction mostly waits for the brokers."""
        commits = [partial(self._of(partition).commit, next_offset) for partition, next_offset in next_offsets.items()]
        if len(commits) == 1:
            commits[0]()
            return
        with ThreadPoolExecutor(len(commits), thread_name_prefix="commits") as threads:
            for done in [threads.submit(commit) for commit in commits]:
                done.result()

    @override
    def close(self) -> None:
        for transactions in self._open.values():  # all at once, then one after the other
            transactions.halt()
        while self._open:
            self._open.popitem()[1].close()

    def _of(self, partition: TopicPartition) -> Transactions:
        if partition not in self._open:
            raise RuntimeError(f"expected a partition that is open, got {name(partition)}")
        return self._open[partition]


def transactional_id(group_id: str, partition: TopicPartition) -> str:
    """The id under which the outputs of a source partition are written, whoever owns it. No topic has a colon."""
    return f"{group_id}:{partition.topic}:{partition.partition}"
