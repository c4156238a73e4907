"""How order lines belong together when a set is sold."""

from pipeline.model.catalogue.patterns import AMOUNT
from pipeline.model.field import Field, Kind, Shape, Use

BUNDLE = Shape(
    name="bundle",
    doc="Membership of an order line in a set: one parent line and its component lines share a group.",
    fields=(
        Field(
            name="group_id",
            kind=Kind.TEXT,
            doc="The same text on the parent and on every component of one set.",
            use=Use.INSIDE,
        ),
        Field(
            name="role",
            kind=Kind.CHOICE,
            doc="Whether this line is the set itself (`parent`) or a part of it (`component`).",
            use=Use.INSIDE,
            choices=("parent", "component"),
        ),
        Field(
            name="return_policy",
            kind=Kind.CHOICE,
            doc="What may come back: the set as a whole, its parts, or both.",
            choices=("parent_only", "components_only", "parent_and_components"),
            default="components_only",
        ),
        Field(
            name="parent_product_id",
            kind=Kind.TEXT,
            doc="Product id of the set.",
        ),
        Field(
            name="parent_variant_id",
            kind=Kind.TEXT,
            doc="Variant id of the set.",
        ),
        Field(
            name="parent_sku",
            kind=Kind.TEXT,
            doc="Stock-keeping number of the set.",
        ),
        Field(
            name="parent_title",
            kind=Kind.TEXT,
            doc="Name of the set as the customer reads it.",
        ),
        Field(
            name="parent_quantity",
            kind=Kind.INTEGER,
            doc="How many sets were ordered, in pieces.",
        ),
        Field(
            name="component_quantity_per_parent",
            kind=Kind.INTEGER,
            doc="Pieces of this component in one set.",
        ),
        Field(
            name="allocation_method",
            kind=Kind.CHOICE,
            doc="How the price of the set was shared out among its components.",
            choices=("none", "component_price", "msrp_ratio", "equal"),
            default="none",
        ),
        Field(
            name="allocated_unit_price",
            kind=Kind.AMOUNT,
            doc="Share of the set price for one piece of this component, in order_currency; text with a dot.",
            pattern=AMOUNT,
        ),
        Field(
            name="allocated_amount_invoiced",
            kind=Kind.AMOUNT,
            doc="Share of the invoiced amount for the whole line, in order_currency; text with a dot.",
            pattern=AMOUNT,
        ),
    ),
)
