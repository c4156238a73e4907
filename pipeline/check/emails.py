"""E-mail addresses: a quick pattern for the many, email-validator for the rest."""

import polars as pl

# Everything it accepts, email-validator accepts too (a test holds them against each other); what it
# does not accept may still be an address. Without bounds on the labels (a bounded repetition makes
# the automaton ten times slower), so it is only asked about texts in which no label can be too long.
_PLAIN = (
    r"^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
    r"@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,}$"
)
_PLAIN_MAX = 64
_RESERVED = r"(?i)\.(?:arpa|invalid|local|localhost|onion)$"  # read by the validator, refused there
_ONE_AT = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"  # also refuses the bare domain `test`
# What the validator refuses at sight. It takes 70 µs a text, and a damaged column may hold a
# hundred thousand different texts.
_NEVER = r"""["(),:;<>\[\]\\[:cntrl:]]|\.\.|^\.|\.@|@\.|\.$|@-|@[^@]*(?:_|-\.|-$)"""


def refused_emails(values: pl.Series) -> pl.Series:
    """Give the distinct texts that are no e-mail addresses.

    >>> refused_emails(pl.Series(["a@b.de", "jö@exämple.de", "a@example.test", "a@b", None])).to_list()
    ['a@b']
    """
    text = pl.col("text")
    plain = text.str.contains(_PLAIN) & (text.str.len_bytes() <= _PLAIN_MAX)
    rest = (
        values.alias("text").to_frame().filter(~plain | text.str.contains(_RESERVED))
        .unique()
        .with_columns(odd=text.str.contains(_ONE_AT) & ~text.str.contains(_NEVER))
    )  # fmt: skip
    odd = rest.filter("odd")["text"]
    wrong = [address for address in odd if not _is_email(address)]
    return pl.concat([rest.filter(~pl.col("odd"))["text"], pl.Series("text", wrong, pl.String)])


def _is_email(text: str) -> bool:
    from email_validator import EmailNotValidError, validate_email

    try:
        # no look-up: a check of rows must not ask the network. `test_environment` lets the domains
        # pass that tests may use (RFC 6761).
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True
