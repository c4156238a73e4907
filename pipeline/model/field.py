"""What one field of the Order API is: type, limits, when it is required, whom it concerns.

The rows themselves stand in `pipeline.model.catalogue`; this module only defines their columns.
Limits are written there and nowhere else (CONTRACT §5, §6).
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a value is written on the wire and how source text becomes it."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"  # a JSON number: weights, sizes, cash on delivery
    MONEY = "money"  # a decimal in a JSON string, at most 8 + 2 digits
    AMOUNT = "amount"  # a decimal in a JSON string, any number of digits
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"  # RFC 3339 with offset
    COUNTRY = "country"  # ISO 3166-1 alpha-3
    CURRENCY = "currency"  # ISO 4217
    LANGUAGE = "language"  # ISO 639-1
    ZONE = "zone"  # IANA time zone
    REGION = "region"  # ISO 3166-2
    EMAIL = "email"
    URL = "url"
    CHOICE = "choice"  # one of `choices`
    UUID = "uuid"
    ANY = "any"  # any JSON value; a mapping gives text unless `as:` says otherwise
    TEXTS = "texts"  # list of text
    CHOICES = "choices"  # list of members of `choices`
    OBJECT = "object"  # one object of shape `shape`
    OBJECTS = "objects"  # list of objects of shape `shape`
    ATTRIBUTES = "attributes"  # list of {key, value}, written as a table in the mapping
    FREE_OBJECT = "free object"  # object with free keys
    FREE_OBJECTS = "free objects"  # list of objects with free keys

    @property
    def is_text(self) -> bool:
        """Whether values of this kind flow as text, not as numbers, moments or truth values."""
        return self not in _TYPED


_TYPED = frozenset(
    {
        Kind.INTEGER,
        Kind.NUMBER,
        Kind.MONEY,
        Kind.AMOUNT,
        Kind.BOOLEAN,
        Kind.DATE,
        Kind.DATETIME,
    }
)


class Use(StrEnum):
    """When a field must be there (CONTRACT §5, column "use")."""

    ALWAYS = "always"
    CREATE = "on create"
    INSIDE = "inside the object"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"


class Pii(StrEnum):
    """What a value tells about a person; decides how it is masked (REPORT §7)."""

    NONE = "none"
    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    STREET = "street"
    CITY = "city"
    POSTCODE = "postcode"
    CUSTOMER = "customer"  # customer number and other direct identifiers
    FREE = "free"  # free content that may hold anything about anyone


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field the API takes.

    `shape` names the members of OBJECT and OBJECTS; a list whose objects are told apart by their
    `type` names its alternatives in `shapes` instead (only `mutations`). `literals` are texts
    accepted beside the kind's own form (`_unset` for an e-mail). `item_min_length` and
    `item_max_length` limit the items of a list. `identity` groups fields that identify a tracking:
    "A" needs all of its members, "B" too, and one group suffices (CONTRACT §5.4). What is `looked_up`
    people and systems find an order, a line or a parcel by, so all of it has to be seen.
    """

    name: str
    kind: Kind
    doc: str
    use: Use = Use.OPTIONAL
    min_length: int | None = None
    max_length: int | None = None
    item_min_length: int | None = None
    item_max_length: int | None = None
    pattern: str | None = None
    minimum: int | None = None
    choices: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    shape: str | None = None
    shapes: tuple[str, ...] = ()
    nullable: bool = False
    default: str | bool | None = None
    identity: str | None = None
    looked_up: bool = False
    server_owned: bool = False
    pii: Pii = Pii.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An object of the API and its fields, in the order in which payloads write them."""

    name: str
    doc: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """Give the field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)

    @property
    def writable(self) -> tuple[Field, ...]:
        """The fields a client may send: all but the server-owned ones."""
        return tuple(field for field in self.fields if not field.server_owned)
