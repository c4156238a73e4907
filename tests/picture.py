"""Take docs/images/report.png anew: the report of the sample night, down to the end of "Does it balance?".

    python -m tests.picture

Needs Chromium or Chrome; it is found on the PATH or named by `--browser`.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "report.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZE = (1100, 1508)  # pixels
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars",
)  # fmt: skip


def take(browser: str, page: Path, picture: Path, size: tuple[int, int]) -> None:
    """Write what the browser shows of a page, from its top.

    Raises:
        SystemExit: the browser failed; its own words follow.
    """
    with tempfile.TemporaryDirectory() as profile:
        made = subprocess.run(
            [browser, *QUIET, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}",
             f"--screenshot={picture}", page.as_uri()],
            check=False, timeout=120, capture_output=True, text=True,
        )  # fmt: skip
    if made.returncode or not picture.exists():
        raise SystemExit(f"{browser} took no picture:\n{made.stderr}")


def main() -> int:
    """Run the demo in a folder of its own and take the picture of its first report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browser", default=next(filter(shutil.which, BROWSERS), None))
    parser.add_argument("--out", type=Path, default=PICTURE)
    asked = parser.parse_args()
    if asked.browser is None:
        parser.error(f"none of {', '.join(BROWSERS)} is on the PATH; name one with --browser")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pipeline", "--quiet", "demo"],
            check=True, cwd=folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        reports = Path(folder) / ".pipeline" / "demo" / "reports"
        (page,) = reports.glob("*-nord-orders/report.html")
        take(asked.browser, page, asked.out.resolve(), SIZE)
    sys.stdout.write(f"{asked.out} is written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
