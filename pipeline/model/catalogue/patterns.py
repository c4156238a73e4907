r"""Patterns that several fields share.

They run in Polars (Rust regular expressions), where look-around does not exist, and they bind the
text as it is sent. The API's own pattern for amounts has a look-ahead and also accepts `+5`, `.5`
and `1.`; its pattern for money accepts `-`, `.` and an empty text. Ours are the canonical form
inside each of the two (CONTRACT K13, §9).

>>> import re
>>> bool(re.search(MONEY, "19.90")), bool(re.search(MONEY, "19.9")), bool(re.search(MONEY, "-"))
(True, False, False)
>>> bool(re.search(AMOUNT, "0.125")), bool(re.search(AMOUNT, "+5")), bool(re.search(AMOUNT, "1."))
(True, False, False)
>>> bool(re.search(NOT_BLANK, " A ")), bool(re.search(NOT_BLANK, "  "))
(True, False)
"""

ALPHA_3 = r"^\w{3}$"  # as published; Kind.COUNTRY is what makes it a real country
MONEY = r"^-?[0-9]{1,8}\.[0-9]{2}$"
AMOUNT = r"^-?[0-9]+(?:\.[0-9]+)?$"
NOT_BLANK = r"\S"

# Characters without a shape of their own: control and format characters (a byte order mark, a zero-width
# space, a soft hyphen), line and paragraph separators.
INVISIBLE = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]"
