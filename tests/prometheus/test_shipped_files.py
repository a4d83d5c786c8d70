"""What is shipped for Prometheus, Alertmanager and Grafana is accepted by their own tools."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from streamer.series_block import SeriesBlock
from tests.prometheus.plausible import PlausibleDaemon

pytestmark = pytest.mark.prometheus
CONFIG = Path(__file__).parents[2] / "config"
RULES = CONFIG / "prometheus" / "rules"
ALERTMANAGER = CONFIG / "alertmanager" / "alertmanager.yml"

Require = Callable[[str], str]


def run(*command: str | Path, stdin: bytes = b"") -> str:
    """What the program said; a failure shows it."""
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    said = done.stdout.decode()
    assert done.returncode == 0, said
    return said


def test_the_page_passes_the_linter_of_prometheus(require: Require) -> None:
    daemon = PlausibleDaemon()
    snapshots = daemon.snapshots()

    said = run(
        *(require("promtool"), "check", "metrics"),
        stdin=daemon.metrics.render(False) + SeriesBlock().render(snapshots, False),
    )

    assert said == ""


def test_the_configuration_of_prometheus_is_valid(require: Require) -> None:
    assert "SUCCESS" in run(
        require("promtool"), "check", "config", "--syntax-only", CONFIG / "prometheus/prometheus.yml"
    )


def test_the_rules_pass_every_lint(require: Require) -> None:
    assert "SUCCESS" in run(require("promtool"), "check", "rules", "--lint=all", "--lint-fatal", RULES / "streamer.yml")


@pytest.mark.parametrize("stories", sorted((RULES / "tests").glob("*.yml")), ids=lambda path: path.stem)
def test_the_rules_tell_their_stories_right(require: Require, stories: Path) -> None:
    assert "SUCCESS" in run(require("promtool"), "test", "rules", stories)


def test_every_alert_has_a_story_in_which_it_fires() -> None:
    rules = yaml.safe_load((RULES / "streamer.yml").read_text())
    stories = yaml.safe_load((RULES / "tests" / "streamer.yml").read_text())

    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
    fired = {
        case["alertname"] for story in stories["tests"] for case in story["alert_rule_test"] if case.get("exp_alerts")
    }
    assert fired == alerts


def test_the_configuration_of_alertmanager_is_valid(require: Require) -> None:
    assert "2 inhibit rules" in run(require("amtool"), "check-config", ALERTMANAGER)


@pytest.mark.parametrize(("severity", "receiver"), [("critical", "pager"), ("warning", "log")])
def test_an_alert_reaches_the_receiver_of_its_severity(require: Require, severity: str, receiver: str) -> None:
    amtool = require("amtool")

    run(
        *(amtool, "config", "routes", "test", f"--config.file={ALERTMANAGER}", f"--verify.receivers={receiver}"),
        f"severity={severity}",
    )


def test_an_inhibit_rule_names_alerts_that_exist() -> None:
    rules = yaml.safe_load((RULES / "streamer.yml").read_text())
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
    inhibits = yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]

    matchers = [matcher for rule in inhibits for side in ("source", "target") for matcher in rule[f"{side}_matchers"]]
    named = {name for matcher in matchers for name in matcher.partition('"')[2].rstrip('"').split("|")}
    assert named <= alerts


def test_grafana_finds_its_datasource_and_its_dashboards() -> None:
    provisioning = CONFIG / "grafana" / "provisioning"

    (datasource,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "streamer.yml").read_text())["providers"]

    assert datasource["uid"] == "prometheus"
    assert datasource["url"] == "http://prometheus:9090"
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
