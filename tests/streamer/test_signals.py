"""What a process does when it is sent a signal, tried on one that runs a command of ours."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

HANGING = """
import signal
import threading
from connectors import memory_store
from streamer import cli

publish = memory_store.MemoryStore.publish

def hang(self, key, next_offset, content):
    if self.offsets(key):
        print("hanging", flush=True)
        MEANWHILE
        threading.Event().wait()
    return publish(self, key, next_offset, content)

memory_store.MemoryStore.publish = hang
cli.main()
"""


@contextmanager
def daemon_on_a_hanging_store(
    folder: Path, leave_seconds: float, meanwhile: str = "pass"
) -> Iterator["subprocess.Popen[str]"]:
    """`streamer run` on a finite file: behind its end the state is to be saved, and the store never answers.

    meanwhile: a statement that the thread of the store carries out before it hangs.
    """
    data = folder / "rows.csv"
    data.write_text("time,value\n" + "".join(f"2026-01-01T00:00:{second:02d}Z,{second}\n" for second in range(60)))
    config = {
        "source": {"type": "replay", "files": [{"path": str(data), "topic": "rows", "key": "a"}]},
        "sink": {"type": "discard"},
        "groups": [{"name": "rows", "topics": ["rows"], "format": {"type": "json", "timestamp_field": "time"}}],
        "http": {"port": 0},
        "leave_seconds": leave_seconds,
    }
    (folder / "hanging.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-c", HANGING.replace("MEANWHILE", meanwhile), "run", str(folder / "hanging.yaml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "hanging\n"
            yield process
        finally:
            process.kill()


def test_a_store_that_never_answers_does_not_keep_the_process(tmp_path: Path) -> None:
    with daemon_on_a_hanging_store(tmp_path, leave_seconds=0.5) as process:
        _, log = process.communicate(timeout=60)

    assert process.returncode == 0
    assert "not written in time; whoever has it next steps again from offset 0" in log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(tmp_path: Path, number: signal.Signals) -> None:
    with daemon_on_a_hanging_store(tmp_path, leave_seconds=1e6) as process:
        assert process.stderr is not None
        process.send_signal(number)
        lines = [process.stderr.readline()]
        while f"{number.name}: leaving" not in lines[-1]:
            lines.append(process.stderr.readline())
            assert lines[-1], f"it ended without a word of it: {lines}"
        process.send_signal(number)
        _, log = process.communicate(timeout=60)

    assert process.returncode == 128 + number
    assert f"{number.name} again: ending at once" in log
    assert "left: " not in log


def test_a_signal_that_does_not_end_a_wait_is_heard_all_the_same(tmp_path: Path) -> None:
    to_itself = "signal.pthread_kill(threading.get_ident(), signal.SIGTERM)"  # and not to the thread that waits
    twice = f"{to_itself}; threading.Event().wait(1); {to_itself}"

    with daemon_on_a_hanging_store(tmp_path, leave_seconds=1e6, meanwhile=twice) as process:
        _, log = process.communicate(timeout=60)

    assert process.returncode == 128 + signal.SIGTERM
    assert "SIGTERM again: ending at once" in log


def test_sigusr1_tells_what_every_thread_does_and_changes_nothing(tmp_path: Path) -> None:
    with daemon_on_a_hanging_store(tmp_path, leave_seconds=1e6) as process:
        os.kill(process.pid, signal.SIGUSR1)
        assert process.stderr is not None
        lines = [process.stderr.readline()]
        while "in leave" not in lines[-1]:
            lines.append(process.stderr.readline())
        assert process.poll() is None

    told = "".join(lines)
    assert len(re.findall(r"(?m)^(?:Current thread|Thread) 0x", told)) > 1
    assert "in hang" in told
