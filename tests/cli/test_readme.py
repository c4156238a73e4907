"""Every command of README.md runs as it stands there, with the mapping that stands there."""

import gzip
import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.sandbox import RunningSandbox
from tests.cli.conftest import Call, Said

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXPORT = """\
AuftragsNr;Pos;Land;EMail;SKU;Menge;Preis
A1;1;DE;jo@example.com;LN-1;2;1,50
A2;1;AT;;LN-2;1;2,50
"""
SHIPMENTS = """\
version: 1
name: shipments
mode: update_only
source: {files: "parcels*.csv"}
rows: {key: nr}
order: {order_number: nr}
trackings: {key: parcel, fields: {tracking_number: parcel, courier: {value: dhl-germany}}}
"""
ENDLESS = "sandbox"  # its own tests start and end it


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def commands(title: str) -> list[list[str]]:
    """The arguments of each `pipeline …` that stands in a section, with the glob as a shell has it."""
    lines = re.findall(r"(?:^ {4}(?:.*&& )?|`)(pipeline [^`\n]+)", section(title), re.M)
    found = []
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        found.append([name for word in words for name in _expanded(word)])
    return [words for words in found if words[0] != ENDLESS]


def _expanded(word: str) -> Sequence[str]:
    return sorted(str(path) for path in Path().glob(word)) if "*" in word else [word]


@pytest.fixture
def readers_folder(folder: Path, api: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a reader of README.md has: exports, the mapping of the page, a production profile."""
    mapping = README.partition("```yaml\n")[2].partition("```")[0]
    for name in ("wms", "history", "orders"):
        files = 'source: {files: "orders*.csv", ' if name == "orders" else "source: {"
        (folder / f"{name}.yaml").write_text(mapping.replace("source: {", files))
    (folder / "shipments.yaml").write_text(SHIPMENTS)
    (folder / "inbox").mkdir()
    (folder / "orders.csv").write_text(EXPORT)
    (folder / "inbox" / "orders.csv").write_text(EXPORT)
    (folder / "inbox" / "parcels.csv").write_text("nr,parcel\nA1,00340434161094000001\n")
    (folder / "archive").mkdir()
    for month in ("01", "02"):
        text = EXPORT.replace("A1;", f"B{month};").replace("A2;", f"C{month};")
        (folder / "archive" / f"2024-{month}.csv.gz").write_bytes(gzip.compress(text.encode()))
    shutil.copytree(ROOT / "mappings", folder / "mappings")
    shutil.copy(ROOT / "samples" / "edi-945-night" / "advice.edi", folder / "night.edi")
    (folder / "pipeline.toml").write_text(
        f'[profile.prod]\nbase_url = "{api.base_url}"\naccount = 1618\nauto_approve = true\n'
    )
    monkeypatch.setenv("PARCELLAB_TOKEN", "sandbox-token")
    return folder


def all_of(call: Call, title: str) -> dict[str, Said]:
    return {shlex.join(words): call(*words) for words in commands(title)}


def test_your_own_files(call: Call, readers_folder: Path, api: RunningSandbox) -> None:
    said = all_of(call, "Your own files")

    codes = {line: each.code for line, each in said.items()}
    assert codes.pop("plan -m mappings/edi/x12-945.yaml night.edi") == 3  # it is damaged
    assert codes.pop("edi show night.edi") == 3
    assert set(codes.values()) == {0}, codes
    assert len(codes) == 6
    assert len(api.orders()) == 2
    assert (readers_folder / "asn.yaml").is_file()


def test_the_nightly_import(call: Call, readers_folder: Path, api: RunningSandbox) -> None:
    # in the same section two commands name a run's files; what they name is tested with `retry`
    said = {line: each for line, each in all_of(call, "The nightly import").items()
            if "FILE" not in line}  # fmt: skip

    assert {line: each.code for line, each in said.items()} == {
        "--profile prod run --yes -m orders.yaml -m shipments.yaml inbox/": 0,
        "run -m orders.yaml -m shipments.yaml inbox/": 0,
        "report prune --older-than 90d": 0,
        "doctor": 0,
    }
    assert [len(order["trackings"]) for order in api.orders()] == [1, 0]
    assert readers_folder.is_dir()


def test_the_backfill(call: Call, readers_folder: Path, api: RunningSandbox) -> None:
    said = all_of(call, "The backfill")

    assert [each.code for each in said.values()] == [0, 0, 0], said
    assert len(api.orders()) == 4
    assert readers_folder.is_dir()


def test_codes_are_explained(call: Call) -> None:
    assert "`pipeline explain CODE`" in README
    assert call("explain", "R203").code == 0
