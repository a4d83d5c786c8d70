"""What the daemon answers over HTTP, asked by a plain client."""

import base64
import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from connectors.errors import ConfigError
from streamer.http import make_app, ranked
from streamer.http_server import HttpServer
from streamer.newest import AHEAD
from tests.prometheus.plausible import GROUPS, SERIES_EACH, PlausibleDaemon

TOKEN = "let-me-in"


@dataclass
class Moods:
    """What the daemon says of itself; a test changes it."""

    healthy: bool = True
    missing: str = ""


@pytest.fixture
def moods() -> Moods:
    return Moods()


@pytest.fixture
def server(moods: Moods) -> Iterator[HttpServer]:
    with serve(moods, token=None) as server:
        yield server


@pytest.fixture
def guarded(moods: Moods) -> Iterator[HttpServer]:
    with serve(moods, token=TOKEN) as server:
        yield server


def serve(moods: Moods, token: str | None, host: str = "127.0.0.1") -> HttpServer:
    daemon = PlausibleDaemon()
    app = make_app(daemon.metrics, daemon.snapshots, lambda: moods.healthy, lambda: moods.missing, token)
    return HttpServer(app, host, 0)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str


def ask(server: HttpServer, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read().decode())
    connection.close()
    return answer


def test_metrics_are_one_valid_page_of_text(server: HttpServer) -> None:
    answer = ask(server, "/metrics")

    names = [family.name for family in text_string_to_metric_families(answer.body)]
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert len(names) == len(set(names))
    assert {"streamer_readings_read", "streamer_series_value"} <= set(names)


def test_metrics_are_one_valid_page_of_openmetrics_for_whom_accepts_it(server: HttpServer) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"

    answer = ask(server, "/metrics", Accept=accept)

    names = {family.name for family in openmetrics_parser.text_string_to_metric_families(answer.body)}  # type: ignore[no-untyped-call]
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.body.count("# EOF\n") == 1
    assert {"streamer_readings_read", "streamer_series_value"} <= names


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready", "/api/series", "/live.js"])
def test_head_is_get_without_the_body(server: HttpServer, path: str) -> None:
    answer = ask(server, path, "HEAD")

    assert answer.status == 200
    assert answer.body == ""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(server: HttpServer, method: str) -> None:
    assert ask(server, "/metrics", method).status == 405


def test_health_follows_the_engine(server: HttpServer, moods: Moods) -> None:
    before = ask(server, "/-/healthy")
    moods.healthy = False

    after = ask(server, "/-/healthy")

    assert (before.status, before.body) == (200, "healthy\n")
    assert (after.status, after.body) == (503, "the engine has not moved for too long\n")


def test_readiness_says_what_is_missing(server: HttpServer, moods: Moods) -> None:
    before = ask(server, "/-/ready")
    moods.missing = "catching up: 12 records"

    answer = ask(server, "/-/ready")

    assert (before.status, before.body) == (200, "ready\n")
    assert (answer.status, answer.body) == (503, "catching up: 12 records\n")


def test_the_series_are_ranked_by_their_score(server: HttpServer) -> None:
    answer = json.loads(ask(server, "/api/series").body)

    scores = [row["anomaly_score"] for row in answer["series"]]
    assert len(scores) == SERIES_EACH * len(GROUPS)
    assert scores == sorted(scores, reverse=True)
    assert answer["channels"] == {group: list(channels) for group, channels in GROUPS.items()}
    members = {
        "group",
        "series",
        "anomaly_score",
        "anomaly_score_max",
        "novelty",
        "value",
        "forecast",
        "lower",
        "upper",
    }
    assert all(row.keys() - {"ahead"} == members for row in answer["series"])


