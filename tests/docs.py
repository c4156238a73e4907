"""Generated pages and the code they are made from: `--check` compares, `--write` writes."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.cli.codes import codes_page
from pipeline.cli.page import help_page
from pipeline.mapping.page import filled
from pipeline.mapping.schema import schema_text
from pipeline.model.catalogue.page import field_table
from tests import csv_traits, fixed_traits, library, recipes

ROOT = Path(__file__).parent.parent
PAGES: Mapping[str, Callable[[], str]] = {
    "docs/cli.md": help_page,
    "docs/codes.md": codes_page,
    "docs/fields.md": field_table,
    "docs/cookbook.md": lambda: recipes.filled((ROOT / "docs/cookbook.md").read_text("utf-8")),
    "docs/csv.md": lambda: csv_traits.filled((ROOT / "docs/csv.md").read_text("utf-8")),
    "docs/fixed.md": lambda: fixed_traits.filled((ROOT / "docs/fixed.md").read_text("utf-8")),
    "mappings/mapping.schema.json": schema_text,
    "docs/library.md": lambda: library.filled((ROOT / "docs/library.md").read_text("utf-8")),
    "docs/mapping.md": lambda: filled((ROOT / "docs/mapping.md").read_text("utf-8")),
}


def main() -> int:
    """Compare or write all pages; 1 when one is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--check", action="store_true")
    choice.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    stale = [name for name, make in PAGES.items() if (ROOT / name).read_text("utf-8") != make()]
    for name in stale:
        if asked.write:
            (ROOT / name).write_text(PAGES[name](), "utf-8")
        sys.stdout.write(f"{name} is {'written' if asked.write else 'out of date: make docs'}\n")
    return 1 if stale and asked.check else 0


if __name__ == "__main__":
    sys.exit(main())
