"""The configuration file: YAML, typed and frozen; a mistake is told with file, path, expected and got."""

import math
import os
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import yaml
from msgspec import Meta, Struct

from connectors.errors import ConfigError
from connectors.formats import Format
from connectors.kafka_options import KafkaOptions
from connectors.outputs import OutputOptions
from connectors.row_files import ReplayFile
from streamer import yaml_texts
from streamer.adoption import AdoptionOptions
from streamer.alarm_options import AlarmOptions
from streamer.calendar import calendar_of
from streamer.drift_options import DriftOptions
from streamer.eviction import EvictionOptions
from streamer.feedback import Tolerance
from streamer.guard import is_loopback
from streamer.maintenance import Window
from streamer.order import OrderOptions
from streamer.reject_limit import RejectLimitOptions
from streamer.retraining.options import RetrainingOptions
from streamer.rules import RuleOptions, refuse_unknown
from streamer.silence import SilenceOptions
from streamer.training.options import KafkaData, TrainingOptions

Forecasting = Literal["combiner", "recurrent", "experts", "ewma", "seasonal_quantile", "half_space_trees"]
WITH_EXPERTS, WITH_NETWORK = ("combiner", "experts"), ("combiner", "recurrent")
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


class KafkaSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="kafka"):
    """Read the topics of the groups from the brokers of the table ``kafka``."""


class ReplaySource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="replay"):
    """Read files once, each as a topic."""

    files: Annotated[list[ReplayFile], Meta(min_length=1)]


class KafkaSink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="kafka"):
    """Write to topics of the brokers of the table ``kafka``."""


class FilesSink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="files"):
    """Write JSON lines to a directory, one file an output."""

    directory: str


class DiscardSink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="discard"):
    """Write nothing: metrics alone."""


class Channel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One channel of a group: its name, the field it is read from, and what of it is judged."""

    name: str
    field: str | None = None  # None: the name
    transform: Literal["none", "difference", "log_return", "rate"] = "none"  # models.transform


class ScoreOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a group's options decides scores."""

    channels: Annotated[list[str | Channel], Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["value"])
    horizons: list[Annotated[int, Meta(ge=1, le=100_000)]] = msgspec.field(default_factory=lambda: [1])  # in readings
    time_zone: str = "UTC"  # by whose clock a day and a week go round: a name of the IANA database
    band_coverage: Annotated[float, Meta(gt=0, lt=1)] = 0.99
    alarm: AlarmOptions = AlarmOptions()
    rules: list[RuleOptions] = []  # what is asked before something may alarm: of each channel the first that fits
    maintenance: list[Window] = []  # spans of time in which nobody is called, or nothing is learnt
    order: OrderOptions = OrderOptions()
    eviction: EvictionOptions = EvictionOptions()
    drift: DriftOptions = DriftOptions()
    silence: SilenceOptions | None = None  # None: a series may say nothing for as long as it likes

    def __post_init__(self) -> None:
        if self.horizons[:1] != [1] or self.horizons != sorted(set(self.horizons)):
            raise ValueError(f"horizons: Expected 1 and then larger ones in order, got {self.horizons}")
        calendar_of(self.time_zone)
        refuse_unknown(self.rules, [channel.name for channel in self.all_channels])

    @property
    def all_channels(self) -> list[Channel]:
        """The channels in order, short forms written out."""
        return [Channel(name=entry) if isinstance(entry, str) else entry for entry in self.channels]


