"""Numbers that prove themselves: check digits of GTIN, SSCC, UPS and postal items."""

import re

_UPS = re.compile(r"1Z[0-9A-Z]{15}[0-9]")
_POSTAL = re.compile(r"[A-Z]{2}[0-9]{9}[A-Z]{2}")
_GTIN_SIZES = (8, 12, 13, 14)
_POSTAL_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def gs1_digit(body: str) -> int:
    """Give the check digit of a GTIN or SSCC, weights 3 and 1 from the right (GS1 General Specifications, 7.9).

    >>> gs1_digit("400638133393")
    1
    """
    weighed = (int(digit) * (1 if i % 2 else 3) for i, digit in enumerate(reversed(body)))
    return -sum(weighed) % 10


def ups_digit(body: str) -> int:
    """Give the check digit of a UPS number for the 15 characters behind 1Z; letters count from 2 (A).

    >>> ups_digit("999AA1012345678")
    4
    """
    values = [int(each) if each.isdigit() else (ord(each) - 63) % 10 for each in body]
    return -(sum(values[0::2]) + 2 * sum(values[1::2])) % 10


def postal_digit(body: str) -> int:
    """Give the check digit of the eight digits of a postal item (UPU standard S10).

    >>> postal_digit("47312482")
    9
    """
    left = (
        11
        - sum(int(each) * weight for each, weight in zip(body, _POSTAL_WEIGHTS, strict=True)) % 11
    )
    return {10: 0, 11: 5}.get(left, left)


def is_gtin(text: str) -> bool:
    """Tell whether a text is a GTIN, EAN or UPC with its check digit.

    >>> is_gtin("4006381333931"), is_gtin("4006381333932"), is_gtin("10248")
    (True, False, False)
    """
    digits = text.isascii() and text.isdigit() and len(text) in _GTIN_SIZES
    return digits and bool(int(text)) and gs1_digit(text[:-1]) == int(text[-1])


def scheme(text: str) -> str:
    """Name the scheme of a parcel's number whose check digit is right: `ups`, `s10`, `sscc`; "" for none.

    >>> scheme("1Z999AA10123456784"), scheme("RR473124829GB"), scheme("00340123450000000017")
    ('ups', 's10', 'sscc')
    >>> scheme("1Z999AA10123456783"), scheme("340001")
    ('', '')
    """
    if _UPS.fullmatch(text):
        return "ups" if ups_digit(text[2:17]) == int(text[17]) else ""
    if _POSTAL.fullmatch(text):
        return "s10" if postal_digit(text[2:10]) == int(text[10]) else ""
    sscc = text[2:] if len(text) == 20 and text.startswith("00") else text
    if len(sscc) == 18 and sscc.isascii() and sscc.isdigit() and int(sscc):
        return "sscc" if gs1_digit(sscc[:-1]) == int(sscc[-1]) else ""
    return ""


def corrected(text: str, of: str) -> str:
    """Give `text` with the check digit that its scheme wants (`of` as `scheme` names it, or `gtin`).

    >>> corrected("1Z999AA10123456700", "ups"), corrected("4006381333900", "gtin")
    ('1Z999AA10123456702', '4006381333900')
    """
    match of:
        case "ups":
            return text[:17] + str(ups_digit(text[2:17]))
        case "s10":
            return text[:10] + str(postal_digit(text[2:10])) + text[11:]
        case "sscc":
            return text[:-1] + str(gs1_digit((text[2:] if len(text) == 20 else text)[:-1]))
        case "gtin":
            return text[:-1] + str(gs1_digit(text[:-1]))
    return text