def test_what_is_expected_further_ahead_stands_by_its_horizon_where_a_group_looks_there() -> None:
    shots = PlausibleDaemon().snapshots()

    rows = {row["series"]: row for row in ranked(shots)["series"]}

    assert {row["group"] for row in rows.values() if "ahead" in row} == {"pumps"}
    shot = shots[0]
    assert shot.ahead is not None
    for place, name in enumerate(shot.series):
        forecast, lower, upper = (getattr(shot.ahead, one)[place, :, 0].tolist() for one in AHEAD)
        assert rows[name]["ahead"] == {"24": {"forecast": forecast, "lower": lower, "upper": upper}}


def test_a_series_without_a_score_comes_last() -> None:
    shot = PlausibleDaemon().snapshots()[0]
    scores = shot.anomaly_score.copy()
    scores[0] = np.nan

    rows = ranked([replace(shot, anomaly_score=scores)])["series"]

    assert rows[-1]["series"] == shot.series[0]


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/series", "/no-such-page"])
def test_every_answer_carries_the_security_headers(server: HttpServer, path: str) -> None:
    headers = ask(server, path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9464", "127.0.0.1.evil.example", ""])
def test_another_name_for_this_machine_is_refused(server: HttpServer, host: str) -> None:
    answer = ask(server, "/metrics", Host=host)

    assert answer.status == 421
    assert answer.body == f"Host: expected a loopback name, got {host!r}\n"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9464", "[::1]:9464", "LOCALHOST:1"])
def test_loopback_names_are_let_in(server: HttpServer, host: str) -> None:
    assert ask(server, "/metrics", Host=host).status == 200


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()


@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", f"bearer {TOKEN}", basic(TOKEN)])
def test_the_token_opens_every_page_under_any_name(guarded: HttpServer, authorization: str) -> None:
    assert ask(guarded, "/metrics", Authorization=authorization, Host="streamer:9464").status == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer wrong", f"Bearer {TOKEN}x", TOKEN, basic("wrong"), "Basic %%%", "Basic YQ=="],
)
def test_anything_but_the_token_is_refused(guarded: HttpServer, authorization: str) -> None:
    for path in ("/", "/metrics", "/api/series", "/live.js", "/no-such-page"):
        answer = ask(guarded, path, Authorization=authorization)

        assert answer.status == 401
        assert answer.body == "Authorization: expected the token\n"


def test_health_is_open_to_everybody(guarded: HttpServer) -> None:
    assert ask(guarded, "/-/healthy", Host="evil.example").status == 200
    assert ask(guarded, "/-/ready").status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "streamer"])
def test_a_bind_beyond_loopback_without_a_token_is_a_config_error(host: str) -> None:
    with pytest.raises(ConfigError) as caught:
        serve(Moods(), token=None, host=host)

    assert str(caught.value) == f"http: Expected a token for a bind beyond loopback, got none with host `{host}`"


def test_a_bind_beyond_loopback_with_a_token_serves() -> None:
    with serve(Moods(), TOKEN, host="0.0.0.0") as server:
        assert ask(server, "/metrics", Authorization=f"Bearer {TOKEN}").status == 200


def test_a_taken_port_is_a_config_error_that_names_it(server: HttpServer) -> None:
    daemon = PlausibleDaemon()
    app = make_app(daemon.metrics, daemon.snapshots, bool, str, None)

    with pytest.raises(
        ConfigError, match=f"Expected an address to bind, got `127.0.0.1:{server.port}`: Address already"
    ):
        HttpServer(app, "127.0.0.1", server.port).start()


def test_a_stopped_server_frees_its_port_and_stops_once() -> None:
    server = serve(Moods(), token=None)
    server.start()
    port = server.port

    server.stop()
    server.stop()

    with socket.socket() as other:
        other.bind(("127.0.0.1", port))


def test_an_idle_visitor_does_not_hold_up_the_stop() -> None:
    server = serve(Moods(), token=None)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port)) as idle:
        idle.sendall(b"GET /metrics HTTP/1.1\r\n")

        server.stop()

        assert idle.recv(1) == b""
