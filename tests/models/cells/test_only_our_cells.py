"""Numbers, text, speech and video hold our cells: torch's own recurrences and attention stay inside models/cells."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("streamer", "models", "connectors")
FORBIDDEN = re.compile(
    r"(RNN|GRU|LSTM)(Base|Cell|CellBase)?|MultiheadAttention|Transformer\w*|scaled_dot_product_attention"
    r"|multi_head_attention_forward|flex_attention|_VF"
)


def torchs_own(source: str) -> Iterator[str]:
    """Every mention of one of these by way of torch: ``nn.GRU``, or imported from it."""
    nodes = list(ast.walk(ast.parse(source)))
    of_torch = set()  # names of modules
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            origin = node.module or "" if isinstance(node, ast.ImportFrom) else "import"
            for alias in node.names:
                whole = alias.name if origin == "import" else f"{origin}.{alias.name}"
                if whole.split(".")[0] == "torch":
                    of_torch.add(alias.asname or alias.name.split(".")[0])
                    if FORBIDDEN.fullmatch(whole.split(".")[-1]):
                        yield whole
    for node in nodes:
        if isinstance(node, ast.Attribute) and FORBIDDEN.fullmatch(node.attr) and _root(node) in of_torch:
            yield node.attr


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.nn.GRU(1, 2)",
        "from torch import nn\nx = nn.LSTMCell",
        "from torch.nn import RNN",
        "from torch.nn import MultiheadAttention as M",
        "import torch.nn as n\nn.TransformerEncoderLayer(8, 2)",
        "from torch.nn import functional as F\nF.scaled_dot_product_attention(q, k, v)",
    ],
)
def test_a_use_is_found_however_it_is_written(source: str) -> None:
    assert list(torchs_own(source))


def test_ours_are_not_mistaken_for_torchs() -> None:
    source = "from models import cells\nfrom models.cells import GRU, LSTM\nfrom torch.nn import Linear\n"

    assert not list(torchs_own(source + "GRU(1, cells.LSTM(2, 3).hidden)"))


def test_no_module_outside_the_cells_uses_torchs_own() -> None:
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    outside = [path for path in sources if (ROOT / "models" / "cells") not in path.parents]

    found = {str(path.relative_to(ROOT)): uses for path in outside if (uses := list(torchs_own(path.read_text())))}

    assert len(outside) > 50
    assert found == {}
