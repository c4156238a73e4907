"""JSON as it comes in, read without mercy, and as it goes out."""

import json
import math
from email.message import Message
from typing import Any, NoReturn

from pipeline.sandbox import errors
from pipeline.sandbox.errors import Refusal

_BOM = b"\xef\xbb\xbf"


def encode(value: object) -> str:
    """Return compact JSON in which every character but the control ones stays itself."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def read_body(content_type: str, raw: bytes) -> dict[str, Any] | Refusal:
    """Read a request body, or say why it is not a JSON object in UTF-8.

    Duplicate keys, NaN, numbers too large for a float, a byte order mark and lone surrogates are
    refused (K40, F15): each would be read differently by different servers.
    """
    if not raw and not content_type:
        # The published document makes the body of a PUT optional (K41).
        return {}
    if not _is_json_in_utf8(content_type):
        return errors.unsupported_media_type(content_type)
    try:
        body = _read(raw)
    except RecursionError:
        return errors.malformed("JSON parse error - the document is nested too deeply.")
    except ValueError as error:
        return errors.malformed(f"JSON parse error - {error}")
    if not isinstance(body, dict):
        detail = f"Invalid data. Expected an object, but got {type(body).__name__}."
        return errors.invalid([errors.FieldError(None, "invalid", detail)])
    return body


def _is_json_in_utf8(content_type: str) -> bool:
    header = Message()
    header["content-type"] = content_type
    charset = header.get_content_charset("utf-8")
    return header.get_content_type() == "application/json" and charset in ("utf-8", "utf8")


def _read(raw: bytes) -> object:
    if raw.startswith(_BOM):
        raise ValueError("a byte order mark is not JSON")
    text = raw.decode("utf-8")
    body: object = json.loads(
        text,
        object_pairs_hook=_object,
        parse_constant=_refuse_constant,
        parse_float=_finite,
    )
    if "\\ud" in text or "\\uD" in text:
        _refuse_lone_surrogates(body)
    return body


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'duplicate key "{twice[:80]}"')
    return read


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:80]} is out of range")
    return number


def _refuse_lone_surrogates(body: object) -> None:
    # UnicodeEncodeError is a ValueError; its own words name the position in our text, not theirs.
    try:
        encode(body).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("a lone surrogate is not a character") from error
