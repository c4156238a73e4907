"""What the report page costs: bytes, time to build, and what a real browser makes of it.

python -m bench.report                            # 100 k and 1 M rejections, typical
python -m bench.report --rows 100000 --kind worst
python -m bench.report --json

From the root of the repository. Each page is built in a process of its own; seconds are those of the wall,
CPU stands beside them. The browser is Debian's Chromium, headless, through Playwright. "Ready" is the time
from opening the file until the list shows its first page; "filter" from an event
to the new rows, less the 0.12 s that the search waits for further letters; the first opens all blocks.
"""

import argparse
import json
import multiprocessing
import re
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from pipeline.report.render import render
from pipeline.report.summary import summarise
from tests.pages import chromium
from tests.pages.nights import RANDOM_ORDERS, RANDOM_VALUES, TYPICAL, WORST, night

KINDS = {
    "typical": TYPICAL, "random-orders": RANDOM_ORDERS, "random-values": RANDOM_VALUES, "worst": WORST,
}  # fmt: skip
# What a person does, and how the list is told to.
FILTERS = {
    "cause": "() => { const e = document.getElementById('cause'); e.value = 'c2'; e.dispatchEvent(new Event('change', { bubbles: true })); }",
    "search": "() => { const e = document.getElementById('find'); e.value = '12,5'; e.dispatchEvent(new Event('input', { bubbles: true })); }",
    "order": "() => { const e = document.getElementById('find'); e.value = '0004'; e.dispatchEvent(new Event('input', { bubbles: true })); }",
    "file": "() => { const e = document.getElementById('file'); e.value = '1'; e.dispatchEvent(new Event('change', { bubbles: true })); }",
}
CLEAR = "() => document.getElementById('clear').click()"
DEBOUNCE_S = 0.12


def build(rows: int, kind: str, path: str, told: Any) -> None:  # noqa: ANN401 - a queue
    """Build one page; tell seconds, CPU, memory."""
    facts, tables = night(rows, KINDS[kind])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, cpu = time.perf_counter(), time.process_time()
    summary = summarise(facts, tables)
    summed, summed_cpu = time.perf_counter(), time.process_time()
    html = render(summary)
    built, built_cpu = time.perf_counter(), time.process_time()
    Path(path).write_text(html, encoding="utf-8")
    static = len(re.sub(r'<script type="text/plain".*?</script>', "", html).encode())
    left_out = re.search(r"This page holds ([\d,]+) of", html)
    told.put(
        {
            "rows": rows,
            "kind": kind,
            "bytes": len(html.encode()),
            "static_bytes": static,
            "listed": left_out[1] if left_out else "all",
            "summarise_s": round(summed - began, 2),
            "summarise_cpu_s": round(summed_cpu - cpu, 2),
            "render_s": round(built - summed, 2),
            "render_cpu_s": round(built_cpu - summed_cpu, 2),
            "memory_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024,
        }
    )


def measure(page: Page, path: Path) -> dict[str, object]:
    """Open a page and use it."""
    began = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("#explorer[data-ready]")
    ready = time.perf_counter() - began
    nodes = page.evaluate("document.querySelectorAll('*').length")
    heap_mb = heap(page)
    took = {}
    for name, does in FILTERS.items():
        seconds = told(page, does)
        took[name] = round(seconds - (DEBOUNCE_S if "find" in does else 0), 3)
        told(page, CLEAR)
    return {
        "ready_s": round(ready, 2),
        "nodes": nodes,
        "heap_mb": heap_mb,
        "heap_all_open_mb": heap(page),
        "filter_s": took,
    }


def told(page: Page, does: str) -> float:
    """Seconds from an event to the rows that it asks for."""
    turn = page.get_attribute("#explorer", "data-ready")
    began = time.perf_counter()
    page.evaluate(does)
    page.wait_for_selector(f"#explorer:not([data-ready='{turn}'])")
    return time.perf_counter() - began


def heap(page: Page) -> float:
    """JavaScript heap after a collection, in MB."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return round(page.evaluate("performance.memory.usedJSHeapSize") / 1e6, 1)


def main() -> int:
    """Build, open, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--kind", choices=KINDS, nargs="+", default=["typical"])
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = chromium.found()
    if found is None:
        parser.error(chromium.MISSING)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        pages = []
        for rows in asked.rows:
            for kind in asked.kind:
                path = Path(folder) / f"{rows}-{kind}.html"
                queue = multiprocessing.get_context("spawn").Queue()
                builder = multiprocessing.get_context("spawn").Process(
                    target=build, args=(rows, kind, str(path), queue)
                )
                builder.start()
                pages.append((path, queue.get()))
                builder.join()
        for path, result in pages:
            with sync_playwright() as playwright:
                browser = chromium.started(playwright, found, "--enable-precise-memory-info")
                results.append(result | measure(browser.new_page(), path))
                browser.close()
    for result in results:
        print(
            json.dumps(result)
            if asked.json
            else "\n".join(f"{k:18} {v}" for k, v in result.items()) + "\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
