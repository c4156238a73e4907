"""Whether a header was taken apart by the wrong delimiter, and by which it would come apart."""

CANDIDATES = (";", ",", "\t", "|")


def likely_delimiter(line: str, declared: str) -> str | None:
    r"""The delimiter that a line of one cell seems to have instead, or None where none is in it.

    >>> likely_delimiter("Order,Land,Qty", ";"), likely_delimiter("Order", ";")
    (',', None)
    """
    best = max((each for each in CANDIDATES if each != declared), key=line.count)
    return best if best in line else None


def one_column(declared: str, meant: str) -> str:
    """The sentence about a header of one column.

    >>> one_column(";", ",")
    "the header has only one column with delimiter ';'; it looks like ','"
    """
    shown, other = (each.replace("\t", "\\t") for each in (declared, meant))
    return f"the header has only one column with delimiter '{shown}'; it looks like '{other}'"


def written(delimiter: str) -> str:
    r"""The delimiter as YAML takes it.

    >>> print(written("\t"))
    delimiter: "\t"
    """
    shown = delimiter.replace("\t", "\\t")
    return f'delimiter: "{shown}"'
