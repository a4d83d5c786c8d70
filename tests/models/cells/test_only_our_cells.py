"""Numbers, text, speech and video hold our cells: torch's own recurrences and attention stay inside models/cells."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("streamer", "models", "connectors", "config", "docs")
FORBIDDEN = re.compile(
    r"(RNN|GRU|LSTM)(Base|Cell|CellBase)?|MultiheadAttention|Transformer\w*|_?scaled_dot_product_\w*attention\w*"
    r"|_?(native_)?multi_head_attention\w*|_transformer_\w*|flex_attention|_VF"
    r"|(quantized_)?(rnn_tanh|rnn_relu|gru|lstm)(_cell)?|(_thnn|_cudnn)\w*"
)


def torchs_own(source: str) -> Iterator[str]:
    """Every mention of one of these by way of torch: ``nn.GRU``, or imported from it, or asked for by name."""
    nodes = list(ast.walk(ast.parse(source)))
    of_torch = set()  # names of modules
    for node in nodes:
        for whole, name in _imported(node):
            of_torch.add(name)
            if FORBIDDEN.fullmatch(whole.split(".")[-1]) or name == "*":
                yield whole
    for node in nodes:
        if isinstance(node, ast.Attribute) and FORBIDDEN.fullmatch(node.attr) and _root(node) in of_torch:
            yield node.attr
        if isinstance(node, ast.Call) and _root(node.func) == "getattr" and _root(node.args[0]) in of_torch:
            asked = node.args[1]
            if not isinstance(asked, ast.Constant) or FORBIDDEN.fullmatch(str(asked.value)):
                yield ast.unparse(node)


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    """What is imported of torch, whole, and by which name it is known."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        origin = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            if f"{origin}{alias.name}".split(".")[0] == "torch":
                yield f"{origin}{alias.name}", alias.asname or alias.name.split(".")[0]


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
        "import torch\ntorch.gru_cell(x, h, w, u)",
        "import torch\ntorch._native_multi_head_attention(q, k, v)",
        "from torch.nn.modules.rnn import *",
        "from torch import nn\ngetattr(nn, 'GRU')(1, 2)",
        "from torch import nn\ngetattr(nn, cell.upper())(1, 2)",
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
