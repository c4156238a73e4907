"""Rows of a file as examples: people, places to live, order and parcel numbers are invented.

Kept are amounts, dates, codes, countries, words of trade, and articles that several orders have; columns that the mapping
does not read are empty unless they are plainly of no person. The same text becomes the same text everywhere; numbers
keep their shape, and a check digit that is right stays right.
"""

import re
import string
from collections.abc import Mapping, Sequence
from os.path import commonprefix

import polars as pl

from pipeline.model.checkdigits import corrected, is_gtin, scheme
from pipeline.run.drafting.facts import Facts
from pipeline.run.drafting.private import (
    Private,
    is_amount,
    is_code,
    of_no_person,
    personal_concepts,
    plain,
)

_FIRST = ("Kim", "Robin", "Alex", "Sascha", "Toni", "Luca", "Noa", "Jona")
_LAST = ("Muster", "Sample", "Exemple", "Ejemplo", "Esempio", "Specimen", "Beispiel", "Modell")
_STREETS = ("Sample Street", "Example Road", "Test Lane", "Model Way")
_COMPANIES = ("Sample Ltd", "Example Ltd", "Specimen Ltd")
_CITIES = ("Sampleton", "Musterstadt", "Exempleville", "Ejemplar")
# What a field takes that is a person's, and what of it.
_OF_FIELD: Mapping[str, str] = {
    "recipient_name": "name", "first_name": "first_name", "last_name": "last_name", "company_name": "company_name",
    "address_line": "street", "address_line_extra": "street_extra", "postal_code": "postal_code",
    "recipient_postal_code": "postal_code", "city": "city", "phone": "phone", "recipient_email": "email",
}  # fmt: skip
_NUMBERS = frozenset([
    "order_number", "line_item_id", "tracking_number", "delivery_number", "external_reference", "customer_number",
    "invoice_number", "identifiers_consignment", "product_id", "variant_id", "status_link",
])  # fmt: skip
_ARTICLE = frozenset([
    "sku", "barcode", "article_name", "article_category", "article_brand", "size", "color", "harmonized_system_code",
])  # fmt: skip
_SHORT = 3
_SAYS = re.compile(r"[^\W\d_]{3}")  # letters that may be a name
_SEVERAL = 2  # orders that have a text, so that it says nothing of one of them


