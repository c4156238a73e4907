r"""Cells that a spreadsheet would run as a formula, and the apostrophe that keeps it from doing so.

Files with corrected rows are opened in spreadsheets (CWE-1236, OWASP ASVS 1.2.10; FAULTS S4). There
a cell that begins with = + - @ or their full-width forms, after blanks or characters that cannot be
seen, or with a tab or line end, gets an apostrophe before it. A number with a sign is none of these.

Apostrophes that the cell begins with are looked through, so that a cell of the export that looks as
if it had been given one gets another. So it is known of every cell whether its first apostrophe is
ours: `restore` undoes `defuse` for any text.
"""

import re

import polars as pl

# Blanks and characters that cannot be seen: Unicode's categories Cc, Cf, Zs, Zl, Zp.
_UNSEEN = (
    "\x00-\x20\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u3000\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
_SIGNS = "=+@\uff1d\uff0b\uff0d\uff20-"
_RUNS = f"^'*(?:[\t\r\n]|[{_UNSEEN}]*[{_SIGNS}])"
_NUMBER = r"^'*[+-][0-9]+(?:[.,][0-9]+)*$"
_IN_PYTHON = re.compile(_RUNS), re.compile(_NUMBER.replace("$", r"\Z"))


def runs(text: str) -> bool:
    """Tell whether a spreadsheet may run a cell, apostrophes before it aside.

    >>> [runs(each) for each in ("=1+1", " @SUM(A1)", "-5", "+49 30 123", "-1.234,56", "a=b", "'=x")]
    [True, True, False, True, False, False, True]
    """
    formula, number = _IN_PYTHON
    return formula.match(text) is not None and number.match(text) is None


def defuse(text: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet would run.

    >>> defuse("=1+1"), defuse("'=1+1"), defuse("'90s"), defuse("-5")
    ("'=1+1", "''=1+1", "'90s", '-5')
    """
    return f"'{text}" if runs(text) else text


def restore(text: str) -> str:
    """Take away the apostrophe that `defuse` has put there.

    >>> restore("'=1+1"), restore("''=1+1"), restore("'90s"), restore("=1+1")
    ('=1+1', "'=1+1", "'90s", '=1+1')
    """
    return text[1:] if text.startswith("'") and runs(text) else text


def defused(cells: pl.Expr) -> pl.Expr:
    """`defuse` for all cells of a column."""
    return pl.when(_run(cells)).then(pl.concat_str(pl.lit("'"), cells)).otherwise(cells)


def restored(cells: pl.Expr) -> pl.Expr:
    """`restore` for all cells of a column."""
    ours = cells.str.starts_with("'") & _run(cells)
    return pl.when(ours).then(cells.str.slice(1)).otherwise(cells)


def _run(cells: pl.Expr) -> pl.Expr:
    return cells.str.contains(_RUNS) & ~cells.str.contains(_NUMBER)
