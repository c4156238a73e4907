"""People in the files stay where the documents say that they are: every byte of every output is read.

Names of canaries stand in the input, wherever a finding may quote them. They may be in the files that
hold values as they are, and nowhere else: no page, no block packed into a page, no log, no ledger, no
mail, no stream.
"""

import base64
import binascii
import gzip
import html
import io
import json
import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.model.endpoint import Secret
from pipeline.model.notice import MailRoute, Notify, Security, Shape, WebhookRoute, When
from pipeline.run import Result, report
from pipeline.sandbox import FaultSchedule
from tests.run.conftest import Warehouse
from tests.run.inbox import Inbox, interchange
from tests.unit.notify.servers import mail_server, web_server

MAPPING = """\
version: 1
name: people
source: {files: "people*.csv", delimiter: ";"}
rows: {key: no}
order:
  order_number: no
  destination_country_iso3: country
  recipient_email: mail
  recipient_name: {from: name}
  shipping_address:
    {address_line: street, city: city, postal_code: zip, country_iso3: country, phone: phone}
lines: {fields: {line_item_id: {template: "{no}-{pos}"}, sku: sku, quantity: {from: qty, as: integer}}}
"""
HEADER = ("no", "pos", "sku", "qty", "country", "mail", "name", "phone", "street", "city", "zip")
PERSON = {
    "mail": "jana.canary@privat.example", "name": "Canarina Vogelsang", "phone": "+49 151 5550 4242",
    "street": "Kanarienweg 17", "city": "Vogelhausen", "zip": "98765",
}  # fmt: skip
CANARIES = re.compile(
    r"canary|privat\.example|canarina|vogelsang|5550.?4242|kanarienweg|vogelhausen|98765", re.I
)
# What holds values as they are, for their owner only.
PRIVATE = re.compile(
    r"reports/[^/]+/(rejections\.jsonl\.gz|rejected/.*)"
    r"|home/(runs|plans)/[^/]+/(rows|findings|trace|messages|answers|cells|refused|snapshots|spool|prepared|planned|envelopes|rejections\.jsonl\.gz)(/.*)?"
    r"|inbox/.*"
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")


def texts_of(content: bytes) -> Iterator[str]:
    """All that a file says: itself, its entities, and what is packed in it, however deep."""
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        yield content.decode(encoding, "replace")
    yield html.unescape(content.decode("utf-8", "replace"))
    if content[:2] == b"\x1f\x8b":
        yield from texts_of(gzip.decompress(content))
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from texts_of(archive.read(name))
    for found in _BASE64.findall(content):
        try:
            unpacked = base64.b64decode(found, validate=True)
        except binascii.Error:
            continue
        yield from texts_of(unpacked)


def leaks(content: bytes) -> set[str]:
    """The canaries in a file."""
    return {found.lower() for text in texts_of(content) for found in CANARIES.findall(text)}


def scan(root: Path) -> dict[str, set[str]]:
    """The files with canaries that must not have any."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_file() and not PRIVATE.fullmatch(name) and (leaked := leaks(path.read_bytes())):
            found[name] = leaked
    return found


def people_row(number: str, pos: int = 1, **cells: str) -> str:
    row = {"no": number, "pos": str(pos), "sku": f"SKU-{pos}", "qty": "2", "country": "DE"}
    return ";".join((row | PERSON | cells)[name] for name in HEADER) + "\n"


def people(warehouse: Warehouse) -> None:
    """An export in which every finding that can quote a person does, and an API that quotes them too."""
    (warehouse.folder / "orders.yaml").unlink()
    (warehouse.folder / "people.yaml").write_text(MAPPING, encoding="utf-8")
    rows = [
        people_row("A1", mail="jana canary@privat.example"),
        people_row("A2", mail="jana.canary@@privat.example"),
        people_row("A3", city="Vogelhausen" * 40),
        people_row("A4", name="Canarina Vogelsang " * 40),
        people_row("A5", zip="98765-" * 12),
        people_row("A6"),
        people_row("A6", 2, name="Canarina Anders", mail="other.canary@privat.example"),
        people_row("A7", qty="two"),
        people_row("A7", 2),
        people_row("A8", country=""),
        people_row("", mail="keyless.canary@privat.example"),
        "A9;1;Canarina Vogelsang;Kanarienweg 17\n",
        people_row("A10", street="Kanarienweg 17\x1b[31m\u202e"),
        people_row("A11", mail=""),
        people_row("A12", phone="canary 5550 4242"),
        *(people_row(f"B{n}") for n in range(6)),
    ]
    text = ";".join(HEADER) + "\n" + "".join(rows)
    (warehouse.folder / "people.csv").write_text(text, encoding="utf-8")
    quoted = ", ".join(PERSON.values())
    warehouse.sandbox.play(
        FaultSchedule.of([
            {"fault": "http_400_a", "order_number": "B1", "attr": "recipient_email",
             "detail": f"{PERSON['mail']} cannot be reached"},
            {"fault": "http_400_a", "order_number": "B2", "attr": "shipping_address.city",
             "detail": f"not deliverable: {quoted}"},
            {"fault": "http_400_b", "order_number": "B3"},
            {"fault": "http_400_c", "order_number": "B4"},
        ])
    )  # fmt: skip


@pytest.fixture
def told(warehouse: Warehouse) -> Iterator[list[bytes]]:
    """Everything that mail and webhooks got; the warehouse tells them always."""
    kept: list[bytes] = []
    with mail_server() as post, web_server() as web:
        mail = MailRoute(
            host="127.0.0.1", port=post.port, sender="import@example.com", to=("ops@example.com",),
            security=Security.NONE,
        )  # fmt: skip
        hook = WebhookRoute(url=Secret(web.url), host="127.0.0.1", shape=Shape.TEAMS)
        warehouse.settings = replace(
            warehouse.settings, notify=Notify(when=When.ALWAYS, mail=mail, webhook=hook)
        )
        yield kept
        for envelope, message in post.mails:
            kept.append(bytes(envelope.original_content or b""))
            kept.extend(str(part.get_content()).encode() for part in message.iter_parts())
        kept.extend(json.dumps(body).encode() for _, _, body in web.posts)
    assert kept
    assert [leaks(each) for each in kept] == [set()] * len(kept)


def said(warehouse: Warehouse, result: Result) -> bytes:
    """What a terminal and a program got."""
    return json.dumps(
        [result.text, result.summary, warehouse.told.events, warehouse.told.questions],
        default=str, ensure_ascii=False,
    ).encode()  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("pii", ["mask", "none"])
def test_no_person_of_a_night_of_csv_is_where_nobody_expects_them(
    warehouse: Warehouse, tmp_path: Path, told: list[bytes], pii: str
) -> None:
    people(warehouse)
    result = warehouse.run(pii=pii, max_reject_rate=None)
    assert told == []  # filled and judged when the servers close
    assert result.report is not None
    # it was all there to leak
    records = result.report.with_name("rejections.jsonl.gz").read_bytes()
    assert {"canary", "canarina", "vogelhausen", "98765"} <= leaks(records)
    corrected = b"".join(each.read_bytes() for each in result.report.parent.glob("rejected/*"))
    assert {"kanarienweg", "vogelsang", "5550 4242"} <= leaks(corrected)
    codes = {str(record["rule"]) for record in warehouse.rejections(result)}
    assert {"R101", "R201", "R303", "R310", "H001", "A401"} <= codes

    assert scan(tmp_path) == {}
    assert leaks(said(warehouse, result)) == set()

    report(warehouse.settings, result.run_id, pii, warehouse.told)
    warehouse.plan(pii=pii)
    assert scan(tmp_path) == {}


def test_what_is_shown_on_purpose_stays_on_the_page(
    warehouse: Warehouse, tmp_path: Path, told: list[bytes]
) -> None:
    people(warehouse)
    result = warehouse.run(pii="show", max_reject_rate=None)
    assert told == []
    page = f"reports/{result.run_id}/report.html"
    found = scan(tmp_path)
    assert "canarina" in found[page]
    assert set(found) <= {
        page, f"reports/{result.run_id}/summary.json", f"reports/{result.run_id}/summary.txt",
    }  # fmt: skip


def test_no_person_of_a_night_of_edi_is_where_nobody_expects_them(
    warehouse: Warehouse, tmp_path: Path, told: list[bytes]
) -> None:
    inbox = Inbox(warehouse)
    party = (
        "N1*ST*Canarina Vogelsang~N3*Kanarienweg 17~N4*Vogelhausen**98765*DE~"
        "PER*IC*Canarina Vogelsang*TE*015155504242*EM*jana.canary@privat.example~"
    )
    good = f"BEG*00*SA*{{}}**20261120~{party}PO1*1*2*EA*1**SK*S1~CTT*1~"
    inbox.send(
        interchange(
            ("850", good.format("A1")),
            ("850", good.format("A2").replace("PO1*1*2", "PO1*1*two")),
            ("850", good.format("A3").replace("*DE~", "*XX~")),
            ("850", good.format("A4").replace("PER*IC*", "PER*IC*Canarina*Vogelsang*")),
            ("850", good.format("A5").replace("N3*", "Canarina*")),
            ("850", good.format("A6").replace("CTT*1", "CTT*7")),
        )
    )
    result = inbox.run(max_reject_rate=None)
    assert result.exit_code == 3
    assert told == []
    assert scan(tmp_path) == {}
    assert leaks(said(warehouse, result)) == set()


def test_all_that_a_run_writes_is_for_its_owner_only(warehouse: Warehouse, tmp_path: Path) -> None:
    people(warehouse)
    warehouse.run(max_reject_rate=None)
    warehouse.plan()
    modes = {
        str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
        for root in (tmp_path / "home", tmp_path / "reports")
        for path in root.rglob("*")
        if not path.is_symlink()
    }
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}


# --- the scan itself ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"jana.canary",
        "Kanarienweg".encode("utf-16-le"),
        b"&#75;anarienweg",
        gzip.compress(b"x" * 99 + b"Vogelhausen", mtime=0),
        b"<script>"
        + base64.b64encode(gzip.compress(b'{"v":["Canarina Vogelsang"]}', mtime=0))
        + b"</script>",
        b"=" + base64.b64encode(b"a mail part for Canarina Vogelsang") + b"\n",
    ],
)
def test_the_scan_finds_what_is_packed(content: bytes) -> None:
    assert leaks(content)


def test_the_scan_finds_nothing_in_nothing() -> None:
    assert leaks(b"WH-4000001 k\xe2\x80\xa6@e\xe2\x80\xa6.com") == set()
