r"""Rows whose cells are a guess: written into a file of ours, they are held until somebody looked at them.

A record with a misplaced quote (R103), a NUL byte (R105) or the like is written with its cells as best
known, so that a spreadsheet can show them; read again it looks like any other. Its rule and a check of its cells
stand beside it. As long as both fit, nobody has touched it.

A spreadsheet changes cells that nobody has touched: 01067 becomes 1067, a date gets another form. So
the check looks at less than the text. A change that it does not see can be confirmed: with an empty
rule, the row is read as it stands.
"""

import hashlib
import re
from collections.abc import Sequence

from pipeline.read.records import Fault

GUESSED = {
    "R103": Fault.QUOTE, "R104": Fault.OPEN, "R105": Fault.NUL, "R106": Fault.BREAK,
    "R107": Fault.SWALLOWED, "R108": Fault.UNCLEAR, "R112": Fault.LENGTH,
    "R114": Fault.TYPE, "R115": Fault.ORPHAN, "R116": Fault.BELOW,
}  # fmt: skip
# A record of several lines with a wrong number of cells is cut at its first line end. What is left
# may have the right number by chance; only then a check stands beside this rule.
TORN = {"R101": Fault.QUOTE}

# 1.5, 3/4 and 1-2 become dates, too, in some countries: 01. Mai, 04. Mrz, 2-Jan.
_MONTH = r"(?:jan|feb|fév|mar|mär|mrz|apr|avr|may|mai|jun|jul|aug|aoû|sep|oct|okt|nov|dec|dez|déc)[^\W\d]*"
_DATE = re.compile(
    r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?:[ t,].*)?|\d{1,2}[-/.]\d{1,4}"
    rf"|\d{{1,2}}\W{{1,2}}{_MONTH}(?:\W{{1,2}}\d{{2,4}})?|{_MONTH}\W{{1,2}}\d{{1,4}}",
    re.DOTALL,
)
_TIME = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[ap]m)?")
# possessive, for a cell may be as long as a file, and backtracking would take the square of that
_NUMBER = re.compile(r"[+-]?(?=[.,' ]*+\d)[\d.,' ]++(?P<power>e[+-]?\d+)?")
_LONG = 12  # digits from which a spreadsheet writes a power of ten
# letters only, for a spreadsheet has its own mind about anything that looks like a number
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def check_of(cells: Sequence[str]) -> str:
    """Give 16 letters that stay the same while a spreadsheet opens and saves the cells of a record.

    >>> check_of(["a", "01067", "2026-11-20"]) == check_of(["a ", "1067", "20.11.2026", ""])
    True
    >>> check_of(["1.5", "3/4", "SKU-1"]) == check_of(["01. Mai", "04. Mrz", "SKU-1"])
    True
    >>> check_of(["a", "2"]) == check_of(["a", "3"]), check_of(["SKU-1"]) == check_of(["SKU-2"])
    (False, False)
    """
    known = [_unchanged(cell) for cell in cells]
    while known and not known[-1]:
        known.pop()
    text = "\x1f".join(known).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=8).hexdigest().translate(_LETTERS)


def _unchanged(cell: str) -> str:
    """What of a cell a spreadsheet leaves alone."""
    text = " ".join(cell.replace("\0", "").split()).casefold()
    if _DATE.fullmatch(text):
        return "date"
    if _TIME.fullmatch(text):
        return "time"
    number = _NUMBER.fullmatch(text)
    if number is None:
        return text
    digits = re.sub(r"\D", "", text)
    if number["power"] or len(digits) >= _LONG:
        return "long number"
    return ("-" if text.startswith("-") else "") + digits.strip("0")
