"""Text of unknown origin, made safe to look at (FAULTS S5, S6; REPORT §7)."""

CUT = 80  # characters of a foreign text that the page quotes (STYLE §2.17)
WORDS_CUT = 500  # characters of the API's own words


def visible(text: str, *, limit: int = CUT) -> str:
    r"""Cut a text and write control, bidi and other invisible characters as ⟨U+202E⟩.

    >>> visible("a\x1b[31m\u202eb")
    'a⟨U+001B⟩[31m⟨U+202E⟩b'
    >>> visible("long text", limit=5)
    'long…'
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else shown_code(c) for c in cut)


def shown_code(character: str) -> str:
    r"""Name a character that cannot be seen.

    >>> shown_code("\x00")
    '⟨U+0000⟩'
    """
    return f"⟨U+{ord(character):04X}⟩"
