"""The report for machines: summary.json, the same numbers as the page, never a raw value."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal

import orjson

from pipeline.report.causes import Cause
from pipeline.report.foretold import as_document as foretold_document
from pipeline.report.history import History
from pipeline.report.readback import as_document as read_back_document
from pipeline.report.summary import Summary, lifecycle_of
from pipeline.report.totals import RowTotals
from pipeline.report.traffic import traffic_numbers

VERSION = 1  # rises when a member changes its meaning or goes away


def as_json(summary: Summary) -> bytes:
    """Write the summary as JSON with deterministic bytes; money is a string, times have an offset."""
    return orjson.dumps(as_document(summary), default=_plain, option=orjson.OPT_INDENT_2) + b"\n"


def as_totals(summary: Summary) -> str:
    """Write what the ledger keeps of a run for ever: the numbers, and nothing that quotes a file.

    `pii = show` puts values into summary.json, which is removed one day; the ledger is not.
    """
    document = as_document(summary)
    kept = {name: each for name, each in document.items() if name not in ("notes", "lost")}
    for name, listed in (("causes", summary.causes.ranked), ("warnings", summary.causes.warnings)):
        kept[name] = [{n: v for n, v in _cause(each).items() if n != "examples"} for each in listed]
    return orjson.dumps(kept, default=_plain).decode()


def as_document(summary: Summary) -> dict[str, object]:
    """Give the summary as a JSON-ready document."""
    facts, totals, causes = summary.facts, summary.totals, summary.causes
    return {
        "version": VERSION,
        "verdict": summary.verdict.value,
        "headline": summary.headline,
        "detail": summary.detail,
        "balances": summary.balances,
        "pii": summary.pii.value,
        "run": {
            "id": facts.run_id,
            "title": facts.title,
            "state": facts.state.value,
            "stop_reason": facts.stop_reason,
            "chosen_by": facts.chosen_by,
            "profile": facts.profile,
            "account": facts.account,
            "production": facts.production,
            "host": facts.host,
            "started_at": facts.started_at,
            "ended_at": facts.ended_at,
            "zone": facts.zone,
            "program": facts.version,
            "mappings": [asdict(each) for each in facts.mappings],
            "settings": dict(facts.settings),
        },
        "traffic": traffic_numbers(facts.traffic),
        "rows": _rows(totals.rows),
        "files": [
            {
                "name": each.name,
                "sha256": source.sha256,
                "size_bytes": source.size_bytes,
                "mapping": source.mapping,
                "rows": _rows(each.rows),
            }
            for each, source in zip(totals.files, facts.files, strict=True)
        ],
        "orders": {**asdict(totals.orders), "ready": totals.orders.ready},
        "mutations": [{**asdict(each), "sent": each.sent} for each in totals.mutations],
        "control_totals": [asdict(each) for each in totals.control],
        "interchanges": [asdict(each) for each in summary.claims],
        "notes": [asdict(each) for each in causes.notes],
        "lost": list(causes.lost),
        "corrected": [asdict(each) for each in facts.corrected],
        "retried": list(facts.retried),
        "checked": list(facts.checked),
        "equations": [
            {
                "left": {"label": each.label, "count": each.left},
                "right": [{"label": label, "count": number} for label, number in each.terms],
                "holds": each.holds,
            }
            for each in totals.balances
        ],
        "failures": list(totals.failures),
        "causes": [
            {**_cause(each), "lifecycle": lifecycle_of(facts, each) or None}
            for each in causes.ranked
        ],
        "warnings": [_cause(each) for each in causes.warnings],
        "owners": [
            {
                "owner": each.owner,
                "rows": each.rows,
                "failed_orders": each.failed_orders,
                "orders": each.orders,
                "causes": [cause.key for cause in each.causes],
            }
            for each in causes.owners
        ],
        "foretold": None if facts.foretold is None else foretold_document(facts.foretold),
        "read_back": None if facts.read_back is None else read_back_document(facts.read_back),
        "history": None if facts.history is None else _history(facts.history),
    }


def _history(history: History) -> dict[str, object]:
    """The nights before in numbers; order numbers stand on the page only."""
    missing, resolved = history.missing, history.resolved
    return {
        "night": history.night,
        "before": history.before,
        "new_causes": history.new_causes,
        "gone_causes": [asdict(each) for each in history.gone],
        "still_missing": {
            "orders": len(missing),
            "seen_again": sum(each.again for each in missing),
            "oldest": min((each.since for each in missing), default=None),
        },
        "resolved": {
            "arrived": sum(each.arrived for each in resolved),
            "closed": sum(not each.arrived for each in resolved),
        },
        "nights": [asdict(each) for each in history.trend],
    }


def _rows(rows: RowTotals) -> dict[str, object]:
    return {**asdict(rows), "rejected": rows.rejected, "skipped": rows.skipped}


def _cause(cause: Cause) -> dict[str, object]:
    """A cause with its examples; the sampled cases are for the page only."""
    document = asdict(cause)
    del document["cases"], document["anchor"]
    return document


def _plain(value: object) -> str:
    if isinstance(value, Decimal | datetime):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in summary.json")
