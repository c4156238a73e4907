"""A free pair of key and value on an order or a line."""

from pipeline.model.field import Field, Kind, Pii, Shape, Use

ATTRIBUTE = Shape(
    name="attribute",
    doc="One pair of `additional_attributes`; a mapping writes them as a table, `key: VALUE`.",
    fields=(
        Field(
            name="key",
            kind=Kind.TEXT,
            doc="Name of the attribute; the retailer chooses it.",
            use=Use.INSIDE,
        ),
        Field(
            name="value",
            kind=Kind.ANY,
            doc="Any JSON value; it is sent as text unless the mapping says `as:`. It may hold anything about anyone.",
            nullable=True,
            pii=Pii.FREE,
        ),
    ),
)
