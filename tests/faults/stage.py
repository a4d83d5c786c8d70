"""Fresh topics for the daemons of a fault test, the configuration that leads there, and what they hold at the end."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.end_to_end.independent import Row, committed, ends, reading, write
from tests.end_to_end.process import until
from tests.faults.comparison import Comparison
from tests.faults.undisturbed import OUTPUTS, READING, keyed, undisturbed

EXACTLY_ONCE: dict[str, Any] = {
    "delivery": "exactly_once",
    "checkpoints": {"directory": "${CHECKPOINTS}", "interval_seconds": 2},
}
SOON: dict[str, Any] = {  # the session is the shortest that brokers allow; the rest makes many short deliveries
    "kafka.session_timeout_seconds": 6,
    "kafka.heartbeat_interval_seconds": 1,
    "kafka.fetch_max_wait_seconds": 0.1,
    "kafka.max_poll_records": 50,
}
OUTPUT_PARTITIONS = 4
NONE: Mapping[str, Any] = MappingProxyType({})


class Stage:
    """A source, a group and outputs of names that are new. All topics have as many replicas as ``replicas`` says.

    ``changes`` are those to config/sensors.yaml, ``variables`` the environment that a daemon needs. ``wire`` is where
    daemons are sent instead of ``kafka``, which stays the address of those who publish and look on.
    """

    def __init__(
        self,
        kafka: str,
        folder: Path,
        partitions: int = 2,
        replicas: int = 1,
        delivery: Mapping[str, Any] = EXACTLY_ONCE,
        wire: str | None = None,
    ) -> None:
        token = uuid.uuid4().hex[:8]
        self.source = self.group = f"stage-{token}"
        self.topics = {output: f"{output}-{token}" for output in OUTPUTS}
        outputs = {f"outputs.{output}.topic": topic for output, topic in self.topics.items()}
        names = {"kafka.group_id": self.group, "groups.0.topics": [self.source], "http.port": 0}
        self.changes: dict[str, Any] = {**READING, **SOON, **outputs, **names, **delivery}
        self.variables = {"KAFKA_BOOTSTRAP_SERVERS": wire or kafka, "CHECKPOINTS": str(folder / "checkpoints")}
        self.partitions = partitions
        self.transactional_ids = [f"{self.group}:{self.source}:{number}" for number in range(partitions)]
        self._kafka = kafka
        self._folder = folder
        self._replicas = replicas
        self._progress = 0

    def make_topics(self) -> None:
        """Make the topics that the daemons need."""
        partitions = dict.fromkeys(self.topics.values(), OUTPUT_PARTITIONS) | {self.source: self.partitions}
        with closing(KafkaAdminClient(bootstrap_servers=self._kafka)) as admin:
            for topic, count in partitions.items():
                kept = {"retention.ms": "-1"}
                layout = {"num_partitions": count, "replication_factor": self._replicas, "configs": kept}
                admin.create_topics({topic: layout}, wait_for_metadata=True)

    def publish(self, rows: Sequence[Row]) -> None:
        """Put records on the source topic and return when they are there."""
        write(self._kafka, self.source, rows)

    def progress(self) -> int:
        """Records on the results topic, whatever will become of them; as many as the last time, if nobody says."""
        with suppress(KafkaError):
            self._progress = sum(ends(self._kafka, self.topics["results"]).values())
        return self._progress

    def is_in_transaction(self) -> bool:
        """Whether a delivery is under way that has written results."""
        results = self.topics["results"]
        return ends(self._kafka, results, "read_committed") != ends(self._kafka, results)

    def end_of_transaction(self, transactional_id: str) -> str:
        """How the last transaction of this id ended, as its coordinator has it, once every partition has been told."""
        with closing(KafkaAdminClient(bootstrap_servers=self._kafka)) as admin:

            def end() -> str | None:
                state = admin.describe_transactions([transactional_id])[transactional_id].state.value
                return state if state.startswith("Complete") else None

            return str(until(end, f"the transaction of {transactional_id} has ended"))

    def is_all_committed(self) -> bool:
        """Whether the group has committed the end of every partition; not, as far as brokers do not say."""
        with suppress(KafkaError):
            return committed(self._kafka, self.group, self.source) == ends(self._kafka, self.source)
        return False

    def members(self) -> set[str]:
        """The instance ids of those whom the brokers have in the group."""
        with closing(KafkaAdminClient(bootstrap_servers=self._kafka)) as admin:
            told = admin.describe_groups([self.group])[self.group]
        return {member["group_instance_id"] for member in told["members"]}

    def compare(self, published: Sequence[Row], changes: Mapping[str, Any] = NONE) -> dict[str, Comparison]:
        """What is there to be read now, beside what these records come to when nothing happens.

        ``changes`` are those to the configuration that decide scores, beside `READING`.
        """
        folder = self._folder / "undisturbed"
        folder.mkdir()
        expected = undisturbed(published, folder, changes)
        return {output: Comparison(dict(expected[output]), self._found(topic)) for output, topic in self.topics.items()}

    def _found(self, topic: str) -> list[tuple[tuple[int, int, int, str], str]]:
        with reading(self._kafka, topic, "read_committed") as reader:
            reader.read_to_end()
        return [keyed(record.value) for record in reader.records]
