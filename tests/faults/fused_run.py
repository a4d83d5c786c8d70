"""`python tests/faults/fused_run.py run CONFIG`: `streamer`, its calls to Kafka and to the disk through a fuse.

The environment arms the fuse: see `tests.faults.fuse.armed`.
"""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # where this is run by its path

from connectors.disk import Disk
from connectors.kafka_transactions import Transactions
from streamer.cli import main
from tests.faults.fuse import Fuse, laid_in

CALLS: dict[type, tuple[str, ...]] = {
    KafkaConsumer: ("poll", "seek", "committed"),
    KafkaProducer: ("init_transactions", "begin_transaction", "send", "flush"),
    Transactions: ("_wait_for",),  # first for the offsets of a transaction, then for its end
    Disk: ("make_directory", "open", "write", "sync", "replace", "unlink"),
}

if __name__ == "__main__":
    fuse = Fuse.of_process(os.environ)
    with ExitStack() as laid:
        for owner, names in CALLS.items():
            laid.enter_context(laid_in(owner, fuse, names))
        main()
