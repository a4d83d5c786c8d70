"""Makes the shipped artifacts by one seeded command: ``python -m streamer.training.pretrained``.

A training that was interrupted goes on where it was.
"""

import argparse
from pathlib import Path

import torch

from models.artifact import SHIPPED, load, save
from models.training.pretrain import RECIPES, evaluated, make
from streamer.native.quick import Quick


def main() -> None:
    """Train what is asked for and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(RECIPES), action="append", help="one or more; without it, all")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the folder to write NAME.safetensors to")
    parser.add_argument("--work", type=Path, default=Path(".cache"), help="the folder of what interrupted ones need")
    parser.add_argument("--keep-weights", action="store_true", help="only look anew at what is there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.work.mkdir(parents=True, exist_ok=True)
    for name in arguments.only or RECIPES:
        recipe, path = RECIPES[name], arguments.out / f"{name}.safetensors"
        kept = load(path) if arguments.keep_weights else None
        artifact = evaluated(kept, recipe) if kept else make(name, recipe, arguments.work, Quick)
        print(save(artifact, path), artifact.origin.metrics)


if __name__ == "__main__":
    main()
