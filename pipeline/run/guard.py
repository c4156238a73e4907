"""Safety stops before the first request (PRODUCT §2.11, FAULTS I8)."""

import math

from pipeline.model.endpoint import Endpoint
from pipeline.report.summary import counted
from pipeline.run.prepare import Foresight
from pipeline.run.request import Events, GuardTripped, Options


def guard(seen: Foresight, options: Options) -> None:
    """Stop a run that is far from what it should be.

    Raises:
        GuardTripped: too few rows, too many orders, or too large a share held back.
    """
    if options.min_rows is not None and seen.rows < options.min_rows:
        raise GuardTripped(
            f"the files have {counted(seen.rows, 'row')}, at least {options.min_rows:,} were expected",
            code="C120", help="is the export complete? lower --min-rows if it is",
            unless=("--min-rows", str(max(seen.rows, 1))),
        )  # fmt: skip
    if options.max_orders is not None and seen.to_send > options.max_orders:
        raise GuardTripped(
            f"this would send {counted(seen.to_send, 'order')}, at most {options.max_orders:,} are allowed",
            code="C121", help="raise --max-orders if that is right",
            unless=("--max-orders", str(seen.to_send)),
        )  # fmt: skip
    share = seen.held / seen.orders if seen.orders else 0.0
    limit = options.max_reject_rate
    if limit is not None and seen.orders >= options.reject_rate_from and share > limit:
        raise GuardTripped(
            f"{seen.held:,} of {counted(seen.orders, 'order')} ({share * 100:.3g}%) would be held "
            f"back, at most {limit * 100:.3g}% are allowed",
            code="C122",
            help="the report says why; raise --max-reject-rate to send the rest",
            unless=("--max-reject-rate", f"{math.ceil(share * 100)}%"),
        )  # fmt: skip


def confirm(seen: Foresight, endpoint: Endpoint, options: Options, events: Events) -> None:
    """Ask before anything goes to production, and before a backfill.

    Raises:
        GuardTripped: nobody agreed.
    """
    if not seen.to_send:
        return
    where = f"parcelLab account {endpoint.account} at {endpoint.base_url}"
    if options.backfill:
        what = f"Backfill: send {counted(seen.to_send, 'order')} of the past with notifications_inactive"
    else:
        verb = "Create" if options.create_only else "Send"
        what = f"{verb} {counted(seen.to_send, 'order')}"
    if endpoint.production:
        question = f"{what} to {where} (PRODUCTION)?"
    elif options.backfill:
        question = f"{what} to {where}?"
    else:
        return
    expected = str(endpoint.account)
    if not events.confirm(question, expected):
        raise GuardTripped("the run was not confirmed", code="C123",
                           help="type the account number, or give --yes", unless=("--yes",))  # fmt: skip