class Invented:
    """Texts in place of those of a file.

    A column that no line of the mapping reads is empty, unless its values are plainly no person's. Of the others are
    kept dates, numbers, codes, countries, words of trade, and articles that several orders have; people, places, and
    numbers of orders and parcels are invented.
    """

    def __init__(self, facts: Facts, fields: Mapping[str, Sequence[str]], private: Private) -> None:
        """Take `fields`, targets with the columns of each, and `private`, what may not be shown."""
        self._facts = facts
        self._private = private
        self._made: dict[tuple[str, str], str] = {}
        self._orders: dict[str, str] = {}
        self._common: dict[str, frozenset[str]] = {}
        self._begins = {
            name: commonprefix([text for text, _ in found.top])  # noqa: RUF071 - of texts
            for name, found in facts.looks.items()
        }
        self._targets = {
            name: [each.rpartition(".")[2] for each, columns in fields.items() if name in columns]
            for name in facts.looks
        }
        self._kinds = {name: self._kind(name, fields) for name in facts.looks}

    @property
    def made(self) -> frozenset[str]:
        """The texts that were invented."""
        return frozenset([*self._made.values(), *self._orders.values()])

    def row(self, cells: Mapping[str, str]) -> dict[str, str]:
        """A row with invented people and numbers."""
        order = cells[self._facts.key]
        if order and order not in self._orders:
            self._orders[order] = shaped(order, len(self._orders) + 1, self._begin(self._facts.key))
        shown = self._private.found_in("\n".join(cells.values()))
        return {name: self._of(name, text, order, shown) for name, text in cells.items()}

    def _begin(self, name: str) -> int:
        """How many characters all values of a column begin with; 0 where it has one value, or names."""
        found = self._facts.looks[name]
        begin = self._begins[name]
        return len(begin) if found.distinct > 1 and " " not in begin else 0

    def _kind(self, name: str, fields: Mapping[str, Sequence[str]]) -> str:
        """How the cells of a column are replaced: `empty`, `plain` (kept if no person's), `kept` and `article` (if several orders have it), `number`, or what of a person."""
        found = self._facts.looks[name]
        if name == self._facts.key:
            return "order"
        targets = self._targets[name]
        if name not in self._facts.used:
            return "plain" if of_no_person(found) else "empty"
        if found.share("email") > 0.05:
            return "email"
        concepts = personal_concepts(name)
        asked = [_OF_FIELD[each] for each in targets if each in _OF_FIELD]
        if asked:
            # a name of two columns, a street with a column of house numbers
            return concepts[0] if concepts and len(fields_of(name, fields)) > 1 else asked[0]
        if not targets:
            return concepts[0] if concepts else "kept"
        if set(targets) & _NUMBERS and _ARTICLE.isdisjoint(targets):
            return "number"
        return "article" if "article_name" in targets else "kept"

    def _of(self, name: str, text: str, order: str, shown: Sequence[str]) -> str:
        kind = self._kinds[name]
        if not text or kind == "empty":
            return ""
        if text in self._facts.looks[name].nulls or kind == "order":
            return self._orders.get(text, text)
        if kind in ("plain", "kept", "article"):
            if self._may_stay(name, text, kind, shown):
                return text
            if kind == "plain":
                return ""
        if kind == "number":
            if len(text) <= _SHORT and (text.isdigit() or is_code(text)):
                return text
            if len(order) > _SHORT and order in text and not _SAYS.search(text.replace(order, "")):
                return text.replace(order, self._orders[order])
        made = self._made.get((kind, text))
        if made is None:
            number = sum(each == kind for each, _ in self._made) + 1
            made = self._made[kind, text] = _instead(kind, text, number, self._begin(name))
        return made

    def _may_stay(self, name: str, text: str, kind: str, shown: Sequence[str]) -> bool:
        """Whether a text says nothing of a person."""
        if plain(text):
            return True
        if any(each in text.casefold() for each in shown):
            return False
        if kind == "plain":
            return is_code(text)
        of_article = not _ARTICLE.isdisjoint(self._targets[name])
        return is_code(text) or is_amount(text) or (of_article and text in self._several(name))

    def _several(self, name: str) -> frozenset[str]:
        """The texts of a column that several orders have."""
        if name not in self._common:
            rows = self._facts.sample.rows
            counts = rows.group_by(name).agg(pl.col(self._facts.key).n_unique().alias("_orders"))
            kept = counts.filter(pl.col("_orders") >= _SEVERAL).get_column(name)
            self._common[name] = frozenset(kept.to_list())
        return self._common[name]


def fields_of(name: str, fields: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The columns that make a field together with this one."""
    return max((tuple(each) for each in fields.values() if name in each), key=len, default=())


def _instead(kind: str, text: str, number: int, begin: int) -> str:
    """What stands for a text; `number` counts those of a kind."""
    at = number - 1
    made = {
        "email": f"sample{number}@example.com",
        "first_name": _FIRST[at % len(_FIRST)],
        "last_name": _LAST[at % len(_LAST)],
        "name": f"{_FIRST[at % len(_FIRST)]} {_LAST[at % len(_LAST)]}",
        "company_name": _COMPANIES[at % len(_COMPANIES)],
        "city": _CITIES[at % len(_CITIES)],
        "street": _STREETS[at % len(_STREETS)] + (f" {number}" if re.search(r"\d", text) else ""),
        "street_extra": f"Floor {number}",
        "phone": f"+49 30 23125 {number:03}",
        "house_number": str(number),
        "article": f"Sample article {number}",
        "kept": f"sample{number}",
    }
    if kind == "postal_code":
        letters = "".join("A" if each.isalpha() else each for each in text)
        return shaped(letters, number, len(letters))
    return made[kind] if kind in made else shaped(text, number, begin)


def shaped(text: str, number: int, begin: int = 0) -> str:
    """Write a text of the same shape, numbered in its last digits.

    The first `begin` characters stay, which all of a kind have, and up to three capitals in a row.

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
    for run in re.finditer(r"[^\W\d_]+", text):
        short = len(run[0]) <= _SHORT and run[0].isupper() and run[0].isascii()
        if not proof and not short and run.end() > begin:
            at = max(run.start(), begin)
            made[at : run.end()] = _letters(text[at : run.end()], 0)
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
