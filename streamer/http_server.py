"""Runs an application on a thread of its own."""

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from typing_extensions import override

from connectors.errors import ConfigError
from streamer.guard import is_loopback

SHUTDOWN_SECONDS = 2
CONNECTIONS = 64


class HttpServer:
    """A uvicorn server that neither takes the signals of the process nor keeps it alive."""

    def __init__(self, app: Starlette, host: str, port: int) -> None:
        """Take what `make_app` built. Port 0 means any free one.

        Raises:
            ConfigError: an address that others can reach was asked for, and the application demands no token.
        """
        if not (is_loopback(host) or app.state.has_token):
            raise ConfigError(f"http: Expected a token for a bind beyond loopback, got none with host `{host}`")
        self._address = (host, port)
        self._server = _Server(
            uvicorn.Config(
                app,
                http="h11",
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=CONNECTIONS,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        return self._address[1]

    @property
    def url(self) -> str:
        """Where it is reached from this machine, once started."""
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Return when connections are accepted.

        Raises:
            ConfigError: the address cannot be bound.
        """
        listener = _bind(*self._address)
        self._address = (self._address[0], listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run, args=(listener,), name="http", daemon=True)
        self._thread.start()
        self._server.settled.wait()
        if not self._server.started:
            raise RuntimeError(f"http: the server on {self.url} ended while it was starting")

    def stop(self) -> None:
        """Finish the answers under way and return when the port is free. A second call does nothing."""
        if self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _run(self, listener: socket.socket) -> None:
        try:
            self._server.run(sockets=[listener])
        finally:
            listener.close()
            self._server.settled.set()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.settled.set()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(f"http: Expected an address to bind, got `{host}:{port}`: {error.strerror}") from error
    return listener
