"""The lookout: looks once in a while, waits for nobody, and takes no look twice."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import pytest
from typing_extensions import override

from streamer.lookout import Lookout


class Held(Executor):
    """Looks when it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[Future[Any], Callable[..., Any]]] = []

    @override
    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        self.calls.append((Future(), call))
        return self.calls[-1][0]

    def look(self) -> None:
        future, call = self.calls.pop(0)
        future.set_result(call())


class Watch:
    """A lookout on two places, with its clock in the hand."""

    def __init__(self) -> None:
        self.now, self.looker = 0.0, Held()
        looks = {place: lambda place=place: f"{place} at {self.now:g}" for place in ("north", "south")}
        self.lookout: Lookout[str] = Lookout(looks, lambda: self.now, 10.0, self.looker)

    def seen(self) -> list[str]:
        return [look.result() for _, look in self.lookout.seen()]


def test_a_place_is_looked_at_again_when_it_is_time() -> None:
    watch = Watch()
    watch.seen()
    for _ in range(2):
        watch.looker.look()

    first, waiting = watch.seen(), len(watch.looker.calls)
    watch.now = 10.0
    watch.seen()
    watch.looker.look()

    assert (first, waiting) == (["north at 0", "south at 0"], 0)
    assert watch.seen() == ["north at 10"]


def test_one_that_does_not_answer_holds_up_nobody_and_is_not_asked_twice() -> None:
    watch = Watch()
    watch.seen()
    watch.looker.look()
    watch.now = 100.0

    assert watch.seen() == ["north at 0"]
    assert watch.seen() == []
    assert len(watch.looker.calls) == 1  # of the south


@pytest.mark.parametrize("is_urgent", [True, False])
def test_whoever_cannot_wait_has_it_looked_at_once(is_urgent: bool) -> None:
    watch = Watch()
    watch.seen()
    for _ in range(2):
        watch.looker.look()
    watch.seen()

    if is_urgent:
        watch.lookout.look_soon()
    watch.seen()

    assert len(watch.looker.calls) == (2 if is_urgent else 0)
