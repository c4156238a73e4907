"""Tables as `convert` would make them, written down cell by cell."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
import pytest

from pipeline.check import check
from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.converters import dtype_of
from pipeline.mapping.plan import FieldPlan, Plan
from pipeline.model.findings import Findings
from pipeline.model.origin import ORIGIN_SCHEMA
from pipeline.model.tables import FieldTable

MAPPING = """
version: 1
name: everything
source: {dates: "%Y-%m-%d", timezone: UTC, columns: {Qty: integer, Price: decimal}}
rows: {key: No}
order:
  order_number: No
  external_reference: {from: Ref, on_error: "null"}
  destination_country_iso3: Land
  language_iso2: Lang
  shipping_address:
    first_name: First
    address_line: {template: "{Street} {House}"}
    postal_code: Zip
    city: City
    country_iso3: Land
    region_code: Region
  recipient_email: Mail
  additional_recipients: [{email: Mail2}]
  order_total_amount: Total
  order_tax_amount: {from: Tax, aggregate: sum}
  order_currency: Cur
  announced_delivery_date_min: From
  announced_delivery_date_max: To
  billing_address: {address_line: BStreet, postal_code: BZip, city: BCity, country_iso3: BLand, region_code: BRegion}
  timezone: Zone
  channel: {value: web}
  cancelled_reason: Why
  tags: [Tag]
lines:
  fields:
    line_item_id: Line
    article_store_url: Link
    quantity: Qty
    bundle: {group_id: Group, role: Role, return_policy: {value: parent_only}, parent_sku: PSku}
trackings:
  key: Track
  fields:
    tracking_number: Track
    courier: Courier
    external_reference: TRef
    shipping_address: {address_line: TStreet, postal_code: TZip, city: TCity, country_iso3: TLand, region_code: TRegion}
    flags: [Flag]
    announced_delivery_date_min: TFrom
    announced_delivery_date_max: TTo
    recipient_email: TMail
    articles: {line_item_id: ALine, sku: ASku, quantity: AQty}
    checkpoints: {status_code: Code, message: Msg, event_timestamp: At, courier_status: CStatus}
mutations:
  - type: change_line_item_quantity
    when: "Status = 'Q'"
    fields: {line_item_id: MLine, quantity: MQty, reason: MWhy}
  - type: add_line_item
    when: "Status = 'A'"
    fields: {line_item: {line_item_id: NewLine, sku: NewSku}}
  - type: replace_line_item
    when: "Status = 'R'"
    fields: {old_line_item_id: OldLine, new_line_item: {line_item_id: NextLine}}
  - type: cancel_tracking
    when: "Status = 'C'"
    fields: {tracking: {courier: CCourier, tracking_number: CTrack}}
"""

# A row that breaks no rule; tests change what they are about. Slots are named as in the plan.
FINE: Mapping[str, Any] = {
    "order.order_number": "1001",
    "order.destination_country_iso3": "DEU",
    "order.recipient_email": "jo@example.com",
    "lines.line_item_id": "L1",
    "trackings.tracking_number": "T1",
    "trackings.courier": "dhl",
}


@dataclass(frozen=True, slots=True, repr=False)  # the plan's text is of no use in a failure
class Bench:
    """A plan and what checking rows under it gives."""

    plan: Plan

    def table(self, *rows: Mapping[str, Any]) -> FieldTable:
        """A table with a row per mapping of slots, at lines 2, 3, …; `_key` is the order number."""
        data: dict[str, list[Any]] = {"_file": [], "_line": [], "_segment": [], "_key": []}
        for line, row in enumerate(rows, start=2):
            address = (0, row.get("_line", line), 0, row.get("_key", row.get("order.order_number")))
            for name, value in zip(data, address, strict=True):
                data[name].append(value)
        columns = [
            pl.Series(name, data[name], ORIGIN_SCHEMA.get(name, pl.String())) for name in data
        ]
        for made in self.plan.fields():
            values = [self._cell(made, row) for row in rows]
            columns.append(pl.Series(made.slot, values, dtype_of(made.kind), strict=False))
        for section in (
            "lines",
            "trackings",
            "mutations.0",
            "mutations.1",
            "mutations.2",
            "mutations.3",
        ):
            name = f"_when.{section}"
            default = not section.startswith("mutations")
            columns.append(pl.Series(name, [row.get(name, default) for row in rows], pl.Boolean()))
        return FieldTable(pl.DataFrame(columns))

    @staticmethod
    def _cell(made: FieldPlan, row: Mapping[str, Any]) -> object:
        return row.get(made.slot, "web" if made.constant and made.slot == "order.channel" else None)

    def findings(
        self,
        *rows: Mapping[str, Any],
        known: Findings | None = None,
        existing: Collection[str] = (),
    ) -> Findings:
        """What `check` says about these rows."""
        found = known if known is not None else Findings.none()
        return check(self.table(*rows), found, self.plan, existing=existing)

    def said(
        self,
        *rows: Mapping[str, Any],
        known: Findings | None = None,
        existing: Collection[str] = (),
    ) -> list[tuple[Any, ...]]:
        """The findings as (line, code, column, target)."""
        found = self.findings(*rows, known=known, existing=existing).rows
        return found.select("_line", "code", "column", "target").rows()

    @staticmethod
    def fine(**changes: object) -> dict[str, Any]:
        """A sound row with some cells changed; `order__tags__0` stands for the slot `order.tags.0`."""
        return {**FINE, **{name.replace("__", "."): value for name, value in changes.items()}}

    @staticmethod
    def known(code: str, column: str, line: int = 2) -> Findings:
        """One finding of an earlier stage."""
        row = {"_file": 0, "_line": line, "_segment": 0, "code": code, "column": column}
        return Findings.of(pl.DataFrame([row]))

    def with_field(self, slot: str, change: Callable[[FieldPlan], FieldPlan]) -> "Bench":
        """The same plan with one order field changed."""
        members = tuple(
            change(member) if isinstance(member, FieldPlan) and member.slot == slot else member
            for member in self.plan.order.members
        )
        return Bench(replace(self.plan, order=replace(self.plan.order, members=members)))


@pytest.fixture(scope="session")
def bench() -> Bench:
    return Bench(compile_mapping(MAPPING, "everything.yaml").plan)
