"""The samples that docs/cookbook.md shows: input and mapping as they stand in `samples/`, never a copy by hand."""

import re
from pathlib import Path

SAMPLES = Path(__file__).parent.parent / "samples"
_PLACE = re.compile(r"<!-- sample: ([\w/.-]+) -->\n.*?<!-- end -->", re.DOTALL)
_LINES_SHOWN = 12  # of an input; a recipe shows a shape, not a night
_WIDTH_SHOWN = 160
# What every mapping has and no recipe is about.
_NOT_SHOWN = re.compile(r"^(?:version|name|description):.*\n", re.MULTILINE)
_INPUTS = ("*.csv", "*.txt", "*.tsv", "*.edi")


def filled(page: str) -> str:
    """Fill in the samples of the cookbook anew."""
    return _PLACE.sub(
        lambda place: f"<!-- sample: {place[1]} -->\n{_shown(SAMPLES / place[1])}<!-- end -->", page
    )


def _shown(folder: Path) -> str:
    """The files of a sample and its mapping, the shape first and its solution behind it."""
    mapping = (folder / "mapping.yaml").read_text("utf-8")
    inputs = [path for pattern in _INPUTS for path in sorted(folder.glob(pattern))]
    lookups = {path for path in inputs if re.search(rf"file: {re.escape(path.name)}\b", mapping)}
    blocks = [_block(path, mapping) for path in inputs if path not in lookups]
    recipe = _NOT_SHOWN.sub("", mapping).strip("\n")
    told = f"[samples/{folder.name}](../samples/{folder.name})"
    return "\n".join([*blocks, f"```yaml\n{recipe}\n```\n", f"A test: {told}\n"])


def _block(path: Path, mapping: str) -> str:
    declared = re.search(r"encoding: ([\w-]+)", mapping)
    text = path.read_bytes().decode(declared[1] if declared else "utf-8", "replace")
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    shown = [
        line if len(line) <= _WIDTH_SHOWN else f"{line[: _WIDTH_SHOWN - 1]}…"
        for line in lines[:_LINES_SHOWN]
    ]
    more = [f"… and {len(lines) - _LINES_SHOWN} more"] if len(lines) > _LINES_SHOWN else []
    name = [] if path.stem == "input" else [f"# {path.name}"]
    return "\n".join(["```text", *name, *shown, *more, "```", ""])
