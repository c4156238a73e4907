"""Safety stops before the first request (PRODUCT §2.11, FAULTS I8)."""

import math

from pipeline.model.endpoint import Endpoint
from pipeline.model.expectation import Act
from pipeline.report.summary import counted
from pipeline.run.prepare import OLD, Foresight
from pipeline.run.request import Events, GuardTripped, Options
from pipeline.run.usual import OLD_ORDERS, Volume

_MISSING = "F105"  # of a file that is not there there is nothing to look at

OLD_SHARE = 0.2  # of the orders to send, from which on this looks like an import of the past


def guard(seen: Foresight, options: Options) -> None:
    """Stop a run that is far from what it should be.

    Raises:
        GuardTripped: too few rows, too many orders, or too large a share held back.
    """
    _as_expected(seen, options)
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
    _against_history(seen, options)
    if options.old_orders == "stop" and too_old(seen):
        raise GuardTripped(
            old_words(seen), code="C126", unless=("--old-orders", "warn"),
            help="orders of the past are imported with --backfill; --old-orders warn sends them as they are",
        )  # fmt: skip


def _as_expected(seen: Foresight, options: Options) -> None:
    """Stop where a file is not what its mapping declares; what is known goes before what is usual."""
    if options.expectations in ("warn", "off"):
        return
    stops = [
        each for each in seen.broken if options.expectations == "stop" or each["act"] == Act.STOP
    ]
    if stops:
        more = f", and {len(stops) - 1} more" if len(stops) > 1 else ""
        advice = "look at the files; if they are right, run again with --expectations warn"
        if all(each["code"] == _MISSING for each in stops):
            advice = (
                "ask its sender for the file, and run again when it is there; --expectations warn "
                "imports what there is without it"
            )
        raise GuardTripped(
            f"not as the mapping expects: {stops[0]['says']}{more}",
            code="C127", unless=("--expectations", "warn"), help=advice,
        )  # fmt: skip


def _against_history(seen: Foresight, options: Options) -> None:
    """Stop what is far from the nights before; a choice of orders or a backfill was not compared."""
    for volume in (Volume(**each) for each in seen.volumes):
        limit = options.max_row_drop
        if limit is not None and volume.usual >= options.row_drop_from and volume.drop > limit:
            raise GuardTripped(
                f"{volume.words}; at most {limit * 100:.3g}% fewer are allowed",
                code="C124", unless=("--max-row-drop", "off"),
                help="is the export complete? if it is, run again with --max-row-drop off",
            )  # fmt: skip
    if options.drift == "stop" and seen.unlike:
        more = f", and {len(seen.unlike) - 1} more" if len(seen.unlike) > 1 else ""
        raise GuardTripped(
            f"unlike the nights before: {seen.unlike[0]}{more}",
            code="C125", unless=("--drift", "warn"),
            help="look at the files; if they are right, run again with --drift warn",
        )  # fmt: skip


def too_old(seen: Foresight) -> bool:
    """Whether so many orders of long ago are new that this looks like an import of the past."""
    old = sum(seen.old.values())
    return old >= OLD_ORDERS and old > OLD_SHARE * seen.to_send


def old_words(seen: Foresight) -> str:
    """Say how many orders of long ago would go out as new ones."""
    old = sum(seen.old.values())
    are, carry, these = ("is", "carries", "this customer")
    if old != 1:
        are, carry, these = ("are", "carry", "these customers")
    return (
        f"{old:,} of {counted(seen.to_send, 'order')} to send {are} new, older than {OLD.days} days and "
        f"{carry} an e-mail address: parcelLab may write to {these}"
    )


def cautions(seen: Foresight, options: Options) -> list[str]:
    """What a person should know before this is sent, beside what the report says of the files."""
    if options.backfill:
        return [backfill_words(seen)] if seen.to_send else []
    if not seen.old or options.old_orders == "off":
        return []
    return [f"{old_words(seen)}; import orders of the past with `--backfill`"]


def backfill_words(seen: Foresight) -> str:
    """Say whom a backfill could reach."""
    said = (
        f"{seen.mailed:,} of {counted(seen.to_send, 'order')} to send carry a real e-mail address"
    )
    if not seen.untracked:
        return f"{said}; all have trackings, with notifications_inactive"
    return (
        f"{said}; {seen.untracked:,} have no tracking, and nothing in these keeps parcelLab silent"
    )


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
