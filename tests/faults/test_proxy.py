"""The wire of the fault tests does what it says, between real sockets."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.end_to_end.process import until
from tests.faults.proxy import Proxy

SILENCE_SECONDS = 0.2  # an answer over loopback takes a hundredth of it


class Echo(socketserver.ThreadingTCPServer):
    """Answers every byte by itself, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked = bytearray()
        super().__init__(("127.0.0.1", 0), Answer)

    @property
    def port(self) -> int:
        port: int = self.socket.getsockname()[1]
        return port


class Answer(socketserver.BaseRequestHandler):
    server: Echo

    def handle(self) -> None:
        with suppress(ConnectionError):
            while chunk := self.request.recv(65_536):
                self.server.asked += chunk
                self.request.sendall(chunk)


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(echo.port) as wire:
        yield wire


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with connected(proxy) as connection:
        assert asked(connection, b"hello") == b"hello"
        yield connection


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def asked(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    return received(connection, len(request))


def received(connection: socket.socket, count: int) -> bytes:
    answer = b""
    while len(answer) < count and (chunk := connection.recv(count - len(answer))):
        answer += chunk
    return answer


def test_a_whole_wire_carries_more_than_its_buffers_both_ways(proxy: Proxy, client: socket.socket) -> None:
    request = bytes(range(256)) * 40_000
    sender = threading.Thread(target=client.sendall, args=[request])

    sender.start()
    answer = received(client, len(request))
    sender.join()

    assert answer == request
    assert proxy.requested_bytes == len(b"hello") + len(request)


def test_a_wire_passes_the_end_of_what_a_client_says(proxy: Proxy, client: socket.socket) -> None:
    client.sendall(b"last words")
    client.shutdown(socket.SHUT_WR)

    assert received(client, 100) == b"last words"
    until(lambda: proxy.connections == 0, "the connection is over")


def test_a_cut_resets_what_is_there_and_what_is_made_until_the_wire_heals(proxy: Proxy, client: socket.socket) -> None:
    proxy.cut()

    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert is_refused(proxy)
    proxy.heal()
    with connected(proxy) as again:
        assert asked(again, b"back") == b"back"


def test_a_delay_holds_requests_and_answers(proxy: Proxy, client: socket.socket) -> None:
    proxy.delay(0.1)
    began = time.monotonic()

    answer = asked(client, b"slow")

    assert answer == b"slow"
    assert time.monotonic() - began >= 0.2
    proxy.heal()
    assert asked(client, b"as before") == b"as before"


def test_a_lost_answer_is_one_to_a_request_that_was_done(echo: Echo, proxy: Proxy, client: socket.socket) -> None:
    proxy.lose_answers()
    client.sendall(b"commit")

    until(lambda: echo.asked == b"hellocommit", "the server was asked")
    assert is_silent(client)


def test_answers_are_lost_from_a_request_on(echo: Echo, proxy: Proxy, client: socket.socket) -> None:
    proxy.lose_answers_from(lambda chunk: chunk.startswith(b"commit"))

    assert asked(client, b"begin") == b"begin"
    client.sendall(b"commit")

    until(lambda: echo.asked == b"hellobegincommit", "the server was asked")
    assert is_silent(client)


def test_a_black_hole_takes_connections_and_bytes(echo: Echo, proxy: Proxy, client: socket.socket) -> None:
    proxy.lose_everything()
    client.sendall(b"anybody?")

    with connected(proxy) as new:
        new.sendall(b"nobody?")
        assert is_silent(new)
    assert is_silent(client)
    assert echo.asked == b"hello"


def test_a_connection_that_has_lost_bytes_is_reset_when_the_wire_heals(proxy: Proxy, client: socket.socket) -> None:
    with connected(proxy) as idle:
        assert asked(idle, b"idle") == b"idle"
        proxy.lose_everything()
        client.sendall(b"lost")
        assert is_silent(client)
        proxy.lose_answers()
        assert is_silent(client)

        proxy.heal()

        with pytest.raises(ConnectionResetError):
            client.recv(1)
        assert asked(idle, b"well") == b"well"


@pytest.mark.parametrize("count", [1, 5])
def test_the_wire_is_cut_behind_a_byte_of_the_requests(
    echo: Echo, proxy: Proxy, client: socket.socket, count: int
) -> None:
    proxy.cut_after(count)
    client.sendall(b"request")

    with pytest.raises(ConnectionResetError):
        received(client, len(b"request"))
    until(lambda: echo.asked == b"hello" + b"request"[:count], "the server got so many bytes")
    assert is_refused(proxy)


def test_a_client_of_a_server_that_is_away_is_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    with Proxy(port) as proxy:
        assert is_refused(proxy)


def is_refused(proxy: Proxy) -> bool:
    """Whether a new connection is reset, be it while it is made."""
    try:
        with connected(proxy) as new:
            new.recv(1)
    except ConnectionResetError:
        return True
    return False


def is_silent(connection: socket.socket) -> bool:
    """Whether nothing comes for a while."""
    connection.settimeout(SILENCE_SECONDS)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(10)
    return False
