"""A script: writers of one directory that are killed in the middle of a write, at instants drawn from a seed.

Usage: python store_kills.py DIRECTORY SEED. It forks, so it runs in a process of its own, without threads.
"""

import os
import random
import signal
import sys
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

from connectors.columns import TopicPartition
from connectors.directory_store import DirectoryStore
from connectors.ports import StateKey

KEY = StateKey("machines", TopicPartition("readings", 0))
KILLS = 20
BLOCKS = 400
KEPT = 4


def blocks_of(next_offset: int) -> list[bytes]:
    blocks = [b"%020d" % next_offset * 200] * BLOCKS
    return [*blocks, sha256(b"".join(blocks)).digest()]


def write_until_killed(root: Path, first: int, told: int, parent: int) -> NoReturn:
    store = DirectoryStore(root)
    next_offset = first
    while os.getppid() == parent:
        store.publish(KEY, next_offset, blocks_of(next_offset))
        os.write(told, b"%d\n" % next_offset)
        store.prune(KEY, store.offsets(KEY)[:-KEPT])
        next_offset += 1
    os._exit(1)


def partial_bytes(root: Path) -> int:
    """The size of what is being written now."""
    sizes = [0]
    for path in root.rglob("*.partial"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue
    return max(sizes)


def kill_one(root: Path, first: int, draw: random.Random) -> int:
    """Kill a writer after some checkpoints, when a drawn part of the next one is written. -> the last it told of."""
    reader, told = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        write_until_killed(root, first, told, parent)
    os.close(told)
    with os.fdopen(reader) as lines:
        last = max(int(lines.readline()) for _ in range(draw.randrange(1, 5)))
        enough = draw.randrange(1, BLOCKS * 2000)
        while partial_bytes(root) < enough:
            pass
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return max([last, *(int(line) for line in lines)])


def check(root: Path, last: int) -> None:
    """Every checkpoint listed is whole, and the last one told of is there."""
    store = DirectoryStore(root)
    offsets = store.offsets(KEY)
    if last not in offsets:
        raise AssertionError(f"expected {last} to be listed, got {offsets}")
    for next_offset in offsets:
        if bytes(store.load(KEY, next_offset)) != b"".join(blocks_of(next_offset)):
            raise AssertionError(f"expected {next_offset} to be whole")


def main() -> None:
    root, draw = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
    last = torn = 0
    for _ in range(KILLS):
        last = kill_one(root, last + 1, draw)
        torn += partial_bytes(root) > 0
        check(root, last)
    if not torn:
        raise AssertionError("expected a kill in the middle of a write, got none")
    print(f"{KILLS} kills, {torn} in the middle of a write")


if __name__ == "__main__":
    main()
