"""The verdicts: a directory with what people say of alarms, one file an alarm, which processes may share."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta

from connectors.disk import Disk, put_in_place, told
from connectors.errors import StoreError

SUFFIX = ".json"


class Verdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether an alarm was worth calling somebody for, with what of its record a line is moved by."""

    alarm_id: Annotated[str, Meta(min_length=1)]
    group: str
    series: str
    kind: str
    verdict: Literal["true", "false"]
    peak_ratio: Annotated[float, Meta(ge=0)]  # largest statistic to the line of the whole partition
    timestamp_ns: int  # event time of the newest record of the alarm
    days: Annotated[float, Meta(ge=1, le=36_500)] = 60.0  # of event time, from then on, for which a line is raised
    note: str = ""
    given_at: str = ""  # when it was said, ISO 8601; for people alone


class Verdicts:
    """Keeps ``<root>/<alarm_id>.json``: the last word on each alarm. Who removes a file takes the verdict back.

    Every file is written beside its place and renamed, so a reader in another process finds whole ones.
    """

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self.root = root
        self._disk = disk or Disk()

    def put(self, verdict: Verdict) -> Path:
        """Keep a verdict, in place of an earlier one on the same alarm. -> its file.

        Raises:
            StoreError: it could not be written; the one before stands.
        """
        path = self.root / f"{quote(verdict.alarm_id, safe='')}{SUFFIX}"
        with told(path, "keep a verdict"):
            self._disk.make_directory(self.root)
            put_in_place(self._disk, path, [msgspec.json.encode(verdict) + b"\n"])
        return path

    def all(self) -> list[Verdict]:
        """The verdicts that stand, by the names of their files; none where there is no directory.

        Raises:
            StoreError: one cannot be read, or is none.
        """
        with told(self.root, "list verdicts"):
            try:
                paths = sorted(path for path in self.root.iterdir() if path.suffix == SUFFIX)
            except FileNotFoundError:
                return []
        return [_read(path) for path in paths]


def _read(path: Path) -> Verdict:
    with told(path, "read a verdict"):
        content = path.read_bytes()
    try:
        return msgspec.json.decode(content, type=Verdict)
    except msgspec.DecodeError as error:
        raise StoreError(f"{path}: expected a verdict, got: {error}") from error
