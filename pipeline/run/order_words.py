"""The history of one order in words for people, and as a document for programs."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from pipeline.model.rules import RULES
from pipeline.report.readback import KINDS
from pipeline.report.visible import WORDS_CUT, visible
from pipeline.run.order_history import OrderHistory, Visit

_PLACES_SHOWN = 12
_HASH = 12  # characters that are shown


def in_words(history: OrderHistory, zone: tzinfo) -> str:
    """The history for a person, oldest run first, the next step at the end."""
    lines = [f"order {visible(history.order_number)}, account {history.account} at {history.host}"]
    for visit in history.visits:
        lines += ["", *_visit_lines(visit, zone)]
    lines += ["", *_standing(history, zone), f"next        {history.next_step}"]
    return "\n".join(lines) + "\n"


def _visit_lines(visit: Visit, zone: tzinfo) -> Iterator[str]:
    seen = visit.seen
    answer = f", HTTP {seen.status}" if seen.status else ""
    tried = f", {seen.attempts} attempt{'' if seen.attempts == 1 else 's'}" if seen.attempts else ""
    cause = f" [{seen.code}]" if seen.code else ""
    yield f"{seen.started_at.astimezone(zone):%Y-%m-%d %H:%M}  run {seen.run} ({visit.state})"
    yield f"  {seen.outcome.replace('_', ' ')}{cause}{answer}{tried}"
    if visit.folder:
        more = len(visit.places) - _PLACES_SHOWN
        rows = [visible(each) for each in visit.places[:_PLACES_SHOWN]]
        yield f"  rows      {', '.join(rows) or 'none'}{f' and {more} more' if more > 0 else ''}"
    else:
        yield "  rows      not known any more: the folder of this run has been removed"
    for name, sha256 in visit.mappings:
        yield f"  mapping   {visible(name)} {sha256}"
    if seen.content_sha256:
        yield f"  payload   {seen.content_sha256[:_HASH]}"
    yield from _what_was_said(visit, zone)


def _what_was_said(visit: Visit, zone: tzinfo) -> Iterator[str]:
    """Findings before sending, tries, answers, and what was read back."""
    seen = visit.seen
    for code, where, column in visit.findings:
        yield f"  finding   {code} {RULES[code].title if code in RULES else ''}  {visible(column)}  {visible(where)}".rstrip()
    for each in seen.tries:
        yield f"  attempt   {each.n} at {each.at.astimezone(zone):%H:%M:%S}: {visible(each.what, limit=WORDS_CUT)}"
    for kind, outcome in seen.mutations:
        yield f"  change    {kind} {outcome.replace('_', ' ')}"
    for said in seen.answers:
        about = f"{visible(said.attr)}: " if said.attr else ""
        yield f"  parcelLab {said.code} {about}{visible(said.detail, limit=WORDS_CUT)}"
    if visit.read_back_at is not None:
        at = f"{visit.read_back_at.astimezone(zone):%Y-%m-%d %H:%M}"
        if not seen.read_back:
            yield f"  read back {at}: as it was told"
        for found in seen.read_back:
            field = visible(found.field) or "the whole order"
            yield f"  read back {at}: {field} {KINDS[found.kind]}"


def _standing(history: OrderHistory, zone: tzinfo) -> Iterator[str]:
    """How things are now: what the ledger knows of the order, and whether it is missing."""
    for item in history.items:
        since = f"since {item.opened_at.astimezone(zone):%Y-%m-%d} (run {item.opened_run})"
        if item.closed_at is None:
            yield f"open item   {item.code} {since}, missing in {item.runs} run{'' if item.runs == 1 else 's'}"
        else:
            by = f"run {item.closed_run}" if item.closed_run else "by hand"
            at = f"{item.closed_at.astimezone(zone):%Y-%m-%d %H:%M}"
            yield f"was open    {item.code} {since}, closed {at}, {by}: {visible(item.reason or '', limit=WORDS_CUT)}"
    known = history.known
    if known is None:
        yield "parcelLab   has never confirmed this order to this ledger"
    else:
        how = "confirmed" if known.fully_applied else "not wholly confirmed"
        yield (
            f"parcelLab   {how}: payload {known.content_sha256[:_HASH]}, last told "
            f"{known.updated_at.astimezone(zone):%Y-%m-%d %H:%M}"
            + (f", external id {visible(known.external_id)}" if known.external_id else "")
        )


def as_document(history: OrderHistory) -> dict[str, object]:
    """The history for programs; times are in UTC."""
    known = history.known
    return {
        "order_number": history.order_number, "account": history.account, "host": history.host,
        "runs": [_visit_document(each) for each in history.visits],
        "open_items": [
            {"code": each.code, "opened_run": each.opened_run, "opened_at": each.opened_at.isoformat(),
             "runs": each.runs, "closed_run": each.closed_run,
             "closed_at": each.closed_at.isoformat() if each.closed_at else None, "reason": each.reason}
            for each in history.items
        ],
        "known": None if known is None else {
            "payload_sha256": known.content_sha256, "fully_applied": known.fully_applied,
            "external_id": known.external_id, "told_at": known.updated_at.isoformat(),
        },
        "next": history.next_step,
    }  # fmt: skip


def _visit_document(visit: Visit) -> dict[str, object]:
    seen = visit.seen
    return {
        "run": seen.run, "started_at": seen.started_at.isoformat(), "state": visit.state,
        "outcome": seen.outcome, "code": seen.code, "status": seen.status,
        "attempts": seen.attempts, "payload_sha256": seen.content_sha256,
        "mappings": [{"name": name, "sha256": sha256} for name, sha256 in visit.mappings],
        "folder": visit.folder, "rows": list(visit.places),
        "findings": _named(("code", "place", "column"), visit.findings),
        "failed_attempts": [
            {"n": each.n, "at": each.at.isoformat(), "what": each.what} for each in seen.tries
        ],
        "mutations": _named(("type", "outcome"), seen.mutations),
        "answers": [
            {"code": each.code, "attr": each.attr, "status": each.status, "detail": each.detail}
            for each in seen.answers
        ],
        "read_back_at": visit.read_back_at.isoformat() if visit.read_back_at else None,
        "read_back": [
            {"field": each.field or None, "kind": each.kind.value} for each in seen.read_back
        ],
    }  # fmt: skip


def _named(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    return [dict(zip(names, row, strict=True)) for row in rows]
