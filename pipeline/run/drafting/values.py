"""The value of one target: its column, the steps and formats that its notation needs, and remarks."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.model.codes import country_alpha3
from pipeline.model.edi.candidates import CONFIRMED, COURIERS
from pipeline.model.field import Kind
from pipeline.run.drafting.facts import Claim, Facts
from pipeline.run.drafting.flow import bare, value
from pipeline.run.drafting.looks import Look, readable, together
from pipeline.run.drafting.notation import twins
from pipeline.run.drafting.private import hint, tellable
from pipeline.run.sheet import Line, counted

NO_ZONE = "its times have no offset: set source.timezone first, or --timezone"
_TABLE_MAX = 60
_MARKED = 0.02  # of the cells begin with an apostrophe or =", and no name does so often
_SYMBOLS = ("€", "$", "£", "EUR", "USD", "GBP", "CHF")
_UNITS = frozenset(["kg", "g", "lbs", "oz"])


@dataclass(frozen=True, slots=True)
class Value:
    """A value as YAML, the columns in it, and a remark; with `doubt` it stays a comment."""

    text: str
    columns: tuple[str, ...]
    remark: str = ""
    doubt: str = ""


@dataclass(slots=True)
class Tables:
    """The lookups of a mapping."""

    countries: dict[str, tuple[str, int]] = field(default_factory=dict)
    couriers: list[Line] = field(default_factory=list)

    def lines(self) -> list[Line]:
        """The section, empty where there are no tables."""
        lines: list[Line] = []
        if self.countries:
            lines.append(
                Line("  countries:", "names seen in this file; others are rejected (R401)")
            )
            for name, (code, count) in sorted(self.countries.items()):
                lines.append(
                    Line(f"    {bare(name)}: {code}", counted(count, "row"))
                    if code else Line(f"    {bare(name)}: ?", f"{counted(count, 'row')}: which country?", active=False)
                )  # fmt: skip
        if self.couriers:
            lines.append(
                Line(
                    "  couriers:", "parcelLab's key of each; what is not listed is rejected (R401)"
                )
            )
            lines += self.couriers
        return [Line("lookups:"), *lines] if lines else []


def cell(facts: Facts, column: str) -> str:
    """A column as it is, without what keeps a spreadsheet from changing it."""
    return value(column, do=["bare"] if facts.looks[column].share("mark") > _MARKED else ())


def plain(facts: Facts, claim: Claim) -> Value:
    """A column as it is, with how many rows have it."""
    return Value(
        cell(facts, claim.column), (claim.column,), facts.filled(claim.column), claim.doubt
    )


def country(facts: Facts, claim: Claim, tables: Tables) -> Value:
    """A country: codes as they are, names through a table of those seen."""
    found = facts.looks[claim.column]
    if claim.doubt or not found.filled:
        return Value(bare(claim.column), (claim.column,), facts.filled(claim.column), claim.doubt)
    codes = found.share("alpha2") + found.share("alpha3")
    lower = any(text != text.upper() for text, _ in found.top if len(text) <= 3)
    remark = facts.filled(claim.column)
    if codes >= 0.98:
        others = round(found.filled * (1 - codes))
        if others > 0:
            remark = (
                f"{counted(others, 'value')} {'is' if others == 1 else 'are'} no code of ISO 3166"
                + (f"; {remark}" if remark else "")
            )
        return Value(value(claim.column, do=["upper"] if lower else ()), (claim.column,), remark)
    unknown = [
        (text, number)
        for text, number in found.top
        if not _is_code(text) and text not in found.countries
    ]
    for text, code in list(found.countries.items())[:_TABLE_MAX]:
        number = next((n for t, n in found.top if t == text), 0)
        before = tables.countries.get(text, (code, 0))
        tables.countries[text] = (code, max(before[1], number))
    for text, number in [pair for pair in unknown if tellable(*pair)][:_TABLE_MAX]:
        tables.countries.setdefault(text, ("", number))
    keep = {"unknown": "keep"} if codes else {}
    if codes and not remark:
        remark = "names through the table, codes as they are"
    return Value(value(claim.column, lookup="countries", **keep), (claim.column,), remark)


def _is_code(text: str) -> bool:
    return text.upper() in country_alpha3()


def email(facts: Facts, claim: Claim, *, default: bool) -> Value:
    """An e-mail address; of orders without one that there is none."""
    keys = {"default": "_unset"} if default else {}
    return Value(
        value(
            claim.column, do=["lower"] if _has_capitals(facts.looks[claim.column]) else (), **keys
        ),
        (claim.column,),
        facts.filled(claim.column),
        claim.doubt,
    )


def _has_capitals(found: Look) -> bool:
    return any(text != text.lower() for text, _ in found.top)


def amount(facts: Facts, claim: Claim) -> Value:
    """A number with its sign of a currency taken off."""
    found = facts.looks[claim.column]
    doubt = claim.doubt
    remark = facts.filled(claim.column)
    if not doubt and claim.column in facts.notation.others:
        doubt = f"its numbers are not written with decimal {facts.notation.decimal!r}, such as {hint(found.top[0][0])}"
    steps = []
    if found.share("symbol") > 0.5:
        texts = [text for text, _ in found.top]
        seen = [each for each in _SYMBOLS if any(each in text for text in texts)]
        steps = [f'{{replace: ["{each}", ""]}}' for each in seen] + ["strip"]
    if not doubt and not found.filled:
        remark = "no values in this file"
    return Value(value(claim.column, do=steps), (claim.column,), remark, doubt)


def language(facts: Facts, claim: Claim) -> Value:
    """A language of two letters, or the first two of a locale."""
    found = facts.looks[claim.column]
    steps = ["{slice: [0, 2]}"] if found.longest > 2 and not claim.doubt else []
    if _has_capitals(found):
        steps.append("lower")
    return Value(
        value(claim.column, do=steps), (claim.column,), facts.filled(claim.column), claim.doubt
    )


def currency(facts: Facts, claim: Claim) -> Value:
    """A currency."""
    steps = (
        ["upper"] if any(text != text.upper() for text, _ in facts.looks[claim.column].top) else []
    )
    return Value(
        value(claim.column, do=steps), (claim.column,), facts.filled(claim.column), claim.doubt
    )


def date(facts: Facts, claim: Claim, kind: Kind, usual: str | None) -> Value:
    """A day or a moment in the one format that reads its values; a comment where several do."""
    found = facts.looks[claim.column]
    written = format_of(facts, claim.column)
    doubt = claim.doubt
    remark = facts.filled(claim.column)
    both = twins(found)
    several = together(found) if written is None and not both else []
    if (
        1 < len(several) < 5
        and sum(found.formats[each] for each in several) >= 0.95 * found.filled
        and not doubt
    ):
        listed = ", ".join(json.dumps(each) for each in several)
        lacking = (
            facts.timezone is None
            and any("%z" not in each for each in several)
            and kind is Kind.DATETIME
        )
        text = f"{{from: {bare(claim.column)}, format: [{listed}]}}"
        says = "; ".join(f"{found.formats[each]:,} are {each}" for each in several)
        return Value(text, (claim.column,), says, NO_ZONE if lacking else "")
    if not doubt and written is None:
        if both:
            doubt = f"{both[0]} and {both[1]} both fit, and no value proves which"
        else:
            doubt = (
                f"no one format reads its values, such as {hint(found.top[0][0])}"
                if found.top
                else "no values in this file"
            )
    if (
        not doubt
        and kind is Kind.DATETIME
        and facts.timezone is None
        and "%z" not in (written or "")
    ):
        doubt = NO_ZONE
    wrong = found.filled - found.formats.get(written or "", 0)
    if written and wrong:
        remark = f"{counted(wrong, 'value')} {'is' if wrong == 1 else 'are'} not so" + (
            f"; {remark}" if remark else ""
        )
    if written is None or written == usual:
        return Value(bare(claim.column), (claim.column,), remark, doubt)
    return Value(value(claim.column, format=written), (claim.column,), remark, doubt)


def format_of(facts: Facts, column: str) -> str | None:
    """The one date format of a column, None where there is none or nothing proves it."""
    found = facts.looks[column]
    best = readable(found, found.formats)
    both = twins(found)
    if both:
        proved = [each for each in both if _like(each, facts.notation.proved)]
        return proved[0] if len(proved) == 1 else None
    return best[0] if best else None


def _like(written: str, proved: frozenset[str]) -> bool:
    """Whether another column of the file proves the order of day and month."""
    return any(each[:8] == written[:8] for each in proved)


def usual_date(facts: Facts, columns: Sequence[str]) -> str | None:
    """The format that most columns of dates have; `source.dates`."""
    formats = Counter(
        written for each in columns if (written := format_of(facts, each)) is not None
    )
    days = [
        (number, each) for each, number in formats.items() if "%H" not in each and "%I" not in each
    ]
    return (
        max(days)[1]
        if days
        else (max((number, each) for each, number in formats.items())[1] if formats else None)
    )


def weight_unit(facts: Facts, claim: Claim, units: Sequence[Claim]) -> Value | None:
    """The unit of a weight: from its own column, or from its name; None where nothing says it."""
    if claim.meaning.unit in _UNITS:
        return Value(f"{{value: {claim.meaning.unit}}}", (), "by its name")
    for each in units:
        found = facts.looks[each.column]
        texts = {text for text, _ in found.top}
        if texts and sum(n for t, n in found.top if t.lower() in _UNITS) >= 0.95 * found.filled:
            steps = ["lower"] if any(text != text.lower() for text in texts) else []
            return Value(value(each.column, do=steps), (each.column,), facts.filled(each.column))
    return None


# -- couriers ----------------------------------------------------------------------------------

KEYS = frozenset(each.key for each in COURIERS.values()) | CONFIRMED


def courier(facts: Facts, claim: Claim, tables: Tables) -> Value:
    """The courier: keys as they are, other words through a table of those seen."""
    found = facts.looks[claim.column]
    if claim.doubt or not found.filled:
        return Value(bare(claim.column), (claim.column,), facts.filled(claim.column), claim.doubt)
    if found.distinct > _TABLE_MAX:
        return Value(
            bare(claim.column),
            (claim.column,),
            "",
            f"{found.distinct:,} different values: too many for couriers",
        )
    texts = Counter(dict(found.top))
    if all(text in KEYS for text in texts):
        return Value(bare(claim.column), (claim.column,), facts.filled(claim.column))
    upper = len({text.upper() for text in texts}) < len(texts) or any(
        text != text.upper() for text in texts
    )
    merged: Counter[str] = Counter()
    for text, number in texts.items():
        merged[text.upper() if upper else text] += number
    rows = []
    few = 0
    for text, number in merged.most_common():
        known = COURIERS.get(text.upper())
        if known is None and not tellable(text, number):
            few += 1
            continue
        named = counted(number, "row")
        if known is not None and known.sure:
            unsure = (
                "" if known.key in CONFIRMED else "; is this parcelLab's key? it is not confirmed"
            )
            rows.append(Line(f"    {bare(text)}: {known.key}", named + unsure))
        else:
            guess = known.key if known is not None else "?"
            rows.append(
                Line(
                    f"    {bare(text)}: {guess}",
                    f"{named}: write parcelLab's key" + (f"; {guess}?" if known else ""),
                    active=False,
                )
            )
    if few:
        told = f"{counted(few, 'word')} that stand{'s' if few == 1 else ''} there once: look at the file"
        rows.append(Line("    # …", told))
    if not any(row.active for row in rows):
        rows.insert(
            0, Line("    UPS: ups", "an example: no carrier of this file has a key that is sure")
        )
    tables.couriers = rows
    return Value(
        value(claim.column, do=["upper"] if upper else (), lookup="couriers"),
        (claim.column,),
        facts.filled(claim.column),
    )
