"""Mistakes of mappings for other programs: GitHub's annotations, and SARIF 2.1.0."""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path, PurePath
from urllib.parse import quote

from pipeline.mapping.mistakes import MISTAKES, Mistake, Weight

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def annotation(path: Path, mistake: Mistake) -> str:
    """One line that GitHub shows beside the code."""
    message = f"{mistake.message}{f' ({mistake.help})' if mistake.help else ''}"
    return (
        f"::{mistake.weight.value} file={escaped(str(path), name=True)},line={mistake.line},"
        f"col={mistake.column},endColumn={mistake.column + mistake.length},"
        f"title={mistake.code}::{escaped(message)}"
    )


def escaped(text: str, *, name: bool = False) -> str:
    """Spell what GitHub would take for the end of a message, or with `name` of a property.

    >>> escaped("100 %"), escaped("a,b", name=True)
    ('100 %25', 'a%2Cb')
    """
    signs = [("%", "%25"), ("\r", "%0D"), ("\n", "%0A")]
    for sign, spelled in [*signs, (",", "%2C"), (":", "%3A")] if name else signs:
        text = text.replace(sign, spelled)
    return text


def sarif(found: Mapping[Path, Sequence[Mistake]]) -> str:
    """All mistakes of all mappings as one SARIF log, for code scanning and editors.

    Every kind of mistake is a rule with its help, whether it was made or not; lines and columns
    count from 1, in characters, and names of files are relative where they were given so.
    """
    codes = list(MISTAKES)
    rules = [
        {
            "id": code,
            "name": "".join(word.capitalize() for word in _words(row.title)),
            "shortDescription": {"text": row.title},
            "fullDescription": {"text": f"{row.title}: {row.why}."},
            "help": {"text": f"{row.fix[:1].upper()}{row.fix[1:]}."},
            "defaultConfiguration": {"level": _level(code)},
        }
        for code, row in MISTAKES.items()
    ]
    results = [
        _result(path, mistake, codes) for path, listed in found.items() for mistake in listed
    ]
    driver = {"name": "pipeline mapping check", "semanticVersion": version("pipeline"), "rules": rules}  # fmt: skip
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "artifacts": [{"location": {"uri": _uri(path)}} for path in found],
                "results": results,
            }
        ],
    }
    return json.dumps(log, ensure_ascii=False, indent=1)


def _result(path: Path, mistake: Mistake, codes: Sequence[str]) -> dict[str, object]:
    text = f"{mistake.message}; {mistake.help}" if mistake.help else mistake.message
    region = {
        "startLine": mistake.line,
        "startColumn": mistake.column,
        "endColumn": mistake.column + mistake.length,
    }
    made: dict[str, object] = {
        "ruleId": mistake.code,
        "ruleIndex": codes.index(mistake.code),
        "level": mistake.weight.value,
        "message": {"text": text},
        "locations": [_location(path, region)],
    }
    if mistake.noticed is not None:
        line, column, words = mistake.noticed
        there = {"startLine": line, "startColumn": column, "endColumn": column + 1}
        made["relatedLocations"] = [{**_location(path, there), "message": {"text": words}}]
    return made


def _location(path: Path, region: dict[str, int]) -> dict[str, object]:
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(path)}, "region": region}}


def _level(code: str) -> str:
    return (Weight.WARNING if code.startswith("W") else Weight.ERROR).value


def _words(title: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in title).split()


def _uri(path: PurePath) -> str:
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
