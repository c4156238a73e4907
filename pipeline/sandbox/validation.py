"""Judge a request body: schema, code lists, and the prose rules that need two fields at once."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from pipeline.sandbox import codes, document
from pipeline.sandbox.errors import FieldError

Body = dict[str, Any]

_TRACKING_MUTATIONS = ("add_tracking", "cancel_tracking")

_ARTICLES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "array": "a list",
    "object": "an object",
}
_FORMAT_DETAILS = {
    "date": "Date has wrong format. Use YYYY-MM-DD.",
    "date-time": "Datetime has wrong format. Use YYYY-MM-DDThh:mm:ss with an offset or Z.",
    "email": "Enter a valid email address.",
    "uuid": "Must be a valid UUID.",
    "iso-3166-alpha3": "Not an ISO 3166-1 alpha-3 country code.",
    "iso-4217": "Not an ISO 4217 currency code.",
    "iso-639-1": "Not an ISO 639-1 language code.",
    "iana-time-zone": "Not a time zone of the IANA database.",
    "decimal-with-digit": "A valid number is required.",
}


class BodyRules:
    """The compiled rules for PUT and POST bodies; one instance judges any number of them."""

    __slots__ = ("_delivery_methods", "_validator")

    def __init__(self, delivery_methods: Collection[str]) -> None:
        self._delivery_methods = frozenset(name.casefold() for name in delivery_methods)
        self._validator = _validator()

    def judge(self, body: Body) -> list[FieldError]:
        """Return every reason to refuse the body, at most one per path, in the body's order."""
        by_attr: dict[str | None, FieldError] = {}
        for error in self._reasons(body):
            by_attr.setdefault(error.attr, error)
        return list(by_attr.values())

    def violations(self, body: Body) -> list[tuple[str, str]]:
        """Return what the document alone has against the body: each path and what is wrong there.

        A text that breaks a pattern is quoted with it: `'2647.900000' does not match '^…$'`.
        """
        found: dict[str, str] = {}
        if not self._validator.is_valid(body):
            for violation in self._validator.iter_errors(body):
                error = _explain(violation)
                found.setdefault(error.attr or "", _in_short(violation) or error.detail)
        return list(found.items())

    def _reasons(self, body: Body) -> Iterator[FieldError]:
        if not self._validator.is_valid(body):
            for violation in self._validator.iter_errors(body):
                yield _explain(violation)
        yield from self._in_prose(body)

    def _in_prose(self, body: Body) -> Iterator[FieldError]:
        """Give what the prose of the contract has against the body, which no schema says."""
        yield from _judge_region(body.get("shipping_address"), "shipping_address")
        mutations = body.get("mutations")
        for index, mutation in enumerate(mutations if isinstance(mutations, list) else []):
            if isinstance(mutation, dict) and mutation.get("type") in _TRACKING_MUTATIONS:
                yield from self._judge_tracking(
                    mutation.get("tracking"), f"mutations.{index}.tracking"
                )

    def _judge_tracking(self, tracking: object, attr: str) -> Iterator[FieldError]:
        if not isinstance(tracking, dict):
            return
        yield from _judge_identity(tracking, attr)
        yield from _judge_region(tracking.get("shipping_address"), f"{attr}.shipping_address")
        method = tracking.get("delivery_method")
        if isinstance(method, str) and method.casefold() not in self._delivery_methods:
            yield FieldError(
                f"{attr}.delivery_method",
                "invalid_choice",
                f'Delivery method "{method[:80]}" is not configured for the account.',
            )


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    """Compile the schema of a PUT body once for all who judge bodies."""
    return jsonschema_rs.Draft202012Validator(
        document.strict_schema(document.PUT_BODY),
        validate_formats=True,
        formats=codes.FORMATS,
        email_options=jsonschema_rs.EmailOptions(
            require_tld=True, allow_domain_literal=False, allow_display_text=False
        ),
    )


def _in_short(violation: jsonschema_rs.ValidationError) -> str:
    """Quote a value beside the pattern that it breaks; "" for all else."""
    if violation.kind.name != "pattern" or not isinstance(violation.instance, str):
        return ""
    return f"{violation.instance[:80]!r} does not match {violation.kind.as_dict()['pattern']!r}"


