"""The daemons of one consumer group as processes, and the supervisor that starts again whoever ends."""

import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.end_to_end.process import adapted, until
from tests.faults.forked import ForkedDaemon

PATIENCE_SECONDS = 120.0


class Member:
    """One member of the group: the same identity, configuration and folder in every life."""

    def __init__(self, identity: str, config: Path, variables: Mapping[str, str]) -> None:
        self.identity = identity
        self.is_frozen = False
        self._config = config
        self._variables = variables
        self.start()

    @property
    def exit_code(self) -> int | None:
        """How its life ended, None while it goes on."""
        return self._daemon.process.poll()

    @property
    def process(self) -> int:
        """The number that the system knows this life by."""
        return self._daemon.process.pid

    @property
    def is_ready(self) -> bool:
        """Whether it serves and has its partitions."""
        if "metrics on" not in self._daemon.log:
            return False
        with suppress(OSError):  # it may end while it is asked
            return self._daemon.ask("/-/ready")[0] == 200
        return False

    @property
    def log(self) -> str:
        """What it has said in all its lives."""
        return "".join(path.read_text() for path in sorted(self._config.parent.glob("*.log")))

    def ask(self, path: str) -> str:
        """What a page of its says, empty where it has none."""
        with suppress(OSError):  # it may end while it is asked
            return self._daemon.ask(path)[1]
        return ""

    @property
    def takeovers(self) -> int:
        """How many partitions it has taken over in all its lives."""
        return self.log.count("restored at offset")

    def start(self) -> None:
        """Begin the next life."""
        self._daemon = ForkedDaemon(self._config, self._config.parent, **self._variables)
        self._daemon.__enter__()

    def kill(self) -> None:
        self._daemon.kill()

    def freeze(self) -> None:
        self._daemon.process.send_signal(signal.SIGSTOP)
        self.is_frozen = True

    def thaw(self) -> None:
        self._daemon.process.send_signal(signal.SIGCONT)
        self.is_frozen = False

    def leave(self) -> int:
        """Tell it to, and wait. -> its exit code."""
        return self._daemon.leave()


class Fleet:
    """Members by number, all of one configuration but for their identity."""

    def __init__(self, folder: Path, changes: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        self.members: list[Member] = []
        self.own_exits: list[int] = []  # of those that ended by themselves
        self._folder = folder
        self._changes = changes
        self._variables = variables

    def grow_to(self, count: int) -> None:
        """Start members until there are so many."""
        for number in range(len(self.members), count):
            folder = self._folder / f"member-{number}"
            folder.mkdir(exist_ok=True)
            identity = f"{self._changes['kafka.group_id']}-{number}"
            config = adapted("sensors.yaml", folder, {**self._changes, "kafka.group_instance_id": identity})
            self.members.append(Member(identity, config, self._variables))

    def dismiss(self) -> int:
        """Tell the newest member to leave for good. -> its exit code."""
        return self.members.pop().leave()

    def revive(self) -> None:
        """Start again whoever has ended by itself, as a supervisor does."""
        for member in self.members:
            code = member.exit_code
            if code is not None:
                self.own_exits.append(code)
                member.start()

    def until(self, question: Callable[[], bool], what: str) -> None:
        """Ask again until the answer is true, and keep every member alive meanwhile."""

        def ask() -> bool:
            self.revive()
            return question()

        until(ask, f"{what}; own exits so far: {self.own_exits}; logs below {self._folder}", PATIENCE_SECONDS)

    def wake(self, frozen: Member) -> int | None:
        """Let a member go on that was frozen past its session, and start it again where that has ended it.

        -> its exit code; None where a rebalance had begun before it froze, so that its partitions were revoked when it
        woke, as from any member, and it has taken over others since.
        """
        restored = frozen.takeovers
        frozen.thaw()
        until(
            lambda: frozen.exit_code is not None or frozen.takeovers > restored,
            "the woken one has ended, or begun anew",
            PATIENCE_SECONDS,
        )
        code = frozen.exit_code
        if code is not None:
            frozen.start()
        return code

    def until_ready(self) -> None:
        """Return when every member is at work."""
        self.until(lambda: all(member.is_ready for member in self.members), "every member is ready")

    def leave(self) -> list[int]:
        """Tell all members to, once all are at work. -> their exit codes."""
        self.until_ready()
        return [member.leave() for member in self.members]

    def kill_all(self) -> None:
        """Leave no process behind."""
        for member in self.members:
            member.kill()
