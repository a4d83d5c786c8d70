"""The live page in a real browser: what a person sees, and that the browser has nothing to complain about."""

import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from streamer.http import make_app
from streamer.http_server import HttpServer
from tests.prometheus.plausible import GROUPS, SERIES_EACH, PlausibleDaemon

pytestmark = pytest.mark.browser

LINE_OF_TWO_POINTS = re.compile(r"M.+L")
AHEAD = re.compile(r"expected [\d.]+ · in 24 readings [\d.]+ \([\d.]+ to [\d.]+\)$")
CLOCK = re.compile(r"\d\d:\d\d:\d\d")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def browser(require: Callable[[str], str]) -> Iterator[Browser]:
    path = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def server() -> Iterator[HttpServer]:
    daemon = PlausibleDaemon()
    with HttpServer(make_app(daemon.metrics, daemon.snapshots, lambda: True, str, None), "127.0.0.1", 0) as it:
        yield it


@pytest.fixture
def page(browser: Browser, server: HttpServer) -> Iterator[Page]:
    """The page, open; at the end it must have complained about nothing: no error, no refused resource, no warning."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.extend(_failure(request)))
    page.goto(server.url)
    yield page
    page.close()
    assert complaints == []


def _failure(request: Request) -> list[str]:
    """What is to be complained about: not a request that the browser gave up itself, as the page was left."""
    return [] if request.failure == "net::ERR_ABORTED" else [f"failed: {request.url}: {request.failure}"]


def test_every_series_has_a_row_and_the_anomalous_come_first(page: Page) -> None:
    rows = page.locator("#rows tr")

    expect(rows).to_have_count(SERIES_EACH * len(GROUPS))
    expect(rows.nth(0)).to_have_class("anomalous chosen")
    expect(rows.nth(0)).to_contain_text("2.50")
    expect(page.locator("#count")).to_have_text(str(SERIES_EACH * len(GROUPS)))
    expect(page.locator("#anomalous")).to_have_text("2")


def test_the_numbers_move_without_a_reload(page: Page) -> None:
    as_of = page.locator("#as-of")
    expect(as_of).to_have_text(CLOCK)
    before = as_of.inner_text()

    expect(as_of).not_to_have_text(before)


def test_the_filter_leaves_the_series_that_match(page: Page) -> None:
    rows = page.locator("#rows tr")
    expect(rows).to_have_count(SERIES_EACH * len(GROUPS))

    page.locator("#filter").fill("PUMP-0")

    expect(rows).to_have_count(10)
    assert all(name.startswith("pump-0") for name in rows.locator("a").all_inner_texts())


def test_the_chosen_series_shows_a_chart_of_each_channel_and_one_of_the_score(page: Page) -> None:
    page.locator("#rows tr", has_text="pump-05").click()

    detail = page.locator("#detail")
    expect(detail.locator("h2")).to_have_text("pump-05")
    expect(detail.locator("figcaption b")).to_have_text(["flow", "heat", "anomaly score", "novelty"])
    expect(detail.locator("figcaption span").first).to_contain_text(AHEAD)
    expect(detail.locator("svg path.value").first).to_have_attribute("d", LINE_OF_TWO_POINTS)
    expect(page.locator("tr.chosen")).to_contain_text("pump-05")


def test_the_address_brings_the_chosen_series_back(page: Page) -> None:
    page.locator("#rows tr", has_text="price-07").click()
    expect(page.locator("#detail h2")).to_have_text("price-07")

    page.reload()

    expect(page.locator("#detail h2")).to_have_text("price-07")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_told_from_its_ground_in_light_and_dark(page: Page, scheme: Scheme) -> None:
    page.emulate_media(color_scheme=scheme)

    ink, paper = (_lightness(page, f"getComputedStyle(document.body).{one}") for one in ("color", "backgroundColor"))

    assert abs(ink - paper) > 150
    assert (ink < paper) == (scheme == "light")


def _lightness(page: Page, expression: str) -> float:
    color: str = page.evaluate(expression)
    channels = color.removeprefix("rgb(").removesuffix(")").split(",")
    return sum(map(float, channels)) / 3
