"""What of a file may be a person's, so that a proposal holds none of it; and what is plainly no person's.

A column may be of persons where its name says so, or where its values have letters and are neither dates nor
numbers, codes, countries or the like. E-mail addresses and telephone numbers are looked for in all cells.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from pipeline.model.codes import country_alpha3, currencies, languages, named_country
from pipeline.model.edi.candidates import CONFIRMED, COURIERS
from pipeline.run.drafting.looks import NUMBERS, Look
from pipeline.run.drafting.names import folded, meanings, trade_words

PERSONAL = frozenset([
    "name", "first_name", "last_name", "company_name", "street", "street_extra", "house_number", "phone", "email",
    "city", "postal_code", "birth_date",
])  # fmt: skip
# What a name must say for its texts to be no person's: articles and words that a shop has a few of.
_OF_THINGS = frozenset([
    "country", "region_code", "language_iso2", "timezone", "order_currency", "sku", "barcode", "article_name",
    "article_category", "article_brand", "size", "color", "payment_method", "channel", "delivery_method",
    "order_status", "courier", "courier_service_level", "warehouse", "weight_unit", "client_key", "origin_country",
])  # fmt: skip
_KEYS = frozenset(each.key for each in COURIERS.values()) | CONFIRMED
_MAIL = r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+"
_PHONE = r"(?:\+|\b00?)[1-9][\d ()/.-]{5,}\d"
_NUMBER = re.compile(NUMBERS["any"].replace(r"\x{a0}", "\xa0").replace(r"\x{202f}", "\u202f"))
_MONTH = (r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
          r"|nov(?:ember)?|dec(?:ember)?)")  # fmt: skip
_TIME = r"(?:[ T,]+\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?(?: ?[ap]m)?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?"
_DAY = re.compile(
    rf"(?:[a-z]{{3}}, )?(?:\d{{1,4}}[-/. ](?:\d{{1,2}}|{_MONTH})[-/. ,]+\d{{1,4}}|{_MONTH}[- ]\d{{1,2}}[-, ]+\d{{2,4}}){_TIME}"
    r"|(?:19|20)\d{6}(?:[ T]?\d\d:?\d\d(?::?\d\d)?)?", re.IGNORECASE,
)  # fmt: skip
_CODE = re.compile(r"(?=.*\d)(?!.*[A-Z]{4})[A-Z0-9]+(?:[-_./][A-Z0-9]+)*|[A-Z]{1,2}")
_CODE_LONGEST = 12
_LONGEST = 40
_LONGEST_CAPITALS = 6
_LETTERS = r"\p{L}{3}"  # that a text may be of a person
_FEW = 40


def is_number(text: str) -> bool:
    """Whether a text is an amount, or a number too short for a telephone or a postcode.

    >>> is_number("1.299,00"), is_number("$5.50"), is_number("12"), is_number("20095"), is_number("030 1234567")
    (True, True, True, False, False)
    """
    if text.count(".") > 2:  # an address of the net
        return False
    return _NUMBER.fullmatch(text) is not None and len(text) <= 14 and (
        re.search(r"[.,]\d{1,3}\D*$", text) is not None or sum(map(str.isdigit, text)) <= 3
    )  # fmt: skip


def is_amount(text: str) -> bool:
    """Whether a text is a number, of any length."""
    return _NUMBER.fullmatch(text) is not None


def is_day(text: str) -> bool:
    """Whether a text is a day or a moment by its shape.

    >>> is_day("03.11.2026 09:10"), is_day("Sep-05-26"), is_day("20261120"), is_day("Ring 12a"), is_day("Markt 12-14")
    (True, True, True, False, False)
    """
    return _DAY.fullmatch(text) is not None


def is_word(text: str) -> bool:
    """Whether a text is a word of trade, a country, a currency, a language, or a carrier.

    >>> is_word("In Bearbeitung"), is_word("Deutschland"), is_word("EUR"), is_word("Weber"), is_word("UPS")
    (True, True, True, False, True)
    """
    bare = folded(text)
    return (
        bare in trade_words()
        or (len(text) == 3 and text in currencies())
        or (len(text) == 2 and text.lower() in languages())
        or (len(text) in (2, 3) and text in country_alpha3())
        or text.upper() in COURIERS
        or text in _KEYS
        or named_country(text) is not None
    )


def is_code(text: str) -> bool:
    """Whether a text is a short code, which no name is.

    >>> is_code("LMP-1"), is_code("A2"), is_code("WEBER"), is_code("BEN"), is_code("CA"), is_code("20457")
    (True, True, False, False, True, True)
    """
    return len(text) <= _CODE_LONGEST and _CODE.fullmatch(text) is not None


def plain(text: str) -> bool:
    """Whether a text by itself is no person's."""
    return is_number(text) or is_day(text) or is_word(text)


