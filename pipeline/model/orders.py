"""Orders ready to send, and what the API said of them."""

from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.model.outcomes import MutationOutcome, OrderOutcome


class Intent(StrEnum):
    """What a request may do: create or update (PUT), or only create (POST, `--create-only`)."""

    UPSERT = "upsert"
    CREATE = "create"


class Replay(StrEnum):
    """Whether a mutation may be sent again when its answer was lost (CONTRACT §6)."""

    SAFE = "safe"
    READ_BACK = "read_back"  # add_line_item, replace_line_item, a guarded quantity change


@dataclass(frozen=True, slots=True)
class Operation:
    """One mutation of a request.

    `subject` names the thing it changes inside the order, such as
    `add_tracking|dhl-germany|0034…` or `change_line_item_quantity|L1`: the ledger keeps the last
    acknowledged operation per subject. `operation_id` is a UUIDv5 that is stable across retries
    and reruns (CONTRACT K45).
    """

    type: str
    subject: str
    operation_id: str
    replay: Replay


@dataclass(frozen=True, slots=True)
class Submission:
    """One order as it goes out: one PUT, or one POST.

    `body` is UTF-8 JSON with deterministic bytes. `content_sha256` (hex) is the hash of all the
    mapping made of the order; it differs from the hash of `body` where the body leaves out what
    parcelLab already has (lines of a known order, acknowledged operations). `operations` follow
    `body["mutations"]` one by one.
    """

    order_number: str
    content_sha256: str
    body: bytes
    operations: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One complaint of the API about one order.

    `code` is a finding code (A401, A402, A403, A404, A405, A201, A202, U001, N001). `attr` is the API's
    path ("shipping_address.postal_code", "mutations.0.tracking.courier") or None, `api_code` and
    `detail` its own words, scrubbed of the order's personal data and cut to 500 characters.
    """

    code: str
    detail: str
    attr: str | None = None
    api_code: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one submission. `mutations` follow the operations of the submission."""

    order_number: str
    outcome: OrderOutcome
    attempts: int
    status: int | None = None
    external_id: str | None = None
    problems: tuple[Problem, ...] = ()
    mutations: tuple[MutationOutcome, ...] = field(default=())
