"""Trainings in processes of their own: killed, and several at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

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


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    undisturbed = run(SCRIPT, tmp_path / "a.snapshot", tmp_path / "a.safetensors")

    kill_after(11, SCRIPT, tmp_path / "b.snapshot", tmp_path / "b.safetensors")
    rest = run(SCRIPT, tmp_path / "b.snapshot", tmp_path / "b.safetensors")

    assert rest == undisturbed[-len(rest) :]
    assert len([line for line in rest if line.startswith("step")]) == STEPS - 9  # saved after every third
    assert (tmp_path / "b.safetensors").read_bytes() == (tmp_path / "a.safetensors").read_bytes()


def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    alone = run(SCRIPT, tmp_path / "a.snapshot", tmp_path / "a.safetensors", "0")

    both = run(*torchrun, SCRIPT, tmp_path / "b.snapshot", tmp_path / "b.safetensors", "0")

    numbers = [[[float(number) for number in line.split()[1:]] for line in lines] for lines in (alone, both)]
    assert len(both) == len(alone) == STEPS + 7
    for one, other in zip(*numbers, strict=True):
        assert one == pytest.approx(other, rel=1e-5, nan_ok=True)
    weights = [load_file(tmp_path / f"{name}.safetensors") for name in "ab"]
    for name, weight in weights[0].items():
        assert torch.allclose(weight, weights[1][name], atol=1e-5)
