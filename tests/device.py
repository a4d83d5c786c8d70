"""The device that tests marked `device` run on."""

import torch

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
