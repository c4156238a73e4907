"""What a column is by its name: concepts and whose they are, from `synonyms.toml`."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_SYNONYMS = "synonyms.toml"
_CAMEL = re.compile(r"(?<=[a-zß-ÿ0-9])(?=[A-Z])")
_CONNECTORS = ("dela", "del", "des", "de", "du", "d", "la", "of", "im", "in", "der", "des")
# What stands behind a name and says how its values are measured, and what that means.
_UNITS: Mapping[str, str] = {
    "kilogramm": "kg", "kilograms": "kg", "kilos": "kg", "kg": "kg", "gramm": "g", "grams": "g",
    "ounces": "oz", "oz": "oz", "pounds": "lbs", "lbs": "lbs", "lb": "lbs", "gr": "g", "cents": "cents", "cent": "cents", "centimes": "cents", "centimos": "cents",
    "eur": "EUR", "usd": "USD", "gbp": "GBP", "chf": "CHF",
}  # fmt: skip


_MEASURED = frozenset([
    "weight", "unit_price", "order_total_amount", "order_tax_amount", "order_net_amount", "order_discount_amount",
    "shipping_cost", "line_tax_amount",
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Concept:
    """What a column can be; `is_` names what its values must be, "" where any text will do."""

    name: str
    is_: str
    names: frozenset[str]
    weak: frozenset[str]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One meaning of a name: what it is, whose, and how sure that is (3 the name itself, 2 with a role, 1 weak)."""

    concept: str
    role: str
    strength: int
    unit: str = ""


@dataclass(frozen=True, slots=True)
class _Words:
    roles: tuple[tuple[str, str], ...]  # a beginning or an end, and whose it says it is
    concepts: Mapping[str, Concept]
    strong: Mapping[str, tuple[str, ...]]
    weak: Mapping[str, tuple[str, ...]]
    trade: frozenset[str]


@cache
def _words() -> _Words:
    read = tomllib.loads(files(__package__).joinpath(_SYNONYMS).read_text(encoding="utf-8"))
    roles = sorted(
        ((folded(each), role) for role, listed in read.pop("roles").items() for each in listed),
        key=lambda pair: -len(pair[0]),
    )
    trade = frozenset(map(folded, read.pop("words")["trade"]))
    concepts = {
        name: Concept(
            name, table.get("is", ""), frozenset(_spellings(table.get("names", ()))),
            frozenset(map(folded, table.get("weak", ()))),
        )
        for name, table in read.items()
    }  # fmt: skip
    strong: dict[str, tuple[str, ...]] = {}
    weak: dict[str, tuple[str, ...]] = {}
    for concept in concepts.values():
        for each in concept.names:
            strong[each] = (*strong.get(each, ()), concept.name)
        for each in concept.weak:
            weak[each] = (*weak.get(each, ()), concept.name)
    return _Words(tuple(roles), concepts, strong, weak, trade)


def _spellings(names: Sequence[str]) -> Iterator[str]:
    """Names as they are folded; a number may be abbreviated: N° suivi, Num. de suivi, Nº Seguimiento."""
    for name in map(folded, names):
        yield name
        if name.startswith("numero"):
            rest = name.removeprefix("numero").removeprefix("de")
            for number in ("numero", "num", "no", "n", "nr"):
                yield number + rest
                yield f"{number}de{rest}"


def concepts() -> Mapping[str, Concept]:
    """Give all concepts by name."""
    return _words().concepts


def trade_words() -> frozenset[str]:
    """Give the words of trade, folded: states of an order, ways to pay and to send, places to sell."""
    return _words().trade


def folded(name: str) -> str:
    """Write a name in small letters and digits, without accents, blanks and marks.

    >>> folded("Ship To - Name"), folded("Straße / Hausnr."), folded("N° Commande"), folded("Währung")
    ('shiptoname', 'strassehausnr', 'nocommande', 'wahrung')
    >>> folded("E-Mail (required)"), folded("Waehrung"), folded("#")
    ('email', 'wahrung', 'no')
    """
    text = name.replace("ß", "ss").replace("#", "No").replace("°", "o").replace("º", "o")
    text = re.sub(r"\((?:required|optional|pflicht|text)\)", "", text, flags=re.IGNORECASE)
    parts = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(each for each in parts if each.isalnum())
    return kept.replace("ae", "a").replace("oe", "o").replace("ue", "u")


@cache
def meanings(name: str) -> tuple[Meaning, ...]:
    """What a column name can mean, the surest first; nothing where it says nothing.

    >>> meanings("Lieferadresse PLZ")[0], meanings("Auftragsnr.")[0].concept
    (Meaning(concept='postal_code', role='ship', strength=2, unit=''), 'order_number')
    >>> meanings("Ville de livraison")[0].role, meanings("GewichtKg")[0].unit, meanings("Lfd")
    ('ship', 'kg', ())
    """
    found: dict[tuple[str, str], Meaning] = {}
    for each in _meanings(folded(name)):
        found.setdefault((each.concept, each.role), each)
    return tuple(sorted(found.values(), key=lambda each: -each.strength))


def _meanings(text: str) -> Iterator[Meaning]:
    words = _words()
    for concept in words.strong.get(text, ()):
        yield Meaning(concept, "", 3)
    for rest, role in _without_role(text):
        for concept in words.strong.get(rest, ()):
            yield Meaning(concept, role, 2)
    for concept in words.weak.get(text, ()):
        yield Meaning(concept, "", 1)
    for rest, role in _without_role(text):
        for concept in words.weak.get(rest, ()):
            yield Meaning(concept, role, 1)
    yield from _with_unit(text)


def _with_unit(text: str) -> Iterator[Meaning]:
    """What a name means that says how its values are measured."""
    if text == "kilos":
        yield Meaning("weight", "", 3, "kg")
    for unit, means in _UNITS.items():
        rest = text.removesuffix(unit)
        if rest and rest != text:
            for each in _meanings(rest.removesuffix("in")):
                if each.concept in _MEASURED:
                    yield Meaning(each.concept, each.role, each.strength, means)


def _without_role(text: str) -> Iterator[tuple[str, str]]:
    """What is left of a name without a word at its beginning or end that says whose it is."""
    for word, role in _words().roles:
        if text.startswith(word) and len(text) > len(word):
            rest = text[len(word) :]
            yield rest.removeprefix("1") or rest, role
        if len(word) > 2 and text.endswith(word) and len(text) > len(word):
            rest = text[: -len(word)]
            yield rest, role
            for connector in _CONNECTORS:
                if rest.endswith(connector) and len(rest) > len(connector):
                    yield rest[: -len(connector)], role
