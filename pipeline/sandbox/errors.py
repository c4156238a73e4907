"""The error answers of the API: their shapes, and nothing about when they are given."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class FieldError:
    """One reason for a refusal, at one path of the body."""

    attr: str | None
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than success: status, body, and whether it names the way to authenticate."""

    status: int
    body: dict[str, Any]
    challenge: bool = False


def list_shape(errors: list[FieldError]) -> dict[str, Any]:
    """Return 002's `{type, errors[]}`."""
    return {
        "type": "client_error",
        "errors": [
            {"code": error.code, "detail": error.detail, "attr": error.attr} for error in errors
        ],
    }


def detail_shape(detail: str) -> dict[str, Any]:
    """Return 002's `{detail}`, used for early failures of identity and account."""
    return {"detail": detail}


def message_shape(message: str, errors: dict[str, list[str]]) -> dict[str, Any]:
    """Return 004's `{success, message, errors{}}`, which only a fault ever sends."""
    return {"success": False, "message": message, "errors": errors}


def invalid(errors: list[FieldError]) -> Refusal:
    """Refuse a body with every reason at once."""
    return Refusal(400, list_shape(errors))


def malformed(detail: str) -> Refusal:
    """Refuse a body that is not a JSON document the API could read."""
    return Refusal(400, list_shape([FieldError(None, "parse_error", detail)]))


def early(detail: str) -> Refusal:
    """Refuse a request whose order or account cannot be told."""
    return Refusal(400, detail_shape(detail))


def unauthenticated(detail: str) -> Refusal:
    """Refuse a request without a valid token."""
    body = list_shape([FieldError(None, "not_authenticated", detail)])
    return Refusal(401, body, challenge=True)


def forbidden(detail: str) -> Refusal:
    """Refuse an account the token does not reach."""
    return Refusal(403, list_shape([FieldError(None, "permission_denied", detail)]))


def not_found(detail: str, attr: str | None = None) -> Refusal:
    """Say that there is no such order, page or endpoint."""
    return Refusal(404, list_shape([FieldError(attr, "not_found", detail)]))


def unsupported_media_type(content_type: str) -> Refusal:
    """Refuse anything but JSON (K40, choice)."""
    detail = f'Unsupported media type "{content_type}" in request; send application/json in UTF-8.'
    return Refusal(415, list_shape([FieldError(None, "unsupported_media_type", detail)]))
