"""A finished request as people may see it: every value masked by what its field tells of a person."""

from typing import Any

import orjson

from pipeline.model.field import Pii
from pipeline.report.masking import PiiMode, mask, pii_of

_HIDDEN = "(not shown)"


def shown_payload(body: bytes, mode: PiiMode) -> dict[str, Any]:
    """The request as a document; `mask` hides values about people, `none` all that come from cells.

    >>> shown_payload(b'{"order_number":"A1","recipient_email":"jo@example.com"}', PiiMode.MASK)
    {'order_number': 'A1', 'recipient_email': 'j…@e….com'}
    """
    document: dict[str, Any] = orjson.loads(body)
    if mode is PiiMode.SHOW:
        return document
    return {name: _shown(value, name, mode) for name, value in document.items()}


def _shown(value: object, path: str, mode: PiiMode) -> object:
    if isinstance(value, dict):
        kind = value.get("type") if path == "mutations" else None
        before = f"{path}.{kind}" if kind else path
        return {name: _shown(each, f"{before}.{name}", mode) for name, each in value.items()}
    if isinstance(value, list):
        return [_shown(each, path, mode) for each in value]
    if path.endswith((".type", ".operation_id")) or path in ("account", "order_number"):
        return value
    if mode is PiiMode.NONE:
        return _HIDDEN
    pii = pii_of(path)
    return value if pii is Pii.NONE or value is None else mask(str(value), pii)
