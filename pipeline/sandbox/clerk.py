"""What the API decides, without HTTP: create, update, look up, list."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.sandbox import errors, mutations, orders
from pipeline.sandbox.errors import FieldError, Refusal
from pipeline.sandbox.faults import FaultRule
from pipeline.sandbox.mutations import Mutation, Result
from pipeline.sandbox.orders import Order
from pipeline.sandbox.settings import TrackingConflict
from pipeline.sandbox.storage import BadCursorError, NewPut, Page, Query, Storage
from pipeline.sandbox.validation import Body, BodyRules, missing_on_create

Accounts = frozenset[int]

_REPLACED = "articles_order replaced the order's lines before the mutations were applied."


@dataclass(frozen=True, slots=True)
class Accepted:
    """A success: its status and the order to answer with."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """A body with the bytes it was read from."""

    body: Body
    raw: bytes


class Clerk:
    """Applies the contract to the storage; decides everything but how it is sent."""

    __slots__ = ("_conflict", "_mint", "_now", "_rules", "_storage")

    def __init__(
        self,
        storage: Storage,
        rules: BodyRules,
        *,
        conflict: TrackingConflict,
        now: Callable[[], str],
        mint: Callable[[], str],
    ) -> None:
        """Take the storage and everything that varies.

        Args:
            storage: where orders are kept.
            rules: the compiled rules for bodies.
            conflict: what a tracking of another order means.
            now: gives the time as RFC 3339 text.
            mint: gives a new UUID as text.
        """
        self._storage = storage
        self._rules = rules
        self._conflict = conflict
        self._now = now
        self._mint = mint

    def put(
        self, accounts: Accounts, written: Written, rule: FaultRule | None = None
    ) -> Accepted | Refusal:
        """Create or update an order and log the PUT, or refuse it and store nothing.

        Args:
            accounts: those the token opens.
            written: the request.
            rule: the fault this request meets, for the mutations it touches and for the log.
        """
        body = written.body
        refusal = _refuse_identity(accounts, body)
        if refusal is not None:
            return refusal
        found = self._find(body)
        if isinstance(found, Refusal):
            return found
        reasons = self._rules.judge(body)
        if found is None:
            reasons = missing_on_create(body) + reasons
        reasons += self._refuse_taken_reference(body, found)
        if reasons:
            return errors.invalid(reasons)
        status = 201 if found is None else 200
        put = NewPut(
            received_at=self._now(),
            sha256=hashlib.sha256(written.raw).hexdigest(),
            status=status,
            fault=rule.fault if rule is not None else None,
            body=written.raw,
        )
        return self._store(found or self._new(body), body, put, rule)

    def post(self, accounts: Accounts, body: Body) -> Accepted | Refusal:
        """Create an order, or refuse it when it exists (F09)."""
        refusal = _refuse_identity(accounts, body)
        if refusal is not None:
            return refusal
        reasons = missing_on_create(body) + self._rules.judge(body)
        if not reasons and self._storage.find(int(body["account"]), body["order_number"]):
            detail = "The account already has an order with this number."
            reasons = [FieldError("order_number", "unique", detail)]
        reasons += self._refuse_taken_reference(body, None)
        if reasons:
            return errors.invalid(reasons)
        return self._store(self._new(body), body, None, None)

    def retrieve(
        self, accounts: Accounts, unique_id: str, *, by_number: bool
    ) -> Accepted | Refusal:
        """Look up one order by external_id or by order number."""
        if by_number:
            found = [
                order
                for account in sorted(accounts)
                if (order := self._storage.find(account, unique_id)) is not None
            ]
        else:
            order = self._storage.find_external(unique_id)
            found = [order] if order is not None and order.account in accounts else []
        if len(found) > 1:
            detail = "More than one account has this order number."
            return errors.invalid([FieldError("account", "required", detail)])
        if not found:
            return errors.not_found("No order matches the given query.")
        history = self._storage.mutations(found[0].external_id)
        return Accepted(200, orders.details(found[0], history))

    def page(self, query: Query) -> Page | Refusal:
        """Return one page of the list."""
        try:
            return self._storage.page(query)
        except BadCursorError as error:
            return errors.not_found(f"{error}.")

    def show(self, listed: Sequence[Order]) -> list[dict[str, Any]]:
        """Return orders as the list shows them."""
        return [
            orders.answer(order, self._storage.mutations(order.external_id)) for order in listed
        ]

    def _find(self, body: Body) -> Order | Refusal | None:
        account, order_number = int(body["account"]), body.get("order_number")
        external_id = body.get("external_id")
        if external_id is None:
            # Not text: the rules refuse it in a moment, and the storage must not see it.
            if not isinstance(order_number, str):
                return None
            return self._storage.find(account, order_number)
        found = self._storage.find_external(external_id) if isinstance(external_id, str) else None
        if found is None or found.account != account:
            return errors.not_found("No order has this external_id.", "external_id")
        if order_number is not None and order_number != found.order_number:
            detail = "The order with this external_id has another order_number."
            return errors.invalid([FieldError("order_number", "invalid", detail)])
        return found

    def _refuse_taken_reference(self, body: Body, found: Order | None) -> list[FieldError]:
        # 002: external_reference is unique per account.
        reference = body.get("external_reference")
        if not isinstance(reference, str) or not reference:
            return []
        holder = self._storage.holder_of_reference(int(body["account"]), reference)
        if holder is None or (found is not None and holder == found.external_id):
            return []
        detail = "Another order of the account has this external_reference."
        return [FieldError("external_reference", "unique", detail)]

    def _new(self, body: Body) -> Order:
        return Order(int(body["account"]), body["order_number"], self._mint())

    def _store(
        self, before: Order, body: Body, put: NewPut | None, rule: FaultRule | None
    ) -> Accepted:
        sent: list[Mutation] = body.get("mutations", [])
        order = orders.merge(before, body)
        shown = []
        for index, mutation in enumerate(sent):
            order, result = self._mutate(order, mutation, index, rule)
            if index == 0 and orders.replaces_lines(before, body):
                result = replace(result, warnings=(*result.warnings, _REPLACED))
            shown.append(mutations.echo(mutation, result, operation_id=self._mint()))
        self._storage.save(order, shown, put)
        return Accepted(201 if put is None else put.status, orders.answer(order, shown))

    def _mutate(
        self, order: Order, mutation: Mutation, index: int, rule: FaultRule | None
    ) -> tuple[Order, Result]:
        if rule is not None and rule.fails_mutation(index):
            return order, mutations.failed("type", rule.detail)
        if self._conflict is TrackingConflict.FAILS and self._is_taken(order, mutation):
            reason = "Another order of the account has this tracking."
            return order, mutations.failed("tracking", reason)
        order, result = mutations.apply(order, mutation, now=self._now())
        if rule is not None and rule.fault == "warn":
            result = replace(result, warnings=(*result.warnings, rule.detail))
        return order, result

    def _is_taken(self, order: Order, mutation: Mutation) -> bool:
        tracking: Mapping[str, Any] = mutation.get("tracking", {})
        courier, number = tracking.get("courier"), tracking.get("tracking_number")
        if mutation["type"] != "add_tracking" or not courier or not number:
            return False
        holder = self._storage.holder_of_tracking(order.account, courier, number)
        return holder is not None and holder != order.external_id


def _refuse_identity(accounts: Accounts, body: Body) -> Refusal | None:
    """Refuse what cannot be told apart from other accounts' and orders' business (A04 to A06)."""
    account = body.get("account")
    if account is None:
        return errors.early("account is required.")
    if isinstance(account, bool) or not isinstance(account, int | float) or account % 1:
        detail = "Not a valid value: an integer is expected."
        return errors.invalid([FieldError("account", "invalid", detail)])
    if account not in accounts:
        return errors.early("The token does not allow this account.")
    if body.get("order_number") is None and body.get("external_id") is None:
        return errors.early("order_number or external_id is required.")
    return None


def query_of(parameters: Mapping[str, str], accounts: Sequence[int], page_size: int) -> Query:
    """Return what a list request asks for."""
    return Query(
        accounts=accounts,
        order_number=parameters.get("order_number"),
        external_reference=parameters.get("external_reference"),
        ordering=parameters.get("ordering", "created"),
        cursor=parameters.get("cursor") or None,
        limit=page_size,
    )