class Choices(ScoreOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What decides the scores of a group beside its readings and its artifact. A change takes effect at a barrier."""

    tolerances: list[Tolerance] = []  # what people have said of alarms, see `Config.feedback`


class GroupOptions(ScoreOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One configured stream of series that share weights."""

    name: Annotated[str, Meta(min_length=1)]
    topics: list[str] = []
    topic_patterns: list[str] = []  # regular expressions that match the whole name
    format: Format
    forecaster: Forecasting | None = None  # None: of the artifact, or combiner
    tier: Literal["compact", "rich"] | None = None  # None: of the artifact, or compact
    cell: Literal["gru", "lstm"] | None = None  # None: of the artifact, or gru
    artifact: str | None = None  # path of a file or of a shelf; None: the one of these that comes with the package
    adoption: AdoptionOptions | None = AdoptionOptions()  # None: state goes on with the artifact that it was made by
    reject_limits: RejectLimitOptions = RejectLimitOptions()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_forecaster()
        if not self.topics and not self.topic_patterns:
            raise ValueError(f"Expected topics or topic_patterns in group {self.name!r}, got neither")
        for pattern in self.topic_patterns:
            try:
                re.compile(f"(?:{pattern})")  # as the client sees it: joined with others
            except re.error as error:
                raise ValueError(
                    f"Expected a regular expression in topic_patterns, got {pattern!r}: {error}"
                ) from error
        names = [channel.name for channel in self.all_channels]
        if len(set(names)) != len(names):
            raise ValueError(f"Expected different names in channels, got {names}")

    def _check_forecaster(self) -> None:
        """A setting that changes nothing is a mistake."""
        kind = self.forecaster or "combiner"
        if kind not in WITH_EXPERTS and self.tier is not None:
            raise ValueError(f"tier: Expected none with forecaster {kind}, which has no experts, got {self.tier!r}")
        if kind not in WITH_EXPERTS and self.horizons != [1]:
            raise ValueError(f"horizons: Expected [1] with forecaster {kind}, got {self.horizons}")
        if kind not in WITH_NETWORK and self.cell is not None:
            raise ValueError(f"cell: Expected none with forecaster {kind}, which has no network, got {self.cell!r}")

    @property
    def choices(self) -> Choices:
        """What of these options decides scores, where nobody has said anything of an alarm."""
        return Choices(**{name: getattr(self, name) for name in ScoreOptions.__struct_fields__})

    def holds(self, topic: str) -> bool:
        """Whether a topic is one of the group's."""
        return topic in self.topics or any(re.fullmatch(pattern, topic) for pattern in self.topic_patterns)


class HttpOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where metrics and the live page are served."""

    SECRETS: ClassVar[tuple[str, ...]] = ("token",)

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 9464  # 0: any free one
    token: str | None = None  # demanded of readers; required unless the host is loopback
    series_limit: Annotated[int, Meta(ge=0)] = 1000  # up to so many series every one has rows of its own on /metrics
    pinned: list[str] = []  # series that always have: names, with * and ? as in a shell

    def __post_init__(self) -> None:
        if not (is_loopback(self.host) or self.token):
            raise ValueError(f"Expected a token for a bind beyond loopback, got none with host {self.host!r}")


class CheckpointOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the state of partitions is kept, and how often. What was read since is read again after a crash."""

    directory: str = "checkpoints"  # may be shared by the processes of a group; each consumer group has a folder there
    interval_seconds: Annotated[float, Meta(gt=0)] = 30.0  # between two checkpoints of one partition


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    groups: Annotated[list[GroupOptions], Meta(min_length=1)]
    kafka: KafkaOptions | None = None
    source: KafkaSource | ReplaySource = KafkaSource()
    sink: KafkaSink | FilesSink | DiscardSink = KafkaSink()
    delivery: Literal["exactly_once", "at_least_once"] | None = None  # None: exactly once from Kafka to Kafka
    checkpoints: CheckpointOptions = CheckpointOptions()
    leave_seconds: Annotated[float, Meta(gt=0)] = 20.0  # for checkpoints that are waited for: the last ones above all
    outputs: OutputOptions = OutputOptions()
    feedback: str | None = None  # directory of what `streamer feedback` is told; may be shared by processes
    http: HttpOptions = HttpOptions()
    retraining: RetrainingOptions | None = None  # what `streamer retrain` demands of a challenger
    training: TrainingOptions | None = None  # what `streamer train` does; of no meaning to the daemon
    device: Annotated[str, Meta(pattern=r"auto|cpu|cuda(:\d+)?")] = "auto"

    def __post_init__(self) -> None:
        names = [group.name for group in self.groups]
        if len(set(names)) != len(names):
            raise ValueError(f"Expected groups of different names, got {names}")
        topics = [topic for group in self.groups for topic in group.topics]
        shared = {topic for topic in topics if topics.count(topic) > 1 or sum(g.holds(topic) for g in self.groups) > 1}
        if shared:
            raise ValueError(f"Expected every topic in one group, got more for {sorted(shared)}")
        self._check_kafka()
        is_kafka = isinstance(self.source, KafkaSource) and isinstance(self.sink, KafkaSink)
        if self.delivery == "exactly_once" and not is_kafka:
            raise ValueError("delivery: Expected at_least_once, unless source and sink are kafka, got exactly_once")
        if isinstance(self.source, ReplaySource):
            replayed = [file.topic for file in self.source.files]
            homeless = [topic for topic in replayed if not any(group.holds(topic) for group in self.groups)]
            if homeless:
                raise ValueError(f"Expected a group for every topic that is replayed, got none for {homeless}")
        outputs = {self.outputs.results.topic, self.outputs.alarms.topic, self.outputs.dead_letters.topic}
        for group in self.groups:
            if looped := sorted(filter(group.holds, outputs)):
                raise ValueError(f"Expected no output among the topics of group {group.name!r}, got {looped}")
        self._check_leave()

    def _check_kafka(self) -> None:
        is_kafka = isinstance(self.source, KafkaSource) or isinstance(self.sink, KafkaSink)
        if self.kafka is None and is_kafka:
            raise ValueError("Expected a table `kafka`, since source or sink is kafka, got none")
        is_kafka = self.training is not None and isinstance(self.training.data, KafkaData)
        if self.kafka is None and is_kafka:
            raise ValueError("Expected a table `kafka`, since training.data is kafka, got none")

    def _check_leave(self) -> None:
        """While a checkpoint is waited for nothing is polled, and the group must not take that for an end."""
        most = self.kafka.max_poll_interval_seconds / 2 if self.kafka else math.inf
        if self.leave_seconds > most:
            raise ValueError(
                f"leave_seconds: Expected at most {most:g}, half of kafka.max_poll_interval_seconds, "
                f"got {self.leave_seconds:g}"
            )

    @property
    def is_exactly_once(self) -> bool:
        """Whether outputs and offsets become permanent together."""
        is_kafka = isinstance(self.source, KafkaSource) and isinstance(self.sink, KafkaSink)
        return is_kafka and self.delivery != "at_least_once"

    @property
    def brokers(self) -> KafkaOptions:
        """The table `kafka`, which is there wherever source or sink is kafka."""
        if self.kafka is None:
            raise ValueError("Expected a table `kafka`, got none")
        return self.kafka


def load(path: str | Path, environment: dict[str, str] | None = None) -> Config:
    """Read a configuration file.

    Raises:
        ConfigError: the file is absent, is not YAML, or does not fit; the message names file, path, expected and got.
    """
    variables = dict(os.environ) if environment is None else environment
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: Expected a configuration file, got: {error}") from error
    try:
        raw = yaml_texts.read(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: Expected YAML, got: {' '.join(str(error).split())}") from error
    try:
        substituted = _substituted(raw, variables, str(path))
    except RecursionError as error:
        raise ConfigError(f"{path}: Expected YAML, got an alias that holds itself") from error
    return parse(substituted, str(path))


def parse(raw: Any, origin: str) -> Config:
    """Check a configuration that is in memory. ``origin`` stands in the messages for the file.

    Raises:
        ConfigError: it does not fit.
    """
    try:
        return msgspec.convert(raw, Config, strict=False)  # variables are texts, numbers among them
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin}: {error}") from error


def _substituted(node: Any, variables: dict[str, str], where: str) -> Any:
    """Replace ``${NAME}`` and ``${NAME:-default}`` in every text. Nothing left of a text is null."""
    if isinstance(node, dict):
        return {key: _substituted(value, variables, where) for key, value in node.items()}
    if isinstance(node, list):
        return [_substituted(value, variables, where) for value in node]
    if not isinstance(node, str):
        return node

    def value(match: re.Match[str]) -> str:
        found = variables.get(match["name"], match["default"])
        if found is None:
            raise ConfigError(f"{where}: Expected the environment variable {match['name']}, got none")
        return found

    replaced = _VARIABLE.sub(value, node)
    return None if replaced == "" else replaced
