"""Serves the metrics, the health words, the newest numbers of every exported series and the live page."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.columns import Ahead
from streamer.guard import Guard
from streamer.metrics import Metrics
from streamer.series_block import SeriesBlock, SeriesSnapshot

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PAGE_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/live.css": ("live.css", "text/css; charset=utf-8"),
    "/live.js": ("live.js", "text/javascript; charset=utf-8"),
    "/chart.js": ("chart.js", "text/javascript; charset=utf-8"),
    "/favicon.svg": ("favicon.svg", "image/svg+xml"),
}

Snapshots = Callable[[], Sequence[SeriesSnapshot]]
Endpoint = Callable[[Request], Response]


def make_app(
    metrics: Metrics, snapshots: Snapshots, health: Callable[[], bool], missing: Callable[[], str], token: str | None
) -> Starlette:
    """Build the application. With a token it may be served beyond this machine, without one on loopback alone.

    ``missing`` says what the daemon is not ready for, in a few words; in none where it is. What is asked here is
    asked on the server's thread and must not wait for the engine.
    """
    endpoints: dict[str, Endpoint] = {
        "/metrics": _metrics(metrics, snapshots),
        "/-/healthy": _word("healthy", lambda: "" if health() else "the engine has not moved for too long"),
        "/-/ready": _word("ready", missing),
        "/api/series": _series(snapshots),
        **{path: _file(*file) for path, file in PAGE_FILES.items()},
    }
    routes = [Route(path, _in_loop(endpoint), methods=["GET"]) for path, endpoint in endpoints.items()]
    app = Starlette(routes=routes, middleware=[Middleware(Guard, token=token)])
    app.state.has_token = token is not None
    return app


def _in_loop(endpoint: Endpoint) -> Callable[[Request], Any]:
    """Answer on the server's own thread: an answer takes milliseconds, and Starlette would start threads for it."""

    async def answer(request: Request) -> Response:
        return endpoint(request)

    return answer


def _metrics(metrics: Metrics, snapshots: Snapshots) -> Endpoint:
    block = SeriesBlock()

    def page(request: Request) -> Response:
        started = time.perf_counter()
        is_openmetrics = "application/openmetrics-text" in request.headers.get("accept", "")
        body = metrics.render(is_openmetrics) + block.render(snapshots(), is_openmetrics)
        metrics.page.rendered(time.perf_counter() - started)
        return Response(body, headers={"content-type": OPENMETRICS if is_openmetrics else TEXT})

    return page


def _word(well: str, complaint: Callable[[], str]) -> Endpoint:
    def word(_: Request) -> Response:
        why_not = complaint()
        return Response(f"{why_not or well}\n", 503 if why_not else 200, media_type="text/plain")

    return word


def _file(name: str, content_type: str) -> Endpoint:
    body = (resources.files("streamer") / "page" / name).read_bytes()

    def file(_: Request) -> Response:
        return Response(body, headers={"content-type": content_type})

    return file


def _series(snapshots: Snapshots) -> Endpoint:
    def ranking(_: Request) -> Response:
        return Response(orjson.dumps(ranked(snapshots())), media_type="application/json")

    return ranking


def ranked(snapshots: Sequence[SeriesSnapshot]) -> dict[str, Any]:
    """Lay out every exported series with its newest numbers, the most anomalous first, those without a score last.

    ``channels`` has the names of each group's channels once, in the order of the lists in a row.
    """
    rows = [row for snapshot in snapshots for row in _rows(snapshot)]
    rows.sort(key=lambda row: -math.inf if math.isnan(row["anomaly_score"]) else row["anomaly_score"], reverse=True)
    return {"channels": {snapshot.group: snapshot.channels for snapshot in snapshots}, "series": rows}


def _rows(snapshot: SeriesSnapshot) -> list[dict[str, Any]]:
    names = ("anomaly_score", "anomaly_score_max", "novelty", "value", "forecast", "lower", "upper")
    columns = [getattr(snapshot, name).tolist() for name in names]
    further = [{"ahead": ahead} for ahead in _ahead(snapshot.ahead)] if snapshot.ahead else [{}] * len(snapshot)
    return [
        {"group": snapshot.group, "series": series, **dict(zip(names, numbers, strict=True)), **more}
        for series, *numbers, more in zip(snapshot.series, *columns, further, strict=True)
    ]


def _ahead(ahead: Ahead) -> Iterator[dict[str, dict[str, list[float]]]]:
    """What is expected of each series at each further horizon, by channel."""
    names = ("forecast", "lower", "upper")
    by_horizon = [[getattr(ahead, name)[..., place].tolist() for name in names] for place in range(len(ahead.horizons))]
    for row in range(len(ahead.forecast)):
        yield {
            str(horizon): {name: column[row] for name, column in zip(names, columns, strict=True)}
            for horizon, columns in zip(ahead.horizons, by_horizon, strict=True)
        }
