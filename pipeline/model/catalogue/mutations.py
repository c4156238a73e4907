"""The six changes that a request can carry besides the order's fields.

`type` is always sent: every mutation has a default for it, so `{}` would be a valid cancel_order
(CONTRACT K44). The keys of a mutation stand beside `type`, never inside a `payload` (K20).
"""

from pipeline.model.field import Field, Kind, Pii, Shape, Use

OPERATION_ID = Field(
    name="operation_id",
    kind=Kind.UUID,
    doc="Name of this very change. We derive it from order and source row, so a retry repeats it; the server does not promise to notice.",
)
RESULT = Field(
    name="result",
    kind=Kind.FREE_OBJECT,
    doc="What became of the change: success, message, errors, warnings. Answers only; absent success means failed.",
    server_owned=True,
    pii=Pii.FREE,
)
REASON = Field(
    name="reason",
    kind=Kind.TEXT,
    doc="Why the line changes, in free words; the line shows it as change_reason.",
    nullable=True,
    pii=Pii.FREE,
)


def _mutation(name: str, *members: Field, doc: str, type_has_default: bool = True) -> Shape:
    """A mutation: the three members that all have, then its own."""
    type_ = Field(
        name="type",
        kind=Kind.CHOICE,
        doc=f"Always `{name}`, and always sent: without it the server may read another mutation.",
        use=Use.INSIDE,
        choices=(name,),
        default=name if type_has_default else None,
    )
    return Shape(name=name, doc=doc, fields=(OPERATION_ID, RESULT, type_, *members))


def _tracking(doc: str) -> Field:
    """The member that holds a parcel."""
    return Field(
        name="tracking",
        kind=Kind.OBJECT,
        doc=doc,
        use=Use.INSIDE,
        shape="tracking",
        pii=Pii.FREE,
    )


def _line_item(name: str, doc: str) -> Field:
    """A member that holds an order line."""
    return Field(
        name=name,
        kind=Kind.OBJECT,
        doc=doc,
        use=Use.INSIDE,
        shape="line_item",
        pii=Pii.FREE,
    )


ADD_TRACKING = _mutation(
    "add_tracking",
    _tracking(
        "The parcel; identity is required: courier and tracking_number, or external_reference."
    ),
    doc="Add a parcel, or update the one with the same identity. Safe to send again.",
)
CANCEL_TRACKING = _mutation(
    "cancel_tracking",
    _tracking("The parcel to cancel: its identity and nothing else."),
    doc="Cancel a parcel. Safe to send again; an unknown parcel answers success=false.",
    type_has_default=False,
)
CANCEL_ORDER = _mutation(
    "cancel_order",
    Field(
        name="cancelled_reason",
        kind=Kind.CHOICE,
        doc="Why the order is cancelled, one of four words.",
        choices=("customer", "inventory", "payment", "other"),
        nullable=True,
    ),
    Field(
        name="cancelled_date",
        kind=Kind.DATETIME,
        doc="When it was cancelled, with offset; send it, or each retry may move the date.",
        nullable=True,
    ),
    doc="Cancel the whole order; order_status becomes `Cancelled`. Safe to send again.",
)
CHANGE_LINE_ITEM_QUANTITY = _mutation(
    "change_line_item_quantity",
    Field(
        name="line_item_id",
        kind=Kind.TEXT,
        doc="Key of the order line that changes.",
        use=Use.INSIDE,
        looked_up=True,
    ),
    Field(
        name="quantity",
        kind=Kind.INTEGER,
        doc="Pieces that remain, not pieces taken away: 2 leaves two, 0 cancels the line.",
        use=Use.INSIDE,
        minimum=0,
    ),
    Field(
        name="current_quantity",
        kind=Kind.INTEGER,
        doc="Guard: change only if the line stands at this number now. A retry then answers success=false although it worked.",
        nullable=True,
    ),
    REASON,
    doc="Set the quantity of a line; never below what was shipped. Safe to send again without the guard.",
)
ADD_LINE_ITEM = _mutation(
    "add_line_item",
    _line_item("line_item", "The new line; its line_item_id must be new to the order."),
    doc="Append a line. Not safe to send again: read the order first.",
)
REPLACE_LINE_ITEM = _mutation(
    "replace_line_item",
    Field(
        name="old_line_item_id",
        kind=Kind.TEXT,
        doc="Key of the line that goes; it stays in the order as cancelled.",
        use=Use.INSIDE,
    ),
    _line_item("new_line_item", "The line that takes its place; its line_item_id must be new."),
    REASON,
    doc="Cancel one line and append another in one step. Not safe to send again: read the order first.",
)

MUTATION_SHAPES = (
    ADD_TRACKING,
    CANCEL_TRACKING,
    CANCEL_ORDER,
    CHANGE_LINE_ITEM_QUANTITY,
    ADD_LINE_ITEM,
    REPLACE_LINE_ITEM,
)
MUTATIONS: tuple[str, ...] = tuple(mutation.name for mutation in MUTATION_SHAPES)
