"""Take pictures of the report with Chromium.

    python -m tests.picture                      # docs/images/report.png: the sample night, to the end of the balance
    python -m tests.picture --verdicts FOLDER    # each verdict whole: light, dark, and as narrow as a phone

The six verdicts of a night are made from the runs of the tests; that of the README is the demo's.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from pipeline.report.facts import RunState
from pipeline.report.render import render
from pipeline.report.summary import summarise
from tests.pages import chromium
from tests.unit.report.nights import Nights
from tests.unit.report.runs import BAD_EMAIL, RunBuilder, all_imported, facts_of, partly_imported
from tests.unit.report.test_past import told

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "report.png"
SIZE = {"width": 1100, "height": 1682}  # pixels
LOOKS: Mapping[str, Mapping[str, Any]] = {
    "light": {"viewport": {"width": 1180, "height": 900}},
    "dark": {"viewport": {"width": 1180, "height": 900}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 844}},
}


def verdicts() -> Iterator[tuple[str, str]]:
    """The pages of the six verdicts of REPORT §4, by name."""
    warned, refused = all_imported(), RunBuilder()
    warned.finding(warned.rows[0], "R319", detail="orders_2026-11-19_DE.csv:5")
    for number in range(3):
        order = refused.order(f"WH-{number}", "refused", status=400)
        refused.finding(order, "A402", detail="Unknown client.", api_status=400)
    stopped = {"state": RunState.STOPPED, "stop_reason": "parcelLab refused the token (401)",
               "resume_command": "pipeline resume 2026-11-20T0205-wms --profile prod"}  # fmt: skip
    yield "all-imported", _page(all_imported())
    yield "with-warnings", _page(warned)
    yield "partly-imported", render(told(Nights(), nights_of={"R301": 4, "A401": 1}))
    yield "nothing-imported", _page(refused)
    yield "stopped", _page(partly_imported(), **stopped)
    planned = RunBuilder()
    for number in range(40):
        planned.order(f"WH-{number}", "not_attempted")
    planned.order("WH-40", "held_back", (BAD_EMAIL, None))
    yield "plan-only", _page(planned, state=RunState.PLANNED)


def _page(run: RunBuilder, **facts: object) -> str:
    return render(summarise(facts_of(run, **facts), run.tables()))


def take(
    browser: Browser, page: Path, picture: Path, look: Mapping[str, Any], *, whole: bool
) -> None:
    """Write what the browser shows of a page: the first screen, or all of it."""
    tab = browser.new_page(reduced_motion="reduce", **look)
    tab.goto(page.as_uri())
    if tab.locator("#explorer").count():
        tab.wait_for_selector("#explorer[data-ready]")
    tab.screenshot(path=picture, full_page=whole)
    tab.close()


def take_verdicts(browser: Browser, folder: Path) -> None:
    """Write the pictures of all verdicts."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, html in verdicts():
        page = folder / f"{name}.html"
        page.write_text(html, encoding="utf-8")
        for look, options in LOOKS.items():
            take(browser, page, folder / f"{name}-{look}.png", options, whole=True)


def take_demo(browser: Browser, picture: Path) -> None:
    """Run the demo in a folder of its own and take the picture of its first report."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pipeline", "--quiet", "demo"],
            check=True, cwd=folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        reports = Path(folder) / ".pipeline" / "demo" / "reports"
        page = min(reports.glob("*-nord-orders/report.html"))  # the first of two runs
        # the commands on it name this folder, which is nobody else's
        text = page.read_text(encoding="utf-8").replace(folder, "/srv/import")
        page.write_text(text, encoding="utf-8")
        take(browser, page, picture, {"viewport": SIZE}, whole=False)


def main() -> int:
    """Take what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--browser", default=chromium.found())
    parser.add_argument("--out", type=Path, default=PICTURE)
    parser.add_argument("--verdicts", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    if asked.browser is None:
        parser.error(f"{chromium.MISSING}, or name one with --browser")
    with sync_playwright() as playwright:
        browser = chromium.started(playwright, asked.browser)
        if asked.verdicts:
            take_verdicts(browser, asked.verdicts)
        else:
            take_demo(browser, asked.out.resolve())
        browser.close()
    sys.stdout.write(f"{asked.verdicts or asked.out} is written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
