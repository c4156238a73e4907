"""How numbers and dates of a file are written: what its values prove, and what they leave open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.run.drafting.looks import Look, readable
from pipeline.run.drafting.private import hint, is_amount

# Numbers that are read with a decimal mark and a mark between thousands.
_READ: Mapping[tuple[str, str | None], tuple[str, ...]] = {
    (".", None): ("1234", "1.5"),
    (".", ","): ("1234", "1.5", "1,234.5", "1,234"),
    (",", None): ("1234", "1,5"),
    (",", "."): ("1234", "1,5", "1.234,5", "1.234"),
}
_EXAMPLE: Mapping[tuple[str, str | None], str] = {
    (".", None): "1234.56", (".", ","): "1,234.56", (",", None): "1234,56", (",", "."): "1.234,56",
}  # fmt: skip
_NO_AMOUNTS = frozenset(
    {"phone", "postal_code", "house_number", "timezone", "order_number", "tracking_number"}
)


@dataclass(frozen=True, slots=True)
class Notation:
    """What `source` says of numbers and dates; `why` has what shows it, by its key.

    `told` are sentences for people: "Preis: 1,998 of 2,000 look like 1.234,56". `proved` are the date
    formats whose order of day and month a value proves. `others` are columns of numbers that are not
    written so.
    """

    decimal: str
    thousands: str | None
    why: Mapping[str, str]
    told: Sequence[str]
    proved: frozenset[str]
    others: frozenset[str]


def notation(looks: Sequence[Look], concepts: Mapping[str, str]) -> Notation:
    """Decide how the numbers of a file are read; `concepts` says what each column is by its name."""
    numbers = [
        each for each in looks
        if each.numeric and not each.formats and concepts.get(each.name, "") not in _NO_AMOUNTS
    ]  # fmt: skip
    comma = sum(
        _proofs(each, "1,5", "1,234", "1,234,567")
        + each.counts["1.234,5"]
        + each.counts["1.234.567"]
        for each in numbers
    )
    point = sum(
        _proofs(each, "1.5", "1.234", "1.234.567")
        + each.counts["1,234.5"]
        + each.counts["1,234,567"]
        for each in numbers
    )
    decimal = "," if comma > point else "."
    thousands = _thousands(numbers, decimal)
    why: dict[str, str] = {}
    told: list[str] = []
    others = set()
    spread = [each for each in numbers if _marked(each)]
    for each in spread:
        fit = _fitting(each, decimal, thousands)
        shown = _shown(each, decimal, thousands)
        told.append(f"{each.name}: {fit:,} of {each.filled:,} look like {shown}")
        if fit < 0.9 * each.filled:
            others.add(each.name)
    if comma or point:
        most = max(
            (each for each in spread if each.name not in others), key=_decimals, default=None
        )
        if most is not None:
            shown = _shown(most, decimal, thousands)
            why["decimal"] = (
                f"{most.name}: {_fitting(most, decimal, thousands):,} of {most.filled:,} look like {shown}"
            )
    elif spread:
        why["open"] = (
            f"{spread[0].name}: values such as {_first_marked(spread[0])} may be thousands or decimals, and nothing proves which"
        )
    dates, proved = _dates(looks)
    return Notation(decimal, thousands, why, [*told, *dates], proved, frozenset(others))


def _proofs(found: Look, kind: str, grouped: str, several: str) -> int:
    """How many numbers have a decimal mark that cannot be one between thousands."""
    return max(0, found.counts[kind] - (found.counts[grouped] - found.counts[several]))


def _marked(found: Look) -> bool:
    kinds = ("1.5", "1,5", "1,234.5", "1.234,5", "1,234", "1.234", "1 234", "1'234")
    return any(found.counts[kind] for kind in kinds)


def _decimals(found: Look) -> int:
    return sum(found.counts[kind] for kind in ("1.5", "1,5", "1,234.5", "1.234,5"))


def _first_marked(found: Look) -> str:
    marked = (text for text, _ in found.top if ("," in text or "." in text) and is_amount(text))
    return next(marked, hint(found.top[0][0]))


def _thousands(numbers: Sequence[Look], decimal: str) -> str | None:
    if decimal == ",":
        dotted = sum(each.counts["1.234,5"] + each.counts["1.234.567"] for each in numbers)
        # a point cannot be the decimal mark here, so groups are all that it can make
        dotted += sum(
            each.counts["1.234"] for each in numbers if each.counts["1,5"] or each.counts["1.234,5"]
        )
        if dotted:
            return "."
    elif any(each.counts["1,234.5"] or each.counts["1,234,567"] for each in numbers):
        return ","
    for kind, marks in (("1'234", "'’"), ("1 234", " \xa0\u202f")):
        for each in numbers:
            if each.counts[kind]:
                texts = [text for text, _ in each.top]
                return next(
                    (mark for mark in marks for text in texts if mark in text.strip("€$£ ")), None
                )
    return None


def _fitting(found: Look, decimal: str, thousands: str | None) -> int:
    kinds = _READ.get((decimal, thousands), _READ[decimal, None])
    grouped = {" ": "1 234", "\xa0": "1 234", "\u202f": "1 234", "'": "1'234", "’": "1'234"}.get(
        thousands or ""
    )
    return sum(found.counts[kind] for kind in kinds) + (found.counts[grouped] if grouped else 0)


def _shown(found: Look, decimal: str, thousands: str | None) -> str:
    grouped = any(
        found.counts[kind] for kind in ("1,234.5", "1.234,5", "1,234", "1.234", "1 234", "1'234")
    )
    if thousands in (".", ",", None):
        return _EXAMPLE[decimal, thousands if grouped else None]
    return f"1{thousands}234{decimal}56" if grouped else _EXAMPLE[decimal, None]


def _dates(looks: Sequence[Look]) -> tuple[list[str], frozenset[str]]:
    told: list[str] = []
    proved: set[str] = set()
    for each in looks:
        best = readable(each, each.formats)
        if not best:
            continue
        twin = twins(each)
        if twin:
            told.append(
                f"{each.name}: {each.formats[best[0]]:,} of {each.filled:,} fit {twin[0]} and {twin[1]}: no day is above 12"
            )
        else:
            told.append(f"{each.name}: {each.formats[best[0]]:,} of {each.filled:,} are {best[0]}")
            if "/" in best[0] or "-%m" in best[0] or "-%d" in best[0]:
                proved.add(best[0])
    return told, frozenset(proved)


def twins(found: Look) -> tuple[str, str] | None:
    """Two formats that read the same values, with day and month the other way round; None where one is out."""
    best = readable(found, found.formats)
    for each in best:
        other = _swapped(each)
        if other in best and found.formats[other] == found.formats[each]:
            return each, other
    return None


def _swapped(written: str) -> str:
    """A format with day and month in each other's place.

    >>> _swapped("%d/%m/%Y")
    '%m/%d/%Y'
    """
    return written.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
