"""A throw-away Apache Kafka on loopback: `python tests/kafka/broker.py` starts one and stops it on Ctrl-C.

One node, or `--nodes 3`, in a temporary directory. The only line on standard output is the address, so that whoever
starts this as a process can read it. Exit 3: there can be no broker on this machine, because Java, Maven or its
registry is missing.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # where this is run by its path

from tests.kafka.cluster import Cluster
from tests.kafka.jars import Unavailable
from tests.kafka.node import StartFailed

EXIT_UNAVAILABLE = 3


def raise_interrupt(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends the broker as Ctrl-C does."""
    raise KeyboardInterrupt


def main() -> int:
    """Start a broker, print its address and stay until Ctrl-C, SIGTERM or, if asked, the end of standard input."""
    parser = argparse.ArgumentParser(description="A throw-away Apache Kafka on loopback.")
    parser.add_argument("--port", type=int, help="the port to listen on; a free one where none is given")
    parser.add_argument("--nodes", type=int, default=1, help="how many; with three, topics may have three replicas")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the process that started this one")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, raise_interrupt)
    try:
        with Cluster(arguments.nodes, arguments.port) as cluster:
            print(cluster.bootstrap_servers, flush=True)
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
