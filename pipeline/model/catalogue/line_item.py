"""A line of an order, and the article inside a parcel.

The two are the same object, but a parcel knows nothing of a line's status and history. The server
accepts unknown keys here without a word (CONTRACT K11), so only these names catch a typing error.
"""

from pipeline.model.catalogue.patterns import ALPHA_3, AMOUNT
from pipeline.model.field import Field, Kind, Pii, Shape, Use

ARTICLE = Shape(
    name="article",
    doc="An order line inside a parcel; quantities of parcels that are not cancelled count as shipped.",
    fields=(
        Field(
            name="version",
            kind=Kind.CHOICE,
            doc="Version of the line's layout. Leave it out; if it must be there, `v2`.",
            choices=("v1", "v2"),
        ),
        Field(
            name="line_item_id",
            kind=Kind.TEXT,
            doc="Key of the line, unique within the order; the same text must stand on the parcel's article.",
            use=Use.INSIDE,
            looked_up=True,
        ),
        Field(
            name="product_id",
            kind=Kind.TEXT,
            doc="The shop's id of the product, across its sizes and colours.",
            use=Use.RECOMMENDED,
        ),
        Field(
            name="variant_id",
            kind=Kind.TEXT,
            doc="The shop's id of this very size and colour.",
            use=Use.RECOMMENDED,
        ),
        Field(
            name="sku",
            kind=Kind.TEXT,
            doc="Stock-keeping number. The key is lower-case: `SKU` would be swallowed without a warning.",
            use=Use.RECOMMENDED,
        ),
        Field(
            name="barcode",
            kind=Kind.TEXT,
            doc="EAN, GTIN or UPC as text: leading zeros belong to it.",
        ),
        Field(
            name="order_item_id",
            kind=Kind.TEXT,
            doc="Another key of the line, from the order system; parcels may refer to it instead of line_item_id.",
        ),
        Field(
            name="article_name",
            kind=Kind.TEXT,
            doc="Name of the article as the customer reads it.",
            use=Use.RECOMMENDED,
        ),
        Field(
            name="article_category",
            kind=Kind.TEXT,
            doc="Category in the shop, e.g. `Shoes`.",
        ),
        Field(
            name="article_store_url",
            kind=Kind.URL,
            doc="Page of the article in the shop; messages to the customer link to it.",
        ),
        Field(
            name="article_image_url",
            kind=Kind.URL,
            doc="Picture of the article. Beware of `article_iamge_url` in parcelLab's own samples.",
        ),
        Field(
            name="article_brand",
            kind=Kind.TEXT,
            doc="Brand or maker.",
        ),
        Field(
            name="size",
            kind=Kind.TEXT,
            doc="Size as sold, e.g. `42` or `XL`; text, not a measure.",
        ),
        Field(
            name="color",
            kind=Kind.TEXT,
            doc="Colour as sold.",
        ),
        Field(
            name="width",
            kind=Kind.NUMBER,
            doc="Width of one piece in cm. parcelLab describes millimetres but takes only cm: convert or leave out.",
        ),
        Field(
            name="height",
            kind=Kind.NUMBER,
            doc="Height of one piece in cm; same trap as width.",
        ),
        Field(
            name="length",
            kind=Kind.NUMBER,
            doc="Length of one piece in cm; same trap as width.",
        ),
        Field(
            name="length_unit",
            kind=Kind.CHOICE,
            doc="Unit of width, height and length: `cm` and nothing else (parcels default to mm).",
            choices=("cm",),
            default="cm",
        ),
        Field(
            name="weight",
            kind=Kind.NUMBER,
            doc="Weight of one piece in weight_unit.",
        ),
        Field(
            name="weight_unit",
            kind=Kind.CHOICE,
            doc="Unit of weight. Always send it: without it grams are assumed silently. Pounds are `lbs`.",
            choices=("kg", "g", "lbs", "oz"),
            default="g",
        ),
        Field(
            name="unit_price",
            kind=Kind.AMOUNT,
            doc="Price of one piece in order_currency; text with a dot, never a JSON number.",
            pattern=AMOUNT,
        ),
        Field(
            name="unit_price_original",
            kind=Kind.AMOUNT,
            doc="Price of one piece before discount, in order_currency; text with a dot.",
            pattern=AMOUNT,
        ),
        Field(
            name="quantity",
            kind=Kind.INTEGER,
            doc="Pieces, a whole number from 0; the API publishes no minimum, so we refuse negative ones.",
            use=Use.RECOMMENDED,
            minimum=0,
        ),
        Field(
            name="amount_invoiced",
            kind=Kind.AMOUNT,
            doc="Amount on the invoice for the whole line, in order_currency; text with a dot.",
            pattern=AMOUNT,
        ),
        Field(
            name="tax_amount",
            kind=Kind.AMOUNT,
            doc="Tax in the line, in order_currency; text with a dot.",
            pattern=AMOUNT,
        ),
        Field(
            name="harmonized_system_code",
            kind=Kind.TEXT,
            doc="Customs tariff number as text: leading zeros belong to it.",
        ),
        Field(
            name="origin_country_iso3",
            kind=Kind.COUNTRY,
            doc="Country in which the article was made, three letters, for customs.",
            pattern=ALPHA_3,
        ),
        Field(
            name="is_bulky",
            kind=Kind.BOOLEAN,
            doc="Whether the article is too large for a usual parcel.",
            default=False,
        ),
        Field(
            name="tags",
            kind=Kind.TEXTS,
            doc="Labels on the line, each of 1 to 255 characters; always a list and always the full set.",
            item_min_length=1,
            item_max_length=255,
        ),
        Field(
            name="bundle",
            kind=Kind.OBJECT,
            doc="Set to which the line belongs; null says that it belongs to none.",
            shape="bundle",
            nullable=True,
        ),
        Field(
            name="additional_attributes",
            kind=Kind.ATTRIBUTES,
            doc="Free pairs of key and value on the line; always the full set.",
            shape="attribute",
            pii=Pii.FREE,
        ),
    ),
)

LINE_ITEM = Shape(
    name="line_item",
    doc="One line of an order. Sending lines replaces all stored ones; changes to known orders go through mutations.",
    fields=(
        *ARTICLE.fields,
        Field(
            name="status",
            kind=Kind.CHOICE,
            doc="State of the line; a cancelled line is better told by change_line_item_quantity with 0.",
            choices=("shipped", "pending", "processing", "cancelled", "returned"),
        ),
        Field(
            name="original_quantity",
            kind=Kind.INTEGER,
            doc="Pieces before the first change; the server keeps it, never send it.",
            server_owned=True,
        ),
        Field(
            name="change_reason",
            kind=Kind.TEXT,
            doc="Reason of the last change; the server copies it from the mutation, never send it.",
            server_owned=True,
            pii=Pii.FREE,
        ),
        Field(
            name="updated_at",
            kind=Kind.DATETIME,
            doc="When the line was last changed; the server writes it, never send it.",
            server_owned=True,
        ),
    ),
)
