"""A wire between clients and one server on loopback that can be cut, delayed or silenced at any time."""

import asyncio
import socket
import struct
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self, TypeVar

CHUNK_BYTES = 65_536
RESET = struct.pack("ii", 1, 0)  # as SO_LINGER: closing throws away what is under way, and says so
PATIENCE_SECONDS = 10.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Weather:
    """What the wire does to every byte."""

    is_cut: bool = False
    delay_seconds: float = 0.0
    loses_requests: bool = False
    loses_answers: bool = False


@dataclass(eq=False, slots=True)
class Line:
    """One connection of a client, and ours to the server for it."""

    client: StreamWriter
    server: StreamWriter
    has_lost: bool = False  # bytes, so that nobody can make sense of what would come next

    def reset(self) -> None:
        """End it in the client's face. The server still gets what is on its way."""
        reset(self.client)
        self.server.close()


class Proxy:
    """``with Proxy(port) as proxy``: who connects to ``proxy.port`` talks to the server on ``port``, while all is well.

    A fault holds for connections that are there and for new ones, until `heal`. All is done when a method returns.
    """

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.requested_bytes = 0  # let through to the server by now
        self._server_port = server_port
        self._weather = Weather()
        self._last_request_byte: int | None = None  # the wire is cut behind it
        self._loses_from: Callable[[bytes], bool] | None = None  # of a chunk: from it on answers are lost
        self._lines: set[Line] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._listener = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._run(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._lines)

    def heal(self) -> None:
        """Let every byte through at once again. A connection that has lost some is reset."""
        self._run(self._turn(Weather()))

    def cut(self) -> None:
        """Reset every connection, and each new one as soon as it is made."""
        self._run(self._turn(replace(self._weather, is_cut=True)))

    def cut_after(self, request_bytes: int) -> None:
        """Let so many more bytes of requests through, all connections together, then `cut`."""
        self._run(self._turn(self._weather, last_request_byte=self.requested_bytes + request_bytes))

    def delay(self, seconds: float) -> None:
        """Hold every byte for so long at least, both ways."""
        self._run(self._turn(replace(self._weather, delay_seconds=seconds)))

    def lose_answers(self) -> None:
        """Let requests through and nothing back: the server does what it is asked to, and nobody hears of it."""
        self._run(self._turn(replace(self._weather, loses_answers=True)))

    def lose_answers_from(self, is_first: Callable[[bytes], bool]) -> None:
        """Let everything through until a chunk of requests is such a one, and then no answer, to that one neither."""
        self._run(self._turn(self._weather, loses_from=is_first))

    def lose_everything(self) -> None:
        """Take connections and bytes, and let nothing through."""
        self._run(self._turn(replace(self._weather, loses_requests=True, loses_answers=True)))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)

    async def _turn(
        self,
        weather: Weather,
        last_request_byte: int | None = None,
        loses_from: Callable[[bytes], bool] | None = None,
    ) -> None:
        self._weather = weather
        self._last_request_byte, self._loses_from = last_request_byte, loses_from
        for line in list(self._lines):
            if weather.is_cut or (line.has_lost and weather == Weather()):
                line.reset()

    async def _leave(self) -> None:
        self._listener.close()
        for line in list(self._lines):
            line.reset()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, requests: StreamReader, client: StreamWriter) -> None:
        """Carry one connection to its end."""
        if self._weather.is_cut:
            reset(client)
            return
        try:
            answers, server = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            reset(client)
            return
        line = Line(client, server)
        self._lines.add(line)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry_requests(requests, line))
                both.create_task(self._carry_answers(answers, line))
        except* ConnectionError:
            line.reset()
        finally:
            self._lines.discard(line)
            client.close()
            server.close()

    async def _carry_requests(self, requests: StreamReader, line: Line) -> None:
        while chunk := await requests.read(CHUNK_BYTES):
            await asyncio.sleep(self._weather.delay_seconds)
            if self._weather.loses_requests:
                line.has_lost = True
                continue
            if self._loses_from is not None and self._loses_from(chunk):
                await self._turn(replace(self._weather, loses_answers=True))
            last = self._last_request_byte
            granted = chunk if last is None else chunk[: last - self.requested_bytes]
            self.requested_bytes += len(granted)
            line.server.write(granted)
            if self.requested_bytes == last:
                await self._turn(replace(self._weather, is_cut=True))
            await line.server.drain()
        line.server.write_eof()

    async def _carry_answers(self, answers: StreamReader, line: Line) -> None:
        while chunk := await answers.read(CHUNK_BYTES):
            await asyncio.sleep(self._weather.delay_seconds)
            if self._weather.loses_answers:
                line.has_lost = True
                continue
            line.client.write(chunk)
            await line.client.drain()
        line.client.write_eof()


def reset(writer: StreamWriter) -> None:
    """End a connection at once and so that the other side gets an error."""
    if not writer.is_closing():
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
