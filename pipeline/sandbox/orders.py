"""An order as the sandbox keeps it, and how a body merges into it (CONTRACT.md section 4)."""

import copy
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.sandbox import codes, document

Fields = dict[str, Any]
Tracking = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """One stored order; a change makes a new one, so that a refused request leaves no trace."""

    account: int
    order_number: str
    external_id: str
    fields: Fields = field(default_factory=dict)
    trackings: tuple[Tracking, ...] = ()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The order's lines; an empty list when none were ever sent."""
        lines: list[dict[str, Any]] = self.fields.get("articles_order", [])
        return lines

    def with_fields(self, **changes: object) -> "Order":
        """Return the order with these fields set."""
        return replace(self, fields=self.fields | changes)


def merge(order: Order, body: Fields) -> Order:
    """Replace the fields the body names, keep the others, ignore what is not a field.

    Objects and lists are replaced whole (K43); null is stored as null.
    """
    known = document.order_fields()
    sent = {name: copy.deepcopy(value) for name, value in body.items() if name in known}
    billing = sent.get("billing_address")
    if billing and _region_is_unknown(billing):
        # 002: billing_address "can coerce invalid region codes to `null`", yet the answer's schema
        # forbids null there, so the key goes (K10).
        del billing["region_code"]
    return replace(order, fields=order.fields | sent)


def replaces_lines(order: Order, body: Fields) -> bool:
    """Tell whether the body would replace lines the order already has."""
    return bool(order.lines) and "articles_order" in body


def answer(order: Order, mutations: list[dict[str, Any]]) -> Fields:
    """Return the API's `Order`: identity, fields and the given mutations with their results."""
    return {
        "account": order.account,
        "order_number": order.order_number,
        "external_id": order.external_id,
        **order.fields,
        "mutations": mutations,
    }


def details(order: Order, mutations: list[dict[str, Any]]) -> Fields:
    """Return the API's `OrderDetails`: the order and its trackings."""
    return answer(order, mutations) | {"trackings": list(order.trackings)}


def _region_is_unknown(address: Fields) -> bool:
    region = address.get("region_code")
    return region is not None and not codes.is_region(address["country_iso3"], region)
