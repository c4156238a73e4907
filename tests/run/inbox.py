"""X12 as partners send it, and mappings that read it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.config import load
from pipeline.run import Options, Result, plan, run
from tests.run.conftest import Warehouse

ORDERS_850 = """\
version: 1
name: purchase-orders
source: {files: "*.edi", format: x12, transaction: "850"}
extract:
  columns: {no: BEG.3, country: "N1[1=ST]>N4.4", sku: "PO1[*=SK].+1", pos: PO1.1, qty: PO1.2}
rows: {key: no}
order: {order_number: no, destination_country_iso3: country, recipient_email: {value: jo@example.com}}
lines:
  fields: {line_item_id: {template: "{no}-{pos}"}, sku: sku, quantity: {from: qty, as: integer}}
"""
PARCELS_945 = """\
version: 1
name: parcels
mode: update_only
source: {files: "*.edi", format: x12, transaction: "945"}
extract:
  columns: {no: W06.4, parcel: "MAN[1=CP].2"}
rows: {key: no}
order: {order_number: no}
trackings:
  key: parcel
  fields: {tracking_number: parcel, courier: {value: ups}}
"""


def order(number: str, sku: str = "S1", country: str = "DE") -> str:
    """The segments of an 850 without ST and SE."""
    return f"BEG*00*SA*{number}**20261120~N1*ST*Jo~N4*Berlin**10115*{country}~PO1*1*2*EA*1**SK*{sku}~CTT*1~"


def parcel(number: str, parcel: str) -> str:
    """The segments of a 945 without ST and SE."""
    return (
        f"W06*F*D1*20261120*{number}~N1*ST*Jo~N4*Berlin**10115*DE~LX*1~MAN*CP*{parcel}~"
        "W12*SH*1*1*0*EA**SK*S1~"
    )


def interchange(
    *bodies: tuple[str, str], reference: str = "000000905", sender: str = "ACME",
    usage: str = "P", version: str = "004010",
) -> str:  # fmt: skip
    """An interchange with one group per message; a body is a type and its segments."""
    text = (
        f"ISA*00*          *00*          *ZZ*{sender:<15}*ZZ*{'PARCELLAB':<15}*261120*1200*U*00401"
        f"*{reference}*0*{usage}*>~"
    )
    for number, (kind, segments) in enumerate(bodies, start=1):
        functional = {"850": "PO", "945": "SW", "856": "SH", "810": "IN"}[kind]
        count = segments.count("~") + 2
        text += f"GS*{functional}*{sender}*PARCELLAB*20261120*1200*{number}*X*{version}~"
        text += f"ST*{kind}*{number:04}~{segments}SE*{count}*{number:04}~GE*1*{number}~"
    return text + f"IEA*{len(bodies)}*{reference}~"


class Inbox:
    """A warehouse whose partners send EDI."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.folder = warehouse.folder
        (self.folder / "orders.yaml").write_text(ORDERS_850, encoding="utf-8")

    def send(self, text: str, name: str = "in.edi") -> None:
        (self.folder / name).write_text(text, encoding="ascii")

    def agree(self, toml: str, *, production: bool = False, acks: Path | None = None) -> None:
        """Read sections of partners as the program does, and use them from now on."""
        (self.folder / "pipeline.toml").write_text(toml, encoding="utf-8")
        partners = load(None, None, {}, {}, self.folder).settings.partners
        settings = self.warehouse.settings
        self.warehouse.settings = replace(
            settings, partners=partners, acks=acks,
            endpoint=replace(settings.endpoint, production=production),
        )  # fmt: skip

    def run(self, **options: object) -> Result:
        return self.warehouse.run(**options)

    def run_with(self, *mappings: str) -> Result:
        return run(
            self.warehouse.settings, [self.folder / name for name in mappings],
            [str(self.folder)], Options(), self.warehouse.told,
        )  # fmt: skip

    def run_by_partner(self, *mappings: str, planned: bool = False) -> Result:
        verb = plan if planned else run
        return verb(
            self.warehouse.settings, [self.folder / name for name in mappings],
            [str(self.folder)], Options(by_partner=True), self.warehouse.told,
        )  # fmt: skip

    def found(self, result: Result) -> list[tuple[str, object, object]]:
        """Code, line's segment and value of each rejection that is not a mere consequence."""
        records = self.warehouse.rejections(result)
        return [(str(r["rule"]), r["segment"], r["raw"]) for r in records if r["rule"] != "H001"]

    def arrived(self) -> list[str]:
        return sorted(str(each["order_number"]) for each in self.warehouse.sandbox.orders())

    def facts(self, result: Result) -> Sequence[dict[str, object]]:
        import json

        path = self.warehouse.settings.home / "runs" / result.run_id / "run.json"
        interchanges: list[dict[str, object]] = json.loads(path.read_text())["interchanges"]
        return interchanges
