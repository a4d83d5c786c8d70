"""Trainings in processes of their own: killed, and several at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import load_file

ROOT = Path(__file__).parents[3]
SCRIPT = Path(__file__).with_name("recall_process.py")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
STEPS = 24  # 6 epochs of 4 windows


def run(*arguments: str | Path) -> list[str]:
    """What a process that is left alone says."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith(("step", "epoch"))]


def kill_after(steps: int, *arguments: str | Path) -> None:
    """Kill -9 a process in the middle of a training, once it has said so many steps."""
    command = [sys.executable, *map(str, arguments)]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(f"step {steps} "):
                process.send_signal(signal.SIGKILL)
                break
            if line.startswith("step"):
                process.stdin.write("\n")
                process.stdin.flush()
        process.stdout.read()
        assert process.wait() == -signal.SIGKILL


class Finished(NamedTuple):
    """A training that nobody disturbed."""

    said: list[str]
    weights: Path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("finished")
    return Finished(run(SCRIPT, folder / "snapshot", folder / "weights"), folder / "weights")


def test_a_killed_training_goes_on_to_the_same_weights(finished: Finished, tmp_path: Path) -> None:
    kill_after(11, SCRIPT, tmp_path / "snapshot", tmp_path / "weights")

    rest = run(SCRIPT, tmp_path / "snapshot", tmp_path / "weights")

    assert rest == finished.said[-len(rest) :]
    assert len([line for line in rest if line.startswith("step")]) == STEPS - 9  # saved after every third
    assert (tmp_path / "weights").read_bytes() == finished.weights.read_bytes()


def test_two_processes_train_what_one_does(finished: Finished, tmp_path: Path) -> None:
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]

    both = run(*torchrun, SCRIPT, tmp_path / "snapshot", tmp_path / "weights")

    assert len(both) == len(finished.said) == STEPS + 7
    for one, other in zip(*([*map(numbers, said)] for said in (finished.said, both)), strict=True):
        assert one == pytest.approx(other, rel=1e-5, nan_ok=True)
    weights = load_file(tmp_path / "weights")
    for name, weight in load_file(finished.weights).items():
        assert torch.allclose(weight, weights[name], atol=1e-5)


def numbers(line: str) -> list[float]:
    return [float(word.replace("None", "nan")) for word in line.split()[1:]]
