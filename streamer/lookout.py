"""A lookout: looks at places outside in a thread of its own, which may take its time: a share may be away."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Sight = TypeVar("Sight")


class Lookout(Generic[Sight]):
    """Takes all looks once in a while, and again when everything is taken that was seen before."""

    def __init__(
        self,
        looks: Mapping[str, Callable[[], Sight]],
        clock: Callable[[], float],
        look_seconds: float,
        looker: Executor | None = None,
    ) -> None:
        """``looks`` by the name of the place."""
        self._looks = looks
        self._clock = clock
        self._look_seconds = look_seconds
        self._looker = looker or ThreadPoolExecutor(1, thread_name_prefix="lookout")
        self._looked_at = float("-inf")
        self._looking: list[tuple[str, Future[Sight]]] = []

    def look_soon(self) -> None:
        """Look again at once."""
        self._looked_at = float("-inf")

    def seen(self) -> Iterator[tuple[str, Future[Sight]]]:
        """The looks that are done, each once, by the name of the place; then it is looked again. Never waits."""
        done = [one for one in self._looking if one[1].done()]
        self._looking = [one for one in self._looking if one not in done]
        yield from done
        now = self._clock()
        if not self._looking and now - self._looked_at >= self._look_seconds:
            self._looked_at = now
            self._looking = [(place, self._looker.submit(look)) for place, look in self._looks.items()]

    def close(self) -> None:
        """Let go."""
        if isinstance(self._looker, ThreadPoolExecutor):
            self._looker.shutdown(wait=False, cancel_futures=True)
