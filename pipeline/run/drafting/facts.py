"""All that is known of a file before its targets are chosen, and which column fits which concept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.run.drafting.grain import Orders
from pipeline.run.drafting.looks import Look, together
from pipeline.run.drafting.names import Meaning, concepts, meanings
from pipeline.run.drafting.notation import Notation
from pipeline.run.drafting.sample import Sample

OWN = ("", "order", "customer")  # roles of what belongs to the order
SHIP = ("ship", "", "customer", "order")  # roles of where it goes, best first
_SURE = 0.8  # of the values must be what the name says
_SOME = 0.15  # of the cells with several values say that the column has them
_ONE_EACH = frozenset(
    ["tracking_number", "sku", "quantity", "line_item_id", "barcode", "unit_price", "weight"]
)
_OF_LINES = _ONE_EACH | {"article_name", "product_id", "variant_id", "size", "color"}
_BY_NAME = 0.5  # where it is the very word


def countries(found: Look) -> float:
    """How many values are countries, by code or by name."""
    return min(1.0, found.share("alpha2") + found.share("alpha3") + found.share("country"))


def dated(found: Look) -> float:
    """How many values the best date format reads, or several formats together."""
    best = max(found.formats.values(), default=0)
    several = sum(found.formats[each] for each in together(found))
    return max(best, several) / found.filled if found.filled else 0.0


# What the values of a column must be, so that its name is believed.
FITS: Mapping[str, Callable[[Look], float]] = {
    "": lambda _: 1.0,
    "email": lambda found: found.share("email"),
    "amount": lambda found: found.share("any"),
    "number": lambda found: found.share("any"),
    "quantity": lambda found: found.share("any"),
    "currency": lambda found: found.share("currency"),
    "language": lambda found: found.share("language"),
    "country": countries,
    "zone": lambda found: found.share("zone"),
    "url": lambda found: found.share("url"),
    "gtin": lambda found: (
        1.0
        if found.share("digit") >= _SURE and not found.share("1.5") and not found.share("1,5")
        else 0.0
    ),
    "date": dated,
    "moment": dated,
    "boolean": lambda found: found.share("yes_no"),
    "postcode": lambda found: found.share("postcode"),
    "region": lambda _: 1.0,
    "title": lambda found: 0.0 if found.share("code") > 0.3 else 1.0 - found.share("any"),
    "words": lambda found: 1.0 - found.share("any"),
    "person": lambda found: 1.0 - found.share("digit"),
}
NO_FIT: Mapping[str, str] = {
    "email": "e-mail addresses", "amount": "numbers", "number": "numbers", "quantity": "numbers",
    "currency": "currencies of ISO 4217", "language": "languages of ISO 639", "country": "countries",
    "zone": "time zones", "url": "web addresses", "gtin": "article codes", "date": "dates of a known form",
    "moment": "dates of a known form", "boolean": "yes or no", "postcode": "postcodes", "words": "words", "title": "names, but codes", "person": "names, for digits are in them",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """A column for a concept; `doubt` says why its values speak against it, "" where they do not."""

    column: str
    meaning: Meaning
    doubt: str = ""


@dataclass(slots=True)
class Facts:
    """A file as it was found. `used` are the columns that a line of the mapping reads."""

    sample: Sample
    looks: Mapping[str, Look]
    notation: Notation
    nulls: Sequence[str]
    orders: Orders
    timezone: str | None
    headless: bool
    used: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)  # columns that a comment names

    @property
    def key(self) -> str:
        """The column of the order number."""
        return self.orders.key

    def claims(self, concept: str, roles: Sequence[str] = OWN, *, weakest: int = 2) -> list[Claim]:
        """The columns that may be a concept, the best first."""
        found = []
        for name in self.looks:
            for meaning in meanings(name):
                if (
                    meaning.concept != concept
                    or meaning.role not in roles
                    or meaning.strength < weakest
                ):
                    continue
                if meaning.strength < self._best(name):
                    continue
                found.append(Claim(name, meaning, self._doubt(meaning, self.looks[name])))
                break
        return sorted(
            found,
            key=lambda one: (
                bool(one.doubt),
                self.looks[one.column].filled == 0,
                one.meaning.strength == 1,
                roles.index(one.meaning.role),
                -one.meaning.strength,
            ),
        )

    def _best(self, name: str) -> int:
        """The strength of the surest meaning that the values of a column allow."""
        listed = [each for each in meanings(name) if not self._doubt(each, self.looks[name])]
        return max((each.strength for each in listed), default=0)

    def _doubt(self, meaning: Meaning, found: Look) -> str:
        """Why the values of a column speak against its name; of the very word it takes more of them."""
        is_ = concepts()[meaning.concept].is_
        if meaning.concept in _OF_LINES and self._is_numbered(found.name):
            return "one of several numbered columns: rows.unpivot, docs/cookbook.md"
        if meaning.concept in _ONE_EACH and not found.numeric and found.share("several") > _SOME:
            return "several values in a cell: rows.explode, docs/cookbook.md"
        if not found.filled:
            return "" if is_ not in ("moment", "date") else "no values in this file"
        share = FITS[is_](found)
        if share >= (_BY_NAME if meaning.strength > 2 else _SURE):
            return ""
        number = round(share * found.filled)
        return (
            f"{number:,} of its {found.filled:,} values are {NO_FIT[is_]}"
            if number
            else f"its values are no {NO_FIT[is_]}"
        )

    def _is_numbered(self, name: str) -> bool:
        """Whether there is the same column with a 2 where this one has a 1."""
        return "1" in name and name.replace("1", "2", 1) in self.looks

    def nameless(self, kind: str) -> list[str]:
        """Columns whose names say nothing and whose values are all of a kind."""
        return [
            name for name, found in self.looks.items()
            if not meanings(name) and found.filled and min(found.widths) > 1 and FITS[kind](found) >= 0.98 and name not in self.used
        ]  # fmt: skip

    def filled(self, column: str) -> str:
        """How many rows have a value, where not all have."""
        found = self.looks[column]
        if found.filled == found.rows:
            return ""
        return (
            f"{found.filled:,} of {found.rows:,} rows" if found.filled else "no values in this file"
        )

    def agrees(self, column: str) -> bool:
        """Whether the rows of an order agree on a column, a few orders aside."""
        return self.orders.columns[column].differing <= 0.02 * self.orders.several

    def disagreement(self, column: str) -> str:
        """What to say of orders whose rows differ."""
        number = self.orders.columns[column].differing
        return f"differs within {number:,} order{'s' if number > 1 else ''}" if number else ""
