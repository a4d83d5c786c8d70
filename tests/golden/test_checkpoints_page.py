"""What docs/checkpoints.md says about the file holds for a golden one."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from streamer.checkpoint import FORMAT_VERSION

HERE = Path(__file__).parent
PAGE = (HERE.parent.parent / "docs/checkpoints.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    content = (HERE / f"format-{FORMAT_VERSION}.checkpoint").read_bytes()
    (tmp_path / "a.checkpoint").write_bytes(content)
    return tmp_path


def test_the_plain_library_reads_a_checkpoint_as_the_page_says(folder: Path) -> None:
    (code,) = blocks("python")

    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)

    assert done.stdout == "4711 {'device': 'cpu', 'torch': '2.13.0'}\nfloat32 (2, 2)\n"


def test_the_checksum_is_read_and_computed_by_plain_tools(folder: Path) -> None:
    script = blocks("sh")[0]
    content = (folder / "a.checkpoint").read_bytes()

    done = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, check=True)

    assert done.stdout.split() == [hashlib.sha256(content[:-32]).hexdigest()] * 2


def test_the_page_names_the_format_in_force() -> None:
    assert f"`format_version`: `{FORMAT_VERSION}`" in PAGE
