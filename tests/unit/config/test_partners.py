"""The sections [partner.NAME]."""

from pathlib import Path

import pytest

from pipeline.config import BadConfig, Settings
from pipeline.config.partners import KEYS_OF_PARTNERS
from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.delimiters import Delimiters
from tests.unit.config.test_config import loaded, refused

ACME = '[partner.acme]\nsyntax = "x12"\nid = "ACMEWMS"\n'


def settings(folder: Path, toml: str) -> Settings:
    return loaded(folder, toml=toml).settings


def test_a_section_is_a_partner_with_nothing_agreed_that_is_not_written(tmp_path: Path) -> None:
    (acme,) = settings(tmp_path, ACME).partners
    assert (acme.name, acme.syntax, acme.id, acme.qualifier) == ("acme", Syntax.X12, "ACMEWMS", None)  # fmt: skip
    assert (acme.messages, acme.versions, acme.acks, acme.separators) == ((), (), (), None)
    assert (acme.test, acme.outbox, acme.control_number) == (False, "acme", 1)


def test_all_keys_are_read_and_paths_belong_to_the_folder_of_the_file(tmp_path: Path) -> None:
    toml = """
[partner.wms]
syntax = "edifact"
id = "4012345000009"
qualifier = "14"
receiver = "PARCELLAB"
receiver_qualifier = "ZZ"
messages = ["DESADV"]
versions = ["D:96A"]
test = true
accept_duplicates = true
acks = ["contrl"]
separators = {segment = "\\n"}
mappings = {DESADV = "maps/desadv.yaml"}
outbox = "wms/out"
control_number = 4711
"""
    (wms,) = settings(tmp_path, toml).partners
    assert wms.identity == (Syntax.EDIFACT, "4012345000009", "14", "PARCELLAB", "ZZ")
    assert (wms.messages, wms.versions, wms.acks) == (("DESADV",), ("D:96A",), ("CONTRL",))
    assert (wms.test, wms.accept_duplicates, wms.control_number) == (True, True, 4711)
    assert wms.separators == Delimiters(Syntax.EDIFACT, ord("+"), ord(":"), 10, -1, ord("?"))
    assert dict(wms.mappings) == {"DESADV": str(tmp_path / "maps" / "desadv.yaml")}
    assert wms.outbox == "wms/out"
    assert set(KEYS_OF_PARTNERS) <= {line.split(" = ")[0] for line in toml.splitlines()}


ONE_MISTAKE = [
    ("[partner.acme]\nid = 'A'\n", "partner acme has no syntax", 1),
    ("[partner.acme]\nsyntax = 'x12'\n", "partner acme has no id", 1),
    (ACME + "messges = []\n", "unknown key messges in [partner.acme]", 4),
    (ACME + "messages = '945'\n", "'945' is not a list of texts for messages of partner acme", 4),
    (ACME + "acks = ['CONTRL']\n", "'['CONTRL']' is not one of 997, 999, ta1 for acks of partner acme", 4),
    (ACME + "separators = {elment = '*'}\n", "has an unknown separator elment; did you mean element?", 4),
    (ACME + "separators = {element = '>'}\n", "has one character twice", 4),
    (ACME + "separators = {element = 'x'}\n", "needs for element one character that is no letter, digit or blank", 4),
    (ACME + "outbox = '../other'\n", "'../other' is not a folder below acks_dir", 4),
    (ACME + "messages = ['945']\nmappings = {954 = 'a.yaml'}\n", "message 954 has a mapping and is not among messages", 5),
    (ACME + "control_number = 0\n", "'0' is not between 1 and 999999999", 4),
    ("[partner.'a/b']\nsyntax = 'x12'\nid = 'A'\n", "has a name that cannot name a folder", 1),
    (ACME + ACME.replace("acme]", "twin]"), "partner twin has the same identifiers as partner acme", 4),
    ("partner = 3\n", "partner is not a section", 1),
]  # fmt: skip


@pytest.mark.parametrize(("toml", "words", "line"), ONE_MISTAKE)
def test_a_mistake_has_its_line_and_a_help(
    tmp_path: Path, toml: str, words: str, line: int
) -> None:
    error = refused(tmp_path, toml=toml)
    assert words in error.message
    assert error.place == f"pipeline.toml:{line}"
    assert error.help


def test_all_mistakes_of_all_sections_are_told_at_once(tmp_path: Path) -> None:
    toml = """\
[partner.acme]
syntax = "x13"
id = "A"
messges = ["945"]

[partner.wms]
syntax = "edifact"
acks = ["997"]
"""
    error = refused(tmp_path, toml=toml)
    assert error.message.splitlines() == [
        "4 mistakes in the sections of partners:",
        "  pipeline.toml:2: 'x13' is not one of x12, edifact for syntax of "
        "partner acme; did you mean x12?; syntax: x12 or edifact",
        "  pipeline.toml:4: unknown key messges in [partner.acme]; did you mean messages?",
        "  pipeline.toml:6: partner wms has no id; add id = …: identifier of the partner as "
        "sender: ISA06, or UNB 2",
        "  pipeline.toml:8: '['997']' is not one of contrl for acks of partner wms; acks: "
        'acknowledgements to write: "997", "999", "TA1", or "CONTRL"; none without it',
    ]
    assert isinstance(error, BadConfig)


def test_the_page_names_every_key_of_partners() -> None:
    page = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
    section = page.partition("## Partners")[2].partition("## Secrets")[0]
    for key in KEYS_OF_PARTNERS:
        assert f"`{key}`" in section, key