def missing_on_create(body: Body) -> list[FieldError]:
    """Return one error for each field that a new order needs and the body lacks (K4)."""
    return [
        FieldError(name, "required", "This field is required to create an order.")
        for name in document.create_fields()
        if name not in body
    ]


def _judge_identity(tracking: Mapping[str, Any], attr: str) -> Iterator[FieldError]:
    # 002: "Tracking mutations require either `tracking_number` plus `courier`, or
    # `external_reference`."
    has_number = _says_something(tracking.get("tracking_number"))
    has_courier = _says_something(tracking.get("courier"))
    if (has_number and has_courier) or _says_something(tracking.get("external_reference")):
        return
    if has_number:
        attr += ".courier"
    elif has_courier:
        attr += ".tracking_number"
    yield FieldError(
        attr,
        "required",
        "A tracking is identified by tracking_number and courier, or by external_reference.",
    )


def _judge_region(address: object, attr: str) -> Iterator[FieldError]:
    # 002: "`shipping_address` and tracking-level `shipping_address` are strictly validated,
    # including region codes."
    if not isinstance(address, dict):
        return
    country, region = address.get("country_iso3"), address.get("region_code")
    if not isinstance(country, str) or not isinstance(region, str):
        return
    if codes.is_country(country) and not codes.is_region(country, region):
        yield FieldError(
            f"{attr}.region_code", "invalid", f"Not a region of {country} in ISO 3166-2."
        )


def _says_something(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


# --- from a schema violation to the words of the API ----------------------------------------------


def _explain(violation: jsonschema_rs.ValidationError) -> FieldError:
    path = [str(step) for step in violation.instance_path]
    kind = violation.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        path.append(str(kind.property))
        return FieldError(".".join(path), "required", "This field is required.")
    attr = ".".join(path) or None
    if violation.instance is None:
        return FieldError(attr, "null", "This field may not be null.")
    code, words = _WORDS.get(kind.name, _OTHER)
    return FieldError(attr, code(violation), words(violation))


_Words = Callable[[jsonschema_rs.ValidationError], str]


def _always(text: str) -> _Words:
    return lambda _violation: text


def _limit(violation: jsonschema_rs.ValidationError) -> int:
    return int(violation.kind.as_dict()["limit"])


def _type_words(violation: jsonschema_rs.ValidationError) -> str:
    types = [name for name in violation.kind.as_dict()["types"] if name != "null"]
    return f"Not a valid value: {' or '.join(_ARTICLES[name] for name in types)} is expected."


def _format_words(violation: jsonschema_rs.ValidationError) -> str:
    name = str(violation.kind.as_dict()["format"])
    return _FORMAT_DETAILS.get(name, f"Does not have the format {name}.")


def _choice_words(violation: jsonschema_rs.ValidationError) -> str:
    return f'"{str(violation.instance)[:80]}" is not a valid choice.'


def _short_words(violation: jsonschema_rs.ValidationError) -> str:
    if violation.instance == "":
        return "This field may not be blank."
    return f"Ensure this field has at least {_limit(violation)} characters."


def _pattern_words(violation: jsonschema_rs.ValidationError) -> str:
    if not str(violation.instance).strip():
        return "This field may not be blank."
    return f"Does not match the pattern {violation.kind.as_dict()['pattern']}."


_OTHER: tuple[_Words, _Words] = (_always("invalid"), _always("Not a valid value."))
_WORDS: dict[str, tuple[_Words, _Words]] = {
    "type": (_always("invalid"), _type_words),
    "format": (_always("invalid"), _format_words),
    "enum": (_always("invalid_choice"), _choice_words),
    "const": (_always("invalid_choice"), _choice_words),
    "minLength": (lambda v: "blank" if v.instance == "" else "min_length", _short_words),
    "pattern": (lambda v: "invalid" if str(v.instance).strip() else "blank", _pattern_words),
    "maxLength": (
        _always("max_length"),
        lambda v: f"Ensure this field has no more than {_limit(v)} characters.",
    ),
    "minimum": (
        _always("min_value"),
        lambda v: f"Ensure this value is greater than or equal to {_limit(v)}.",
    ),
    "exclusiveMinimum": (
        _always("min_value"),
        lambda v: f"Ensure this value is greater than {_limit(v)}.",
    ),
    "falseSchema": (
        _always("invalid"),
        _always("This field is not known here; put the keys beside `type`."),
    ),
}
