"""Who may come in: the three forms of the Authorization header that the documents show (K1)."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.sandbox import errors
from pipeline.sandbox.errors import Refusal


@dataclass(frozen=True, slots=True)
class Doors:
    """Tokens and the accounts each of them opens."""

    tokens: Mapping[str, frozenset[int]]

    def admit(self, authorization: str | None) -> frozenset[int] | Refusal:
        """Return the accounts the header opens, or the refusal; it never repeats the token."""
        if not authorization:
            return errors.unauthenticated("Authentication credentials were not provided.")
        scheme, _, credentials = authorization.partition(" ")
        match scheme.casefold():
            case "parcellab-api-token":
                accounts = self._raw(credentials) or self._encoded(credentials)
            case "bearer":
                accounts = self._raw(credentials)
            case _:
                return errors.unauthenticated(
                    "Use Authorization: Parcellab-API-Token <token>, Parcellab-API-Token"
                    " base64(account:token) or Bearer <token>."
                )
        return accounts or errors.unauthenticated("Invalid token.")

    def _raw(self, token: str) -> frozenset[int] | None:
        sent = token.strip().encode("utf-8")
        for known, accounts in self.tokens.items():
            if hmac.compare_digest(sent, known.encode("utf-8")):
                return accounts
        return None

    def _encoded(self, credentials: str) -> frozenset[int] | None:
        try:
            text = base64.b64decode(credentials.strip(), validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return None
        account, _, token = text.partition(":")
        accounts = self._raw(token)
        if accounts is None or account not in {str(known) for known in accounts}:
            return None
        return accounts
