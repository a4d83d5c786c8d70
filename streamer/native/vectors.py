"""The vectors that torch computes with on this machine: their width says what it calls, and how many rows at once."""

import torch

CAPABILITIES = {"AVX2": 8, "AVX512": 16}  # as torch calls them: single numbers in a vector of theirs
LANES = CAPABILITIES.get(torch.backends.cpu.get_cpu_capability(), 8)  # rows that are computed at once
BYTES = 4 * LANES  # of a vector, which is what one in memory is aligned to
