"""JSON text from columns: what is null is never written, so nothing has to be taken out again.

Every function gives an expression of type String over a frame that has one column per slot; null
means "leave this member out". Texts are escaped by Polars in one pass; the bytes are the same for
the same values (MAPPING §7, PRODUCT §6: `json_encode` has no option to leave nulls out).
"""

from collections.abc import Mapping
from functools import reduce

import polars as pl

from pipeline.mapping.converters import DECIMAL
from pipeline.mapping.plan import FieldPlan, ListPlan, Member, ObjectPlan
from pipeline.model.catalogue.address import PRESENCE
from pipeline.model.field import Kind

_CONTROL = [chr(code) for code in range(0x20)]
_SPECIAL = ["\\", '"', *_CONTROL, "\x7f"]
_ESCAPED = ["\\\\", '\\"', *(f"\\u{ord(char):04x}" for char in _CONTROL), "\x7f"]


def quoted(text: pl.Expr) -> pl.Expr:
    r"""A JSON string.

    >>> pl.select(quoted(pl.lit('a "b"\n\\'))).item()
    '"a \\"b\\"\\u000a\\\\"'
    """
    return pl.concat_str(pl.lit('"'), text.str.replace_many(_SPECIAL, _ESCAPED), pl.lit('"'))


def scalar(value: pl.Expr, kind: Kind, zone: str | None) -> pl.Expr:
    """One value as JSON; date-times with the offset of `zone` (UTC without one)."""
    match kind:
        case Kind.INTEGER:
            return value.cast(pl.String)
        case Kind.BOOLEAN:
            return pl.when(value).then(pl.lit("true")).when(~value).then(pl.lit("false"))
        case Kind.NUMBER:
            text = value.cast(DECIMAL).cast(pl.String)
            return text.str.strip_chars_end("0").str.strip_chars_end(".")
        case Kind.MONEY:
            text = value.cast(pl.Decimal(38, 2)).cast(pl.String)
            return pl.concat_str(pl.lit('"'), text, pl.lit('"'))
        case Kind.AMOUNT:
            # two decimals at least; the text of a Decimal has all that its type has
            text = value.cast(DECIMAL).cast(pl.String)
            rest = text.str.tail(DECIMAL.scale - 2).str.strip_chars_end("0")
            return pl.concat_str(pl.lit('"'), text.str.head(2 - DECIMAL.scale), rest, pl.lit('"'))
        case Kind.DATE:
            return value.dt.strftime('"%Y-%m-%d"')
        case Kind.DATETIME:
            local = value.dt.convert_time_zone(zone or "UTC")
            return local.dt.strftime('"%Y-%m-%dT%H:%M:%S%.f%:z"')
        case _:
            return quoted(value)


def member(part: Member, zone: str | None) -> pl.Expr:
    """The JSON of one member of an object, or null."""
    if isinstance(part, FieldPlan):
        return scalar(pl.col(part.slot), part.kind, zone)
    if isinstance(part, ListPlan):
        return _list(part, zone)
    return json_object(part, zone)


def json_object(
    part: ObjectPlan, zone: str | None, made: Mapping[str, pl.Expr] | None = None
) -> pl.Expr:
    """The JSON of an object; null when it is not there.

    An object is there when a member that is not fixed text has a value. An address is there when
    it says where: a country or a name alone makes none (CONTRACT K9).
    """
    inner = members(part, zone, made)
    return pl.when(present(part)).then(pl.concat_str(pl.lit("{"), inner, pl.lit("}")))


def members(
    part: ObjectPlan, zone: str | None, made: Mapping[str, pl.Expr] | None = None
) -> pl.Expr:
    """`"name":value` for each member that has a value, joined by commas; "" for none.

    `made` gives members whose JSON is there already, by name; they take their place in the order
    of the API.
    """
    texts = {each.name: member(each, zone) for each in part.members} | dict(made or {})
    if not texts:
        return pl.lit("")
    order = {field.name: rank for rank, field in enumerate(part.shape.fields if part.shape else ())}
    names = sorted(texts, key=lambda name: order.get(name, len(order)))
    pairs = [pl.concat_str(pl.lit(f"{_name(name)}:"), texts[name]) for name in names]
    return pl.concat_str(pairs, separator=",", ignore_nulls=True)


def present(part: ObjectPlan) -> pl.Expr:
    """Whether the object is there at all."""
    leaves = part.leaves()
    if part.shape is not None and part.shape.name == "address":
        leaves = [leaf for leaf in leaves if leaf.name in PRESENCE]
    varying = [leaf for leaf in leaves if not leaf.constant] or leaves
    if not varying:
        return pl.lit(value=False)
    return reduce(lambda a, b: a | b, (_has(leaf) for leaf in varying))


def _has(leaf: FieldPlan) -> pl.Expr:
    return pl.col(leaf.slot).is_not_null()


def _name(name: str) -> str:
    return str(pl.select(quoted(pl.lit(name))).item())


def _list(part: ListPlan, zone: str | None) -> pl.Expr:
    if part.kind in {Kind.TEXTS, Kind.CHOICES}:
        return _texts(part)
    if part.kind is Kind.ATTRIBUTES:
        pairs = [_attribute(item, zone) for item in part.items if isinstance(item, FieldPlan)]
    else:
        pairs = [json_object(item, zone) for item in part.items if isinstance(item, ObjectPlan)]
    if not pairs:
        return pl.lit(None, pl.String)
    inner = pl.concat_str(pairs, separator=",", ignore_nulls=True)
    return pl.when(inner != "").then(pl.concat_str(pl.lit("["), inner, pl.lit("]")))


def _attribute(item: FieldPlan, zone: str | None) -> pl.Expr:
    value = scalar(pl.col(item.slot), item.kind, zone)
    return pl.concat_str(pl.lit(f'{{"key":{_name(item.name)},"value":'), value, pl.lit("}"))


def _texts(part: ListPlan) -> pl.Expr:
    """Texts without repetitions, in the order of the mapping; null when there is none."""
    if not part.items:
        return pl.lit(None, pl.String)
    slots = [item.slot for item in part.items if isinstance(item, FieldPlan)]
    gathered = pl.concat_list(slots).list.drop_nulls().list.unique(maintain_order=True)
    inner = gathered.list.eval(quoted(pl.element())).list.join(",")
    # `replace` and not `when`, which would make the lists twice
    return pl.concat_str(pl.lit("["), inner.replace({"": None}), pl.lit("]"))
