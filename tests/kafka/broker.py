"""A throw-away Apache Kafka broker on loopback: `python tests/kafka/broker.py` starts one and stops it on Ctrl-C.

One node (KRaft), a temporary directory, the jars fetched once by Maven into .cache/kafka. The only line on standard
output is the address, so that whoever starts this as a process can read it. Exit 3: there can be
no broker on this machine, because Java, Maven or its registry is missing.
"""

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "kafka"
EXIT_UNAVAILABLE = 3
FETCH_TIMEOUT_SECONDS = 600.0
START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 10.0
CLUSTER_ID = "c3RyZWFtZXItdGVzdHMtMQ"

PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={directory}/log
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=2
"""


class Unavailable(Exception):
    """This machine has no Java or no Maven, or Maven does not get at the jars."""


class StartFailed(Exception):
    """The broker did not come up; the message ends with the last lines of its log."""


def fetch_jars() -> Path:
    """Return the folder with Kafka's jars, fetched by Maven when the pom is new.

    Raises:
        Unavailable: `java` or `mvn` is not there, or Maven failed.
    """
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise Unavailable(f"`{tool}` is not on the PATH; install a JDK (17 or newer) and Maven")
    pom = HERE / "pom.xml"
    jars, copied_pom = CACHE / "jars", CACHE / "jars" / "pom.xml"
    if copied_pom.is_file() and copied_pom.read_bytes() == pom.read_bytes():
        return jars
    CACHE.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=CACHE))
    command = ["mvn", "-q", "-B", "-Dstyle.color=never", "-f", str(pom), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={partial}"]
    if subprocess.run(command, check=False, stdout=sys.stderr, timeout=FETCH_TIMEOUT_SECONDS).returncode != 0:
        shutil.rmtree(partial)
        raise Unavailable("Maven could not fetch Kafka; it says why above")
    shutil.copy(pom, partial / "pom.xml")
    shutil.rmtree(jars, ignore_errors=True)
    partial.rename(jars)
    return jars


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def java(jars: Path, directory: Path, *arguments: str) -> list[str]:
    """The command line that runs one of Kafka's main classes, its log on standard error and its heap small."""
    flags = ["-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
    flags += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", f"-Djava.io.tmpdir={directory}"]
    return ["java", *flags, "-cp", f"{jars}/*", *arguments]


def wait_until_it_answers(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Return when the port accepts a connection.

    Raises:
        StartFailed: the process ended, or the time is up.
    """
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return
        time.sleep(0.05)
    last_lines = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    raise StartFailed(f"kafka did not listen on 127.0.0.1:{port} within {START_TIMEOUT_SECONDS:g} s:\n{last_lines}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask the process to end, and end it when it does not."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def running_broker(port: int | None = None) -> Iterator[str]:
    """Run a broker with an empty log for the time of the block; yields its address, ``127.0.0.1:port``."""
    jars = fetch_jars()
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="kafka-", ignore_cleanup_errors=True) as folder:
        directory = Path(folder)
        properties = directory / "server.properties"
        properties.write_text(PROPERTIES.format(port=port, controller_port=free_port(), directory=directory))
        log = directory / "broker.log"
        with log.open("wb") as sink:
            format_storage = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties)]
            subprocess.run(java(jars, directory, *format_storage), check=True, stdout=sink, stderr=sink)
            # Its own process group: Ctrl-C must reach this file first, which then ends the broker in good order.
            command = java(jars, directory, "kafka.Kafka", str(properties))
            process = subprocess.Popen(command, stdout=sink, stderr=sink, process_group=0)
        try:
            wait_until_it_answers(process, port, log)
            yield f"127.0.0.1:{port}"
        finally:
            stop(process)


def raise_interrupt(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends the broker as Ctrl-C does."""
    raise KeyboardInterrupt


def main() -> int:
    """Start a broker, print its address and stay until Ctrl-C, SIGTERM or, if asked, the end of standard input."""
    parser = argparse.ArgumentParser(description="A throw-away Apache Kafka broker on loopback.")
    parser.add_argument("--port", type=int, help="the port to listen on; a free one where none is given")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the process that started this one")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, raise_interrupt)
    try:
        with running_broker(arguments.port) as address:
            print(address, flush=True)
            if arguments.until_stdin_closes:
                os.read(sys.stdin.fileno(), 1)
            else:
                while True:
                    signal.pause()
    except KeyboardInterrupt:
        return 0
    except (Unavailable, StartFailed) as error:
        print(error, file=sys.stderr)
        return EXIT_UNAVAILABLE if isinstance(error, Unavailable) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
