"""Text of unknown origin, made safe to look at (FAULTS S5, S6; REPORT §7)."""

import re

import polars as pl

CUT = 80  # characters of a foreign text that the page quotes (STYLE §2.17)
WORDS_CUT = 500  # characters of the API's own words
_INVISIBLE = r"\p{C}|[\p{Z}&&[^ ]]"


def visible(text: str, *, limit: int = CUT) -> str:
    r"""Cut a text and write control, bidi and other invisible characters as ⟨U+202E⟩.

    >>> visible("a\x1b[31m\u202eb")
    'a⟨U+001B⟩[31m⟨U+202E⟩b'
    >>> visible("long text", limit=5)
    'long…'
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else shown_code(c) for c in cut)


def named(name: str, *, limit: int = CUT) -> str:
    r"""Write a name among words: in quotes, unless it reads as one word.

    >>> named("wms-2.DE"), named("all: DE, 20 Nov"), named("a\x1bb")
    ('wms-2.DE', '“all: DE, 20 Nov”', '“a⟨U+001B⟩b”')
    """
    shown = visible(name, limit=limit)
    return shown if re.fullmatch(r"\w[\w.\-]*", name) else f"“{shown}”"


def shown_code(character: str) -> str:
    r"""Name a character that cannot be seen.

    >>> shown_code("\x00")
    '⟨U+0000⟩'
    """
    return f"⟨U+{ord(character):04X}⟩"


def all_visible(texts: pl.Series, *, limit: int = CUT) -> pl.Series:
    r"""Do the same as `visible` for many texts, few of which have anything odd; nulls stay.

    >>> all_visible(pl.Series(["a", None, "b\x00", "long text"]), limit=8).to_list()
    ['a', None, 'b⟨U+0000⟩', 'long te…']
    """
    text = pl.col("text")
    shortened = pl.when(text.str.len_chars() > limit).then(
        pl.concat_str(text.str.slice(0, limit - 1), pl.lit("…"))
    )
    cut = texts.alias("text").to_frame().select(shortened.otherwise(text)).to_series()
    odd = cut.filter(cut.str.contains(_INVISIBLE)).unique().to_list()
    return cut.replace(odd, [visible(each, limit=limit) for each in odd]) if odd else cut