def hint(text: str) -> str:
    """A text as an example in a comment: by its shape where it may be a person's.

    >>> hint("31.02.2026"), hint("ART-675"), hint("Anna Weber 12")
    ('31.02.2026', 'ART-675', 'Aaaa Aaaaa 99')
    """
    if plain(text) or is_code(text):
        return text
    shape = (
        "9" if c.isdigit() else "A" if c.isupper() else "a" if c.isalpha() else c for c in text
    )
    return "".join(shape)[:_LONGEST]


def tellable(text: str, times: int) -> bool:
    """Whether a word of a column of words may be listed: it is known, a short code, or stands there several times."""
    return (
        times > 1
        or plain(text)
        or is_code(text)
        or (text.isupper() and len(text) < _LONGEST_CAPITALS)
    )


def personal_concepts(name: str) -> list[str]:
    """What of a person a column is by its name, as sure as anything that the name says.

    >>> personal_concepts("Empfänger Name"), personal_concepts("Item Name")
    (['name'], [])
    """
    listed = meanings(name)
    return [
        each.concept for each in listed
        if each.concept in PERSONAL and each.strength == listed[0].strength and each.role != "item"
    ]  # fmt: skip


def of_no_person(found: Look) -> bool:
    """Whether the values of a column that nothing reads are plainly no person's: dates, amounts, words of trade, few codes."""
    if personal_concepts(found.name) or not found.filled:
        return False
    few = found.distinct <= _FEW and found.filled >= 3 * found.distinct
    if not few and not found.formats and not found.numeric:
        return False
    return all(
        plain(text) or (few and is_code(text) and not text.isdigit()) for text, _ in found.top
    )


def may_be_personal(found: Look) -> bool:
    """Whether a column may have what is a person's."""
    listed = meanings(found.name)
    if not found.filled:
        return False
    if personal_concepts(found.name):
        return True
    if listed and listed[0].concept in _OF_THINGS and listed[0].strength > 1:
        return False
    if found.distinct > len(found.top):
        return True
    return not all(plain(text) or is_code(text) for text, _ in found.top)


@dataclass(frozen=True)
class Private:
    """The texts of a file that no proposal may hold. `texts` are folded to small letters, with their first words."""

    texts: pl.DataFrame
    phones: frozenset[str]

    @classmethod
    def of(cls, rows: pl.DataFrame, looks: Mapping[str, Look]) -> "Private":
        """Gather them; `rows` has a String column per column of the file."""
        parts: list[pl.Series] = []
        phones: set[str] = set()
        for name, found in looks.items():
            cells = rows[name].unique().str.to_lowercase().rename("text")
            if may_be_personal(found):
                said = cells.filter(cells.str.contains(_LETTERS))
                if found.formats or found.numeric:
                    said = pl.Series("text", [each for each in said if not plain(each)], pl.String)
                parts.append(said)
            at = cells.filter(cells.str.contains("@", literal=True))
            if len(at):
                parts.append(at.str.extract_all(_MAIL).explode().drop_nulls())
            if _of_phones(found):
                phones.update(_digits(each) for each in cells if sum(map(str.isdigit, each)) > 5)
            elif not found.formats and not found.numeric:
                said = cells.filter(cells.str.contains(_PHONE))
                phones.update(_digits(each) for each in said.str.extract_all(_PHONE).explode().drop_nulls())  # fmt: skip
        texts = pl.concat(parts).unique() if parts else pl.Series("text", [], pl.String)
        frame = texts.to_frame().with_columns(pl.col("text").str.extract(r"(\w+)").alias("first"))
        return cls(frame, frozenset(each for each in phones if len(each) > 5))

    def found_in(self, text: str) -> list[str]:
        """What of it stands in a text, the longest first, in small letters; telephone numbers as they are written there."""
        small = text.lower()
        words = set(re.findall(r"\w+", small))
        some = self.texts.filter(pl.col("first").is_in(list(words)))["text"].to_list()
        there = [each for each in some if each in small and re.search(_whole(each), small)]
        numbers = [
            each for each in re.findall(r"\+?\d[\d ()/.-]{4,}\d", text) if _digits(each) in self.phones
        ]  # fmt: skip
        return sorted({*there, *numbers}, key=lambda each: (-len(each), each))

    def without(self, text: str, own: Iterable[str] = ()) -> str:
        """A text with `…` in place of what it must not hold; `own` are texts that are the proposal's, such as names of columns."""
        bare = text
        for each in own:
            bare = re.sub(_whole(each), " ", bare)
        for each in self.found_in(bare):
            text = re.sub(_whole(each), "…", text, flags=re.IGNORECASE)
        return text


def _whole(text: str) -> str:
    return rf"(?<!\w){re.escape(text)}(?!\w)"


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _of_phones(found: Look) -> bool:
    return any(each.concept == "phone" for each in meanings(found.name))
