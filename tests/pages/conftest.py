"""A real browser: Debian's Chromium through Playwright. Without one the tests here are skipped.

CI counts a skipped test as a failure (tests/conftest.py), and `.ci/run` installs the browser.
"""

import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.pages import chromium

TIMEOUT_MS = 20_000

Open = Callable[..., "Tab"]


class Tab:
    """A page in the browser, with all that it asked for and complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._asked)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)

    def settled(self) -> "Tab":
        """Wait until the list shows what its filters say."""
        self.page.wait_for_selector("#explorer[data-ready]")
        return self

    @property
    def count(self) -> str:
        return self.page.inner_text("#count")

    def shows(self, count: str) -> None:
        """Wait until the list says that so much matches."""
        self.page.wait_for_function(
            "text => document.getElementById('count').textContent.startsWith(text)", arg=count
        )

    @property
    def orders(self) -> list[str]:
        return self.page.locator("#found tbody th[scope=row]").all_inner_texts()

    @property
    def text(self) -> str:
        return self.page.inner_text("body")

    def turned(self) -> list[str]:
        """Texts with letters from right to left that could turn what stands beside them."""
        found: list[str] = self.page.evaluate("""() => {
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
            while (walker.nextNode()) {
                const { data, parentElement: element } = walker.currentNode;
                if (!/[\\u0590-\\u08ff]/.test(data) || element.closest("script, style, noscript:not(:has(*)), option")) continue;
                const { unicodeBidi } = getComputedStyle(element);
                if (!["isolate", "plaintext"].includes(unicodeBidi)) found.push(`${element.outerHTML.slice(0, 200)} ${unicodeBidi}`);
            }
            return found;
        }""")
        return found

    def violations(self, **rules: object) -> list[str]:
        """What axe-core has to say against the page; it comes from a package and runs beside the policy."""
        self.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
        said = self.page.evaluate(f"axe.run(document, {json.dumps(rules)})")
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in said["violations"]
            for node in each["nodes"]
        ]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium.found()
    if path is None:
        pytest.skip(chromium.MISSING)
    with sync_playwright() as playwright:
        started = chromium.started(playwright, path)
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    made: list[BrowserContext] = []

    def new(**options: Any) -> BrowserContext:  # noqa: ANN401 - Playwright's own options
        made.append(browser.new_context(reduced_motion="reduce", **options))
        made[-1].set_default_timeout(TIMEOUT_MS)
        return made[-1]

    yield new
    for each in made:
        each.close()


@pytest.fixture
def open_page(context: Callable[..., BrowserContext], tmp_path: Path) -> Open:
    """Open the text of a page as a file, or at the address `at` of a server that sends `headers`."""

    def opened(
        html: str, hash: str = "", *, at: str = "", headers: dict[str, str] | None = None,  # noqa: A002
        **options: Any,  # noqa: ANN401 - Playwright's own options
    ) -> Tab:  # fmt: skip
        tab = Tab(context(**options).new_page())
        if at:
            tab.page.route(
                "**/*",
                lambda route: route.fulfill(body=html, headers={"content-type": "text/html", **(headers or {})}),
            )  # fmt: skip
            tab.page.goto(at + hash)
        else:
            path = tmp_path / "report.html"
            path.write_text(html, encoding="utf-8")
            tab.page.goto(path.as_uri() + hash)
        if options.get("java_script_enabled", True) and "<script>" in html and not headers:
            tab.settled()
        return tab

    return opened
