"""Rows of a file as examples: people, places to live, order and parcel numbers are invented.

Kept are articles, amounts, dates, codes, towns and postcodes, and words that many rows have. The same text becomes the
same text everywhere; numbers keep their shape, and a check digit that is right stays right.
"""

import re
import string
from collections.abc import Mapping, Sequence

from pipeline.model.checkdigits import corrected, is_gtin, scheme
from pipeline.run.drafting.looks import Look
from pipeline.run.drafting.names import meanings

_FIRST = ("Kim", "Robin", "Alex", "Sascha", "Toni", "Luca", "Noa", "Jona")
_LAST = ("Muster", "Sample", "Exemple", "Ejemplo", "Esempio", "Specimen", "Beispiel", "Modell")
_STREETS = ("Sample Street", "Example Road", "Test Lane", "Model Way")
_COMPANIES = ("Sample Ltd", "Example Ltd", "Specimen Ltd")
_KEPT = frozenset([
    "country", "city", "postal_code", "region_code", "language_iso2", "timezone", "order_currency", "sku", "barcode",
    "article_name", "article_category", "article_brand", "article_image_url", "article_store_url", "size", "color",
    "quantity", "unit_price", "unit_price_original", "line_tax_amount", "weight", "weight_unit", "order_total_amount",
    "order_tax_amount", "order_net_amount", "order_discount_amount", "shipping_cost", "order_date", "product_id",
    "variant_id", "announced_delivery_date", "announced_delivery_date_min", "announced_delivery_date_max",
    "announced_send_date", "payment_method", "channel", "delivery_method", "order_status", "courier",
    "courier_service_level", "warehouse", "harmonized_system_code", "origin_country", "is_return", "client_key",
])  # fmt: skip
_FEW = 40  # different words that say what something is and not who
_SHORT = 3


class Invented:
    """Texts in place of those of a file. `key` is the column of the order number."""

    def __init__(self, looks: Mapping[str, Look], key: str) -> None:
        self._looks = looks
        self._key = key
        self._made: dict[tuple[str, str], str] = {}
        self._orders: dict[str, str] = {}
        self._kinds = {name: self._kind(name) for name in looks}

    def row(self, cells: Mapping[str, str]) -> dict[str, str]:
        """A row with invented people and numbers."""
        order = cells[self._key]
        if order and order not in self._orders:
            self._orders[order] = shaped(order, len(self._orders) + 1)
        return {name: self._of(name, text, order) for name, text in cells.items()}

    def _kind(self, name: str) -> str:
        """How the cells of a column are replaced: `keep`, or what of."""
        found = self._looks[name]
        listed = meanings(name)
        concept = listed[0].concept if listed else ""
        if name == self._key:
            return "order"
        if found.share("email") > 0.05:
            return "email"
        if concept in (
            "name",
            "first_name",
            "last_name",
            "company_name",
            "street",
            "house_number",
            "phone",
            "email",
        ):
            return concept
        if concept in _KEPT and (listed[0].strength > 1 or concept == "order_status"):
            return "keep"
        dated = max(found.formats.values(), default=0) >= 0.8 * found.filled
        if (found.filled and dated) or any(
            mark in "1.5 1,5" and found.share(mark) > 0.5 for mark in ("1.5", "1,5")
        ):
            return "keep"
        few = found.distinct <= _FEW and found.filled >= 3 * found.distinct
        return "keep" if few or found.longest <= _SHORT else "text"

    def _of(self, name: str, text: str, order: str) -> str:
        kind = self._kinds[name]
        if not text or kind == "keep" or text in self._looks[name].nulls:
            return text
        if kind == "order":
            return self._orders.get(text, text)
        if order and len(order) > _SHORT and order in text:
            return text.replace(order, self._orders[order])
        made = self._made.get((kind, text))
        if made is None:
            number = sum(each == kind for each, _ in self._made) + 1
            made = self._made[kind, text] = _instead(kind, text, number)
        return made


def _instead(kind: str, text: str, number: int) -> str:
    """What stands for a text; `number` counts those of a kind."""
    at = number - 1
    match kind:
        case "email":
            return f"sample{number}@example.com"
        case "first_name":
            return _FIRST[at % len(_FIRST)]
        case "last_name":
            return _LAST[at % len(_LAST)]
        case "name":
            return f"{_FIRST[at % len(_FIRST)]} {_LAST[at % len(_LAST)]}"
        case "company_name":
            return _COMPANIES[at % len(_COMPANIES)]
        case "street":
            has_number = any(each.isdigit() for each in text)
            return _STREETS[at % len(_STREETS)] + (f" {number}" if has_number else "")
        case "phone":
            return f"+49 30 23125 {number:03}"
        case "house_number":
            return str(number)
    return shaped(text, number)


def shaped(text: str, number: int) -> str:
    """Write a text of the same shape, numbered in its last digits; letters that all of a kind have stay.

    >>> shaped("WH-500201", 1), shaped("#1001", 2), shaped("1Z999AA10123456784", 1)
    ('WH-100001', '#1002', '1Z999AA10000000015')
    >>> shaped("Ada Meyer", 1), shaped("+49 30 123456", 1)
    ('Aaa Aaaab', '+10 00 000001')
    """
    proof = scheme(text) or ("gtin" if is_gtin(text) else "")
    digits = [at for at, each in enumerate(text) if each.isdigit()]
    if text.startswith("1Z"):
        digits = [at for at in digits if at > 6]
    if len(digits) < 2:
        return _letters(text, number)
    made = list(text)
    kept = digits[:-1] if proof else digits
    filled = str(number).rjust(len(kept), "0")[-len(kept) :]
    if len(filled) > 1 and filled[0] == "0" and text[kept[0]] != "0":
        filled = "1" + filled[1:]
    for at, digit in zip(kept, filled, strict=True):
        made[at] = digit
    if proof == "s10":
        made[digits[-1]] = "0"
    return corrected("".join(made), proof) if proof else "".join(made)


def _letters(text: str, number: int) -> str:
    made = [
        "A" if each.isupper() else "a" if each.isalpha() else "1" if each.isdigit() else each
        for each in text
    ]
    made = [each if each.isascii() and each.isprintable() else "-" for each in made]
    places = [at for at, each in enumerate(made) if each in "aA"]
    rest = number
    for at in reversed(places):
        rest, digit = divmod(rest, 26)
        letters = string.ascii_lowercase if made[at] == "a" else string.ascii_uppercase
        made[at] = letters[digit]
    return "".join(made)


def written(
    cells: Sequence[str], delimiter: str, quote: str | None, escape: str | None
) -> str | None:
    r"""Write a row as the file has rows; None where a cell cannot be written so.

    >>> print(written(["a;b", 'say "x" now', ""], ";", '"', None))
    "a;b";"say ""x"" now";
    """
    made = []
    for cell in cells:
        text = cell
        if re.search(r"[\r\n\0]", text):
            return None
        if escape is not None:
            for mark in dict.fromkeys((escape, *([quote] if quote else []), delimiter)):
                text = text.replace(mark, escape + mark)
        elif quote is not None and (delimiter in text or quote in text or text != text.strip()):
            text = quote + text.replace(quote, quote * 2) + quote
        elif quote is None and delimiter in text:
            return None
        made.append(text)
    return delimiter.join(made)
