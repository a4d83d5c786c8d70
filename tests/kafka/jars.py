"""Apache Kafka's jars, fetched once by Maven into .cache/kafka, and the command line that runs a class of theirs."""

import fcntl
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "kafka"
FETCH_TIMEOUT_SECONDS = 600.0


class Unavailable(Exception):
    """This machine has no Java or no Maven, or Maven does not get at the jars."""


def fetch_jars() -> Path:
    """Return the folder with Kafka's jars, fetched by Maven when the pom is new.

    Raises:
        Unavailable: `java` or `mvn` is not there, or Maven failed.
    """
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise Unavailable(f"`{tool}` is not on the PATH; install a JDK (17 or newer) and Maven")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:  # tests run in several processes, and each wants a broker
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _fetch_if_new(HERE / "pom.xml", CACHE / "jars")


def _fetch_if_new(pom: Path, jars: Path) -> Path:
    copied_pom = jars / "pom.xml"
    if copied_pom.is_file() and copied_pom.read_bytes() == pom.read_bytes():
        return jars
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=CACHE))
    command = ["mvn", "-q", "-B", "-Dstyle.color=never", "-f", str(pom), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={partial}"]
    if subprocess.run(command, check=False, stdout=sys.stderr, timeout=FETCH_TIMEOUT_SECONDS).returncode != 0:
        shutil.rmtree(partial)
        raise Unavailable("Maven could not fetch Kafka; it says why above")
    shutil.copy(pom, partial / "pom.xml")
    shutil.rmtree(jars, ignore_errors=True)
    partial.rename(jars)
    return jars


def java(jars: Path, directory: Path, *arguments: str) -> list[str]:
    """The command line that runs one of Kafka's main classes, its log on standard error and its heap small."""
    flags = ["-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
    flags += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", f"-Djava.io.tmpdir={directory}"]
    return ["java", *flags, "-cp", f"{jars}/*", *arguments]
