"""Which column says what order a row is of."""

from collections.abc import Mapping

from pipeline.run.drafting.facts import FITS
from pipeline.run.drafting.looks import Look
from pipeline.run.drafting.names import concepts, folded, meanings

_ROLES = ("", "order", "parcel", "ship")
_SHOP = ("bestell", "shop", "web")  # the number that the customer knows, beside one of the house
_NUMBERS = ("num", "nr", "no", "name", "ref")  # rather than an id of some table
_VERY = 3  # the strength of a name that is the very word
_FIT = 0.8  # of the values must be what another meaning of the name says
_ENDS = ("ordernumber", "orderno", "ordernr", "ordernum", "orderid", "orderref", "orderreference", "bestellnr", "bestellnummer",
         "auftragsnr", "auftragsnummer", "nocommande", "numcommande", "numerocommande", "commandeno", "npedido", "nopedido", "numeropedido")  # fmt: skip
_SOME = 0.3  # of the values have a digit where the name says little


def order_column(looks: Mapping[str, Look], *, headless: bool) -> str | None:
    """The column of the order number, by its name; without a header by its values; None where none is."""
    ranked = [
        (strength, int(found.filled >= 0.9 * found.rows), int(any(each in name.casefold() for each in _SHOP)), int(any(each in name.casefold() for each in _NUMBERS)), -at, name)
        for at, (name, found) in enumerate(looks.items())
        if (strength := _strength(name, found)) and _possible(found, strength)
    ]  # fmt: skip
    if ranked:
        return max(ranked)[-1]
    near = numbers_of_orders(looks)
    if near:
        # of an order and its parts the rows are of what each of them has one of
        return next((each for each in near if looks[each].distinct == looks[each].rows), near[0])
    first = next(iter(looks.values()))
    codes = (
        first.distinct > 1
        and first.share("digit") >= 0.9
        and not first.formats
        and not first.share("email")
    )
    return first.name if headless and first.filled and codes else None


def numbers_of_orders(looks: Mapping[str, Look]) -> list[str]:
    """Columns whose names end with what an order number is called: `Sub-Order Number`, `Parent Order Number`."""
    return [
        name for name, found in looks.items()
        if any(folded(name).endswith(each) for each in _ENDS) and found.share("digit") >= _SOME and _possible(found, _VERY)
    ]  # fmt: skip


def _strength(name: str, found: Look) -> int:
    """How sure it is by its name, 0 for not at all."""
    own = [
        each.strength
        for each in meanings(name)
        if each.concept == "order_number" and each.role in _ROLES
    ]
    others = [
        each.strength
        for each in meanings(name)
        if each.concept != "order_number" and FITS[concepts()[each.concept].is_](found) >= _FIT
    ]
    strength = max(own, default=0)
    return 0 if strength == 1 and max(others, default=0) > 1 else strength


def _possible(found: Look, strength: int) -> bool:
    """Whether the values of a column can be numbers of orders."""
    if not found.rows:
        return True
    amounts = found.share("1.5") > 0.1 or found.share("1,5") > 0.1
    if not found.filled or found.formats or amounts:
        return False
    return strength == _VERY or not (found.share("digit") < _SOME or found.share("email"))
