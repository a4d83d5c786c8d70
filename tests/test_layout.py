"""The rules of the house that no linter knows: how big a file is, what it opens with, what may be named where."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PACKAGES = ("streamer", "models", "connectors")
CODE = (*PACKAGES, "tests", "benchmarks", "config", "docs")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINES_MAX = 300


def python_files(*folders: str) -> list[str]:
    """The Python files of these folders, as paths from the root."""
    return sorted(str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("file", python_files(*CODE))
def test_a_file_is_short_enough_to_be_read_at_once(file: str) -> None:
    lines = len((ROOT / file).read_text().splitlines())

    assert lines <= LINES_MAX, f"{file}: expected at most {LINES_MAX} lines, got {lines}: a type is missing"


@pytest.mark.parametrize("file", python_files(*CODE))
def test_a_file_opens_with_one_sentence_that_says_what_it_owns(file: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / file).read_text()))

    assert docstring, f"{file}: expected a docstring, got none"
    assert re.match(r"\S.*[.:?]$", docstring.splitlines()[0]), f"{file}: expected one sentence on the first line"


def test_no_module_is_named_after_nothing() -> None:
    vague = {"util", "utils", "common", "helper", "helpers", "misc", "base", "manager"}

    assert [file for file in python_files(*CODE) if Path(file).stem in vague] == []


def test_no_function_is_excused_from_the_size_rules() -> None:
    excuse = re.compile(r"#\s*noqa:.*\b(PLR09\d\d|C901)")

    assert [file for file in python_files(*CODE) if excuse.search((ROOT / file).read_text())] == []


def test_the_size_rules_are_the_promised_ones() -> None:
    limits = PROJECT["tool"]["ruff"]["lint"]["pylint"]

    assert limits == {"max-args": 7, "max-branches": 8, "max-statements": 30}


def test_the_tests_are_no_packages_since_one_would_shadow_the_tested() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_every_package_is_installed() -> None:
    found = {str(path.parent.relative_to(ROOT)) for folder in PACKAGES for path in (ROOT / folder).rglob("__init__.py")}

    assert set(PROJECT["tool"]["setuptools"]["packages"]) == {folder.replace("/", ".") for folder in found}


def test_every_file_that_the_code_reads_is_installed_with_it() -> None:
    data = PROJECT["tool"]["setuptools"]["package-data"]
    covered = {
        path for name, globs in data.items() for glob in globs for path in (ROOT / name.replace(".", "/")).glob(glob)
    }
    found = {path for folder in PACKAGES for path in (ROOT / folder).rglob("*") if path.is_file()}

    assert {path for path in found if path.suffix not in {".py", ".pyc"}} - covered == set()


def imported(file: str) -> Iterator[str]:
    """The top-level names a file imports, wherever in it."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def undeclared(folders: tuple[str, ...], requirements: list[str]) -> set[tuple[str, str]]:
    """The third-party imports of these folders that no requirement brings, with the file."""
    declared = {canonicalize_name(Requirement(text).name) for text in requirements}
    brings = packages_distributions()
    return {
        (file, name)
        for file in python_files(*folders)
        for name in imported(file)
        if name in brings
        and name not in PACKAGES
        and name not in sys.stdlib_module_names
        and declared.isdisjoint(map(canonicalize_name, brings[name]))
    }


def test_everything_the_daemon_imports_is_a_declared_dependency() -> None:
    project = PROJECT["project"]

    assert undeclared(PACKAGES, project["dependencies"] + project["optional-dependencies"]["parquet"]) == set()


def test_everything_the_tests_import_is_a_declared_dependency() -> None:
    project = PROJECT["project"]

    assert undeclared(CODE, project["dependencies"] + project["optional-dependencies"]["dev"]) == set()


def test_every_dependency_is_pinned_once_at_a_version_it_allows() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pins = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    project = PROJECT["project"]
    wanted = [Requirement(text) for text in sum(project["optional-dependencies"].values(), project["dependencies"])]

    assert len(pins) == len(lines), "expected every line to be NAME==VERSION, each name once"
    assert [str(want) for want in wanted if pins.get(canonicalize_name(want.name), "") not in want.specifier] == []


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    project = PROJECT["project"]
    requirements = sum(project["optional-dependencies"].values(), project["dependencies"])

    assert [name for name in requirements if not re.search(rf'"{re.escape(name)}"[\],]*  # \S', text)] == []


@pytest.mark.parametrize(
    "file", ["constraints.txt", "pyproject.toml", "Makefile", "Dockerfile", ".ci/run", ".ci/system-packages"]
)
def test_no_download_address_is_written_down(file: str) -> None:
    assert re.findall(r"://(?!127\.0\.0\.1).*", (ROOT / file).read_text()) == []


def test_make_alone_lists_every_job() -> None:
    jobs = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert re.findall(r"^  make ([a-z-]+) +\w", listed, re.MULTILINE) == jobs


@pytest.mark.parametrize("job", ["install", "demo", "test", "lint", "check", "pretrained", "bench", "docs", "clean"])
def test_a_job_runs_only_files_that_exist(job: str) -> None:
    planned = subprocess.run(["make", "-n", job], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = set(re.findall(r"(?:\.ci|benchmarks|config|docs)/[\w/.-]+", planned))
    modules = {name.replace(".", "/") + ".py" for name in re.findall(r"-m ((?:models|streamer)\.[\w.]+)", planned)}

    assert [file for file in sorted(files | modules) if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("script", [".ci/run", ".ci/system-packages"])
def test_a_script_is_executable_and_parses(script: str) -> None:
    parsed = subprocess.run(["bash", "-n", ROOT / script], capture_output=True, text=True, check=False)

    assert (ROOT / script).stat().st_mode & 0o111
    assert parsed.stderr == ""


def test_what_cannot_be_installed_is_named_with_the_command_and_ends_nothing(tmp_path: Path) -> None:
    for command in ("bash", "dirname"):
        (tmp_path / command).symlink_to(Path("/usr/bin") / command)

    done = subprocess.run(
        [ROOT / ".ci/system-packages", "tests"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert "Not installed, for there is no apt-get here" in done.stderr
    assert "default-jdk-headless maven prometheus prometheus-alertmanager chromium" in done.stderr
