"""The fuse of the crash tests: it counts the calls that leave the process, and ends everything at the nth."""

import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from types import ModuleType
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

VARIABLE = "FUSE"  # arms a child process: `2 after KafkaProducer.flush`
EXIT_CODE = 137  # what a shell says of `kill -9`

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Crashed(BaseException):
    """The process is dead: no `except Exception` holds this up, and no call gets out any more."""


class Moment(StrEnum):
    """Whether the call that blows the fuse was still done. After it, its answer is lost."""

    BEFORE = "before"
    AFTER = "after"


def crash(call: str) -> NoReturn:
    """End a process that is played inside a test, whose objects the test then throws away."""
    raise Crashed(call)


def exit_at_once(call: str) -> NoReturn:
    """End a real process: nothing is flushed, no `finally` runs."""
    sys.stderr.write(f"fuse: blown at {call}\n")
    sys.stderr.flush()
    os._exit(EXIT_CODE)


class Fuse:
    """Counts calls through it and blows at the ``nth``, from one, of all or of one name; never where that is None.

    Once blown it stays so: every later call fails before it is done, whichever thread makes it. Calls that
    were under way then are done, and their answers lost.
    """

    def __init__(
        self,
        nth: int | None = None,
        moment: Moment = Moment.BEFORE,
        name: str | None = None,
        end: Callable[[str], NoReturn] = crash,
    ) -> None:
        self.calls: list[str] = []  # their names, in order; the last one blew it
        self.is_blown = False
        self._nth = nth
        self._moment = moment
        self._name = name
        self._end = end
        self._lock = threading.Lock()

    @classmethod
    def of_process(cls, environment: Mapping[str, str]) -> "Fuse":
        """The fuse that `armed` asks this process to have."""
        if VARIABLE not in environment:
            return cls(end=exit_at_once)
        nth, moment, name = environment[VARIABLE].split()
        return cls(int(nth), Moment(moment), name, exit_at_once)

    def through(self, name: str, call: Callable[P, R]) -> Callable[P, R]:
        """The same call through this fuse, counted under a name."""

        @functools.wraps(call)
        def counted(*arguments: P.args, **options: P.kwargs) -> R:
            is_last = self._count(name)
            if is_last and self._moment is Moment.BEFORE:
                self._blow(name)
            try:
                return call(*arguments, **options)
            finally:
                if is_last or self.is_blown:
                    self._blow(name)

        return counted

    def _count(self, name: str) -> bool:
        """Note the call. -> whether it is the one that blows."""
        with self._lock:
            if self.is_blown:
                self._end(name)
            self.calls.append(name)
            if self._name is None:
                return len(self.calls) == self._nth
            return name == self._name and self.calls.count(name) == self._nth

    def _blow(self, name: str) -> NoReturn:
        self.is_blown = True
        self._end(name)


def armed(nth: int, moment: Moment, name: str) -> dict[str, str]:
    """The environment variables that give a child process a fuse, which blows at the nth call of this name."""
    return {VARIABLE: f"{nth} {moment} {name}"}


def fused(part: T, fuse: Fuse, methods: tuple[str, ...]) -> T:
    """The same part, with these methods through the fuse and everything else as it was."""
    return cast(T, _Fused(part, fuse, methods))


@contextmanager
def laid_in(owner: type | ModuleType, fuse: Fuse, names: tuple[str, ...]) -> Iterator[None]:
    """Lead functions of a class or module through the fuse for the time of the block, whoever calls them."""
    before = {name: getattr(owner, name) for name in names}
    for name, call in before.items():
        setattr(owner, name, fuse.through(f"{owner.__name__}.{name}", call))
    try:
        yield
    finally:
        for name, call in before.items():
            setattr(owner, name, call)


class _Fused:
    """Stands in front of a part."""

    def __init__(self, part: object, fuse: Fuse, methods: tuple[str, ...]) -> None:
        self._part = part
        kind = type(part).__name__
        self._counted = {name: fuse.through(f"{kind}.{name}", getattr(part, name)) for name in methods}

    def __getattr__(self, name: str) -> Any:
        return self._counted.get(name) or getattr(self._part, name)
