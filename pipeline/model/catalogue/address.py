"""An address, and a person who is informed besides the recipient."""

from pipeline.model.catalogue.patterns import ALPHA_3, NOT_BLANK
from pipeline.model.field import Field, Kind, Pii, Shape, Use

ADDRESS = Shape(
    name="address",
    doc="Where goods or the bill go. Send it only when all four required parts are there; else leave it out.",
    fields=(
        Field(
            name="first_name",
            kind=Kind.TEXT,
            doc="Given name of the person at this address; no length limit is published.",
            pii=Pii.NAME,
        ),
        Field(
            name="last_name",
            kind=Kind.TEXT,
            doc="Family name of the person at this address; no length limit is published.",
            pii=Pii.NAME,
        ),
        Field(
            name="company_name",
            kind=Kind.TEXT,
            doc="Company at this address; of a sole trader this is a person's name.",
            pii=Pii.NAME,
        ),
        Field(
            name="address_line",
            kind=Kind.TEXT,
            doc="Street and house number on one line, at most 256 characters; spaces alone are refused.",
            use=Use.INSIDE,
            min_length=1,
            max_length=256,
            pattern=NOT_BLANK,
            pii=Pii.STREET,
        ),
        Field(
            name="address_line_extra",
            kind=Kind.TEXT,
            doc="What the carrier needs besides the street: floor, entrance, care-of.",
            pii=Pii.STREET,
        ),
        Field(
            name="postal_code",
            kind=Kind.TEXT,
            doc="Postal code as text of 2 to 10 characters: keep leading zeros, no town name beside it.",
            use=Use.INSIDE,
            min_length=2,
            max_length=10,
            pattern=NOT_BLANK,
            pii=Pii.POSTCODE,
        ),
        Field(
            name="city",
            kind=Kind.TEXT,
            doc="Town, at most 40 characters; a longer place name needs a rule in the mapping.",
            use=Use.INSIDE,
            min_length=1,
            max_length=40,
            pattern=NOT_BLANK,
            pii=Pii.CITY,
        ),
        Field(
            name="country_iso3",
            kind=Kind.COUNTRY,
            doc="Country as three letters, `DEU` and not `DE`; it must be a country that exists.",
            use=Use.INSIDE,
            pattern=ALPHA_3,
        ),
        Field(
            name="region_code",
            kind=Kind.REGION,
            doc="ISO 3166-2 state or province of this country, `BY` or `DE-BY`; it is checked against country_iso3.",
            min_length=1,
            max_length=25,
        ),
        Field(
            name="phone",
            kind=Kind.TEXT,
            doc="Telephone at this address, at most 30 characters; no format is asked for.",
            max_length=30,
            pii=Pii.PHONE,
        ),
    ),
)

RECIPIENT = Shape(
    name="recipient",
    doc="One more person who gets the messages about an order or a parcel.",
    fields=(
        Field(
            name="role",
            kind=Kind.TEXT,
            doc="What this person is to the order, in the retailer's own words, e.g. `installer`.",
        ),
        Field(
            name="email",
            kind=Kind.EMAIL,
            doc="Where the messages go; the API publishes no format, we ask for an e-mail address anyway.",
            pii=Pii.EMAIL,
        ),
    ),
)

# An address says where something goes; a country or a name alone does not (CONTRACT K9).
PRESENCE = frozenset({"address_line", "address_line_extra", "postal_code", "city"})
