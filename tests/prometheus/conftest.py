"""A real Prometheus for the tests of this folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.prometheus.server import Prometheus

StartPrometheus = Callable[[str], Prometheus]


@pytest.fixture(scope="session")
def start_prometheus(
    require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartPrometheus]:
    """``start_prometheus(config)`` is a running server with this configuration; the session's end stops it."""
    program = require("prometheus")
    with ExitStack() as running:

        def start(config: str) -> Prometheus:
            return running.enter_context(Prometheus(program, tmp_path_factory.mktemp("prometheus"), config))

        yield start
