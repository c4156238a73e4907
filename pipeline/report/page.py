"""What the page says, piece by piece and ready to print: the template computes nothing.

Every text here is plain; the template escapes it. Widths of bars are whole thousandths.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from pipeline.model.outcomes import SKIPPED_ROWS, OrderOutcome, RowOutcome
from pipeline.model.rules import Severity
from pipeline.report.blocks import BUDGET, ORDER_WORDS
from pipeline.report.cards import Card, cards, note_anchor, shown_by
from pipeline.report.cases import Case
from pipeline.report.causes import Cause, Causes, Unit
from pipeline.report.explorer import Explorer, explorer
from pipeline.report.facts import CorrectedFile, Correcting, RunState
from pipeline.report.foretold import ForetoldTable, lay_out_foretold
from pipeline.report.interchanges import FileClaims
from pipeline.report.masking import PiiMode
from pipeline.report.messages import FileNote
from pipeline.report.past import Badge, Past, badges, lay_out_past
from pipeline.report.pieces import Prose, Subject, breakable, prose, subject
from pipeline.report.readback import ReadBackTable, lay_out_read_back
from pipeline.report.summary import Summary, Verdict, counted, not_chosen, subject_of
from pipeline.report.text import (
    amount,
    beside_edi,
    claim_words,
    duration,
    retry_alone,
    retry_line,
    send_again_line,
    span,
)
from pipeline.report.totals import Balance, RowTotals
from pipeline.report.traffic import traffic_terms
from pipeline.report.visible import WORDS_CUT, visible

FULL = 1000
_CHECKED_SHOWN = 10  # trailers; all of them are in summary.json
_LINE_MAX = 10_000  # characters of what is typed: a retry of many files is long
TOLD_AT_LENGTH = 25  # causes; the rest has a line each
CAUSES_SHOWN = 200  # the rest is one line (REPORT §3)
_SHORT_CUT = 110  # characters of a cause in a line
# The signs of the verdicts as drawings of 16 × 16: not every machine has a font with ⏸ or ◇.
_DRAWINGS = {
    "✔": "M2.5 8.5 6.5 12.5 13.5 3.5",
    "✖": "M3.5 3.5 12.5 12.5M12.5 3.5 3.5 12.5",
    "⚠": "M8 2 14.5 13.5H1.5ZM8 6.5V9.8M8 11.4V11.6",
    "⏸": "M5 3V13M11 3V13",
    "◇": "M8 2 14 8 8 14 2 8Z",
}
_OF_JOINED = (RowOutcome.JOINED, RowOutcome.NOT_NEEDED)
# Numbers of the balance that the list below can show.
_LISTED = {
    "with a problem of their own": RowOutcome.OWN_PROBLEM,
    "held with another row of the order": RowOutcome.HELD,
    "stored, but a change failed": OrderOutcome.PARTLY_APPLIED,
    "refused by parcelLab": OrderOutcome.REFUSED,
    "unclear, no answer": OrderOutcome.UNKNOWN,
    "not tried": OrderOutcome.NOT_ATTEMPTED,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its word, and its part of a bar from `start` on.

    `shows` is what the list of rejected rows is to show of it, as its address says it.
    """

    label: str
    number: str
    tone: str
    start: int = 0
    width: int = 0
    depth: int = 0
    shows: str = ""


@dataclass(frozen=True, slots=True)
class Equation:
    """A balance in words and signs."""

    holds: bool
    text: str
    words: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """One column of "Does it balance?": bars and the equations below them."""

    title: str
    bars: tuple[Figure, ...]
    equations: tuple[Equation, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One cause as the page shows it; `listed` says how many of its cases follow.

    `shows` and `shows_held` are what the list is to show for its two numbers, "" for warnings.
    """

    cause: Cause
    shows: str
    shows_held: str
    subject: Subject
    amount: str
    held: str
    orders: str
    fix: Prose
    why: Prose
    listed: str
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class ShortGroup:
    """One cause of many in a line; `fix` stands at the first of those that have the same."""

    cause: Cause
    shows: str
    text: str
    orders: str
    amount: str
    held: str
    place: str
    fix: Prose


@dataclass(frozen=True, slots=True)
class Note:
    """Something about a file: `tone` "bad" where something is missing, `more` counts the like."""

    anchor: str
    note: FileNote
    tone: str
    more: str
    unknown: str
    fix: Prose
    why: Prose


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What an EDI file declares: per kind whether it holds (✔, ✖; "": not declared), and the numbers."""

    name: str
    interchanges: str
    declared: tuple[tuple[str, str], ...]
    fate: tuple[str, ...]
    acks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """A file with what is to be corrected, beside the page; `kind` is that of `CorrectedFile`."""

    href: str
    name: str
    amount: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The whole page."""

    title: str
    drawing: str
    verdict: str
    tone: str
    headline: str
    detail: str
    run_title: str
    environment: str
    production: bool
    pii_note: str
    facts: tuple[tuple[str, str], ...]
    figures: tuple[Figure, ...]
    cards: tuple[Card, ...]
    corrections: tuple[Correction, ...]
    retry_command: str
    beside_edi: str
    again: str
    advice: str
    retry_alone: str
    send_again: str
    resume: str
    planned: bool
    warnings_open: bool
    ledgers: tuple[Ledger, ...]
    proofs: tuple[Equation, ...]
    control: tuple[tuple[str, ...], ...]
    control_notes: tuple[str, ...]
    aside: bool
    claims: tuple[Claims, ...]
    claims_kinds: tuple[str, ...]
    claims_aside: bool
    notes: tuple[Note, ...]
    notes_lead: str
    mutations: tuple[tuple[str | tuple[str, ...], ...], ...]
    groups: tuple[Group, ...]
    short_groups: tuple[ShortGroup, ...]
    groups_left: tuple[str, str]
    rejected: tuple[Group, ...]
    rejected_note: str
    answers: tuple[Group, ...]
    answers_note: str
    warnings: tuple[Group, ...]
    warnings_amount: str
    explorer: Explorer | None
    files: tuple[tuple[str, ...], ...]
    settings: tuple[tuple[str, str], ...]
    badges: Mapping[str, Badge]
    past: Past | None
    foretold: ForetoldTable | None
    read_back: ReadBackTable | None
    index: str


def lay_out(summary: Summary, budget: int = BUDGET) -> Page:
    """Write everything the page shows; its list takes `budget` bytes at most."""
    facts, totals, causes = summary.facts, summary.totals, summary.causes
    groups = tuple(_group(each) for each in causes.ranked[:TOLD_AT_LENGTH])
    rejected = tuple(each for each in groups if each.cause.unit is Unit.ROWS and each.cases)
    answers = tuple(each for each in groups if each.cause.unit is Unit.ORDERS and each.cases)
    warnings = tuple(_group(each) for each in causes.warnings)
    kinds = _claims_kinds(summary.claims)
    return Page(
        title=f"{summary.verdict.symbol} {summary.verdict}: {visible(facts.title)}, "
        f"{visible(facts.run_id)}",
        drawing=_DRAWINGS[summary.verdict.symbol],
        verdict=summary.verdict.value,
        tone=summary.verdict.tone,
        headline=summary.headline,
        detail=summary.detail,
        run_title=visible(facts.title),
        environment="PRODUCTION" if facts.production else "Sandbox",
        production=facts.production,
        pii_note=_pii_note(summary.pii),
        facts=_facts(summary),
        figures=_figures(summary),
        cards=cards(causes),
        corrections=tuple(_correction(each) for each in facts.corrected),
        retry_command=visible(
            retry_line(facts, facts.rejected_folder or "rejected"), limit=_LINE_MAX
        ),
        beside_edi=beside_edi(facts),
        again=visible(facts.again, limit=_LINE_MAX),
        advice="" if facts.again else visible(facts.advice, limit=_LINE_MAX),
        retry_alone=retry_alone(totals.orders.not_attempted)
        if facts.advice and totals.orders.not_attempted
        else "",
        send_again=visible(send_again_line(summary), limit=_LINE_MAX),
        resume=visible(
            facts.resume_command if facts.state is RunState.STOPPED else "", limit=_LINE_MAX
        ),
        planned=facts.planned,
        warnings_open=summary.verdict is Verdict.WITH_WARNINGS,
        ledgers=(_row_ledger(summary), _order_ledger(summary)),
        proofs=tuple(_equation(each) for each in totals.further_balances),
        control=tuple(
            (
                each.name if each.unit in ("lines", "parcels") else f"{each.name} {each.unit}",
                *(
                    amount(number, each.unit)
                    for number in (each.in_files, each.arrived, each.set_aside, each.open)
                ),
            )
            for each in totals.control
            if each.in_files or not any(each.in_files for each in totals.control)
        ),
        control_notes=_control_notes(summary),
        aside=any(each.set_aside for each in totals.control),
        claims=tuple(_claims(each, kinds) for each in summary.claims),
        claims_kinds=tuple(kind.capitalize() for kind in kinds),
        claims_aside=any(each.acks for each in summary.claims),
        notes=tuple(_note(number, each) for number, each in enumerate(causes.notes, start=1)),
        notes_lead=_notes_lead(causes),
        mutations=tuple(
            (
                breakable(each.type),
                *(f"{number:,}" for number in (each.sent, each.succeeded, each.failed)),
                f"{each.unknown:,}",
                f"{each.not_attempted:,}",
            )
            for each in totals.mutations
        ),
        groups=groups,
        short_groups=_short_groups(causes.ranked),
        groups_left=_groups_left(causes.ranked[CAUSES_SHOWN:]),
        rejected=rejected,
        rejected_note=_rejected_note(totals.rows, rejected),
        answers=answers,
        answers_note=_shown_of(answers, "order"),
        warnings=warnings,
        warnings_amount=_warnings_amount(causes.warnings),
        explorer=explorer(summary, budget),
        files=_files(summary),
        settings=(
            ("Run", visible(facts.run_id)),
            ("Profile", visible(facts.profile)),
            ("Program", f"pipeline {facts.version}"),
            *((visible(name), visible(value)) for name, value in facts.settings),
            *traffic_terms(facts.traffic),
        ),
        badges=badges(causes, facts.history),
        past=lay_out_past(facts.history),
        foretold=lay_out_foretold(facts.foretold),
        read_back=lay_out_read_back(facts.read_back, facts.zone),
        index=facts.index if facts.history else "",
    )


def _correction(file: CorrectedFile) -> Correction:
    unit = "message" if file.kind is Correcting.MESSAGES else "row"
    orders = f" of {counted(file.orders, 'order')}" if file.orders else ""
    return Correction(
        f"rejected/{quote(file.name)}",
        visible(file.name),
        counted(file.units, unit) + orders,
        file.kind.value,
    )


def _facts(summary: Summary) -> tuple[tuple[str, str], ...]:
    facts = summary.facts
    files = ", ".join(visible(each.name) for each in facts.files[:2])
    more = len(facts.files) - 2
    return (
        ("Run", visible(facts.run_id)),
        ("Account", f"{visible(facts.account)} at {visible(facts.host)}"),
        (
            "Time",
            f"{span(facts.started_at, facts.ended_at, facts.zone)}, "
            f"took {duration(facts.ended_at - facts.started_at)}",
        ),
        (
            "Files" if len(facts.files) != 1 else "File",
            (files or "none") + (f" and {more:,} more" if more > 0 else ""),
        ),
        (
            "Mapping",
            ", ".join(f"{visible(each.name)}@{each.short_hash}" for each in facts.mappings),
        ),
        *(
            (("Retry", " ".join(visible(each, limit=WORDS_CUT) for each in facts.retried)),)
            if facts.retried
            else ()
        ),
        *(
            (
                (
                    "Trailer",
                    "; ".join(
                        visible(each, limit=WORDS_CUT) for each in facts.checked[:_CHECKED_SHOWN]
                    ),
                ),
            )
            if facts.checked
            else ()
        ),
    )


def _figures(summary: Summary) -> tuple[Figure, ...]:
    """Where every order is now, as parts of one bar."""
    orders = summary.totals.orders
    chosen = ("not chosen", orders.not_chosen, "quiet")
    if summary.facts.unsent:
        parts = [
            (_untried(summary), orders.not_attempted, "plan"),
            ("unchanged", orders.unchanged, "good"),
            ("held back", orders.held_back, "bad"),
            (
                "set aside" if orders.left_alone else "with nothing to send",
                orders.set_aside,
                "quiet",
            ),
            chosen,
        ]
    else:
        parts = [
            ("arrived", orders.arrived, "good"),
            ("missing", orders.missing, "bad"),
            ("out of date", orders.out_of_date, "warn"),
            ("unclear", orders.unknown, "plan"),
            ("set aside", orders.set_aside, "quiet"),
            chosen,
        ]
    figures, start = [], 0
    for at, (label, number, tone) in enumerate(parts):
        if not number and at > 1:
            continue
        width = _share(number, orders.seen)
        figures.append(Figure(label, f"{number:,}", tone, start, width))
        start += width
    return tuple(figures)


def _warnings_amount(causes: Sequence[Cause]) -> str:
    """How many warnings of rows and orders there are, and how many notes of what was asked for."""
    notes = sum(each.count for each in causes if each.severity is Severity.INFO)
    warnings = sum(each.count for each in causes) - notes
    parts = [(warnings, "warning"), (notes, "note")]
    return ", ".join(counted(number, what) for number, what in parts if number)


def _untried(summary: Summary) -> str:
    """What the page calls the orders that were not tried."""
    if summary.facts.planned:
        return "would be sent"
    return "not sent" if summary.facts.unsent else "not tried"


def _row_ledger(summary: Summary) -> Ledger:
    rows = summary.totals.rows
    parts = [
        ("Rows read", rows.read, "plain", 0),
        ("accepted", rows.accepted, "good", 1),
        ("rejected", rows.rejected, "bad", 1),
        ("with a problem of their own", rows.own_problem, "bad", 2),
        ("held with another row of the order", rows.held, "bad", 2),
        ("skipped", rows.skipped, "quiet", 1),
        *(
            (outcome.value.replace("_", " "), getattr(rows, outcome), "quiet", 2)
            for outcome in SKIPPED_ROWS
            # of files that are joined to others, and most runs have none
            if outcome not in _OF_JOINED or getattr(rows, outcome)
        ),
    ]
    return Ledger("Rows", _bars(parts, rows.read), (_equation(summary.totals.main_balances[0]),))


def _order_ledger(summary: Summary) -> Ledger:
    orders = summary.totals.orders
    parts = [
        ("Orders in the files", orders.seen, "plain", 0),
        ("ready to send", orders.ready, "plain", 1),
        ("created", orders.created, "good", 2),
        ("updated", orders.updated, "good", 2),
        ("unchanged, not sent", orders.unchanged, "good", 2),
        ("stored, but a change failed", orders.partly_applied, "warn", 2),
        ("refused by parcelLab", orders.refused, "bad", 2),
        ("unclear, no answer", orders.unknown, "plan", 2),
        (_untried(summary), orders.not_attempted, "plan", 2),
        ("superseded", orders.superseded, "quiet", 2),
        *(
            [("existed already, left alone", orders.left_alone, "quiet", 2)]
            if orders.left_alone
            else []
        ),
        ("held back", orders.held_back, "bad", 1),
        ("nothing to send", orders.nothing_to_send, "quiet", 1),
    ]
    if orders.not_chosen:
        parts.append((not_chosen(summary.facts, summary.totals).partition(" ")[2],
                      orders.not_chosen, "quiet", 1))  # fmt: skip
    # of a plan, every order is still missing: that equation says nothing yet
    equations = summary.totals.main_balances[1 : 2 if summary.facts.planned else None]
    return Ledger(
        "Orders",
        _bars(parts, orders.seen),
        tuple(_equation(each) for each in equations),
    )


def _bars(parts: Iterable[tuple[str, int, str, int]], whole: int) -> tuple[Figure, ...]:
    """Bars for the parts; those of the second depth only where there is something."""
    return tuple(
        Figure(
            label, f"{number:,}", tone, 0, _share(number, whole), depth,
            f"what={_LISTED[label]}" if number and label in _LISTED else "",
        )
        for label, number, tone, depth in parts
        if number or depth < 2
    )  # fmt: skip


def _share(number: int, whole: int) -> int:
    """Thousandths, at least 4 of them for what is not zero, so that it can be seen."""
    if not number or not whole:
        return 0
    return max(4, min(FULL, number * FULL // whole))


def _equation(balance: Balance) -> Equation:
    words = " + ".join(f"{count:,} {label}" for label, count in balance.terms if count)
    sign = "=" if balance.holds else "≠"
    return Equation(
        balance.holds,
        str(balance),
        f"{balance.left:,} {balance.label} {sign} {words or 0}",
    )


def _group(cause: Cause) -> Group:
    word = cause.unit.value[:-1]
    shown = sum(each.rows for each in cause.cases)
    listed = cause.anchor[0] != "w"
    held = {"cause": cause.anchor, "what": RowOutcome.HELD.value}
    return Group(
        cause=cause,
        shows=shown_by(cause) if listed else "",
        shows_held=urlencode(held) if listed and cause.held else "",
        subject=subject(cause),
        amount=counted(cause.count, word),
        held=f"+ {counted(cause.held, 'row')} held with {'it' if cause.count == 1 else 'them'}"
        if cause.held
        else "",
        orders=_orders(cause),
        fix=prose(cause.fix),
        why=prose(cause.why),
        listed=counted(shown, word)
        if shown == cause.count
        else f"showing {shown:,} of {counted(cause.count, word)}",
        cases=tuple(_worded(each) for each in cause.cases),
    )


def _short_groups(ranked: Sequence[Cause]) -> tuple[ShortGroup, ...]:
    """The causes that are told in a line each."""
    told = {each.fix for each in ranked[:TOLD_AT_LENGTH]}
    made = []
    for each in ranked[TOLD_AT_LENGTH:CAUSES_SHOWN]:
        about = " ".join(filter(None, (subject_of(each), each.words)))
        orders = _orders(each)
        made.append(
            ShortGroup(
                cause=each,
                shows=urlencode({"cause": each.anchor}),
                text=visible(f"{each.title}{': ' if about else ''}{about}", limit=_SHORT_CUT),
                orders=f"{orders}," if orders else "",
                amount=counted(each.count, each.unit.value[:-1]),
                held=f", {each.held:,} more held" if each.held else "",
                place=each.examples[0].place if each.examples else "",
                fix=() if each.fix in told else prose(each.fix),
            )
        )
        told.add(each.fix)
    return tuple(made)


def _groups_left(causes: Sequence[Cause]) -> tuple[str, str]:
    """How many causes are left, and what they count in all; "" for none."""
    if not causes:
        return "", ""
    rows = sum(each.count for each in causes if each.unit is Unit.ROWS)
    held = sum(each.held for each in causes)
    orders = sum(each.count for each in causes if each.unit is Unit.ORDERS)
    parts = [
        counted(rows, "row") if rows else "",
        f"{held:,} more held" if held else "",
        counted(orders, "failed order") if orders else "",
    ]
    return counted(len(causes), "more cause"), ", ".join(filter(None, parts))


def _worded(case: Case) -> Case:
    """A case with its outcome in words."""
    return replace(case, outcome=ORDER_WORDS[OrderOutcome(case.outcome)]) if case.outcome else case


def _orders(cause: Cause) -> str:
    """How many orders wait for rows; "" where orders are what is counted, or where none is known."""
    return counted(cause.orders, "order") if cause.unit is Unit.ROWS and cause.orders else ""


def _rejected_note(rows: RowTotals, groups: tuple[Group, ...]) -> str:
    shown = sum(case.rows for each in groups for case in each.cases)
    note = f"Showing {shown:,} of {counted(rows.own_problem, 'row')} with a problem of their own"
    if rows.held:
        note += f"; {counted(rows.held, 'row')} held with them"
    if any(case.message for each in groups for case in each.cases):
        note += ". An error of an EDI message is shown once for all of its rows"
    return f"{note}. All {counted(rows.rejected, 'rejected row')} with their values are in"


def _shown_of(groups: tuple[Group, ...], word: str) -> str:
    shown = sum(len(each.cases) for each in groups)
    whole = sum(each.cause.count for each in groups)
    return f"Showing {shown:,} of {counted(whole, word)}."


def _pii_note(mode: PiiMode) -> str:
    return {
        PiiMode.MASK: "",
        PiiMode.SHOW: "This page shows personal data unmasked (pii = show). Do not pass it on.",
        PiiMode.NONE: "Values of cells are not shown (pii = none).",
    }[mode]


def _control_notes(summary: Summary) -> tuple[str, ...]:
    """What the control totals leave out."""
    without = next((each.without for each in summary.totals.control if each.without), 0)
    verb = "has" if without == 1 else "have"
    notes = [f"{counted(without, 'order')} {verb} no order value and add nothing to it."] * bool(
        without
    )
    for first, words in (("E", "of rejected EDI messages"), ("R1", "that could not be read")):
        rows = sum(each.count for each in summary.causes.rows if each.code.startswith(first))
        if rows:
            verb = "adds" if rows == 1 else "add"
            notes.append(f"{counted(rows, 'row')} {words} {verb} nothing to them.")
    return tuple(notes)


def _claims_kinds(every: Iterable[FileClaims]) -> tuple[str, ...]:
    """What any of the files declares."""
    return tuple(
        dict.fromkeys(
            n for each in every for n, claim in each.declared.items() if claim is not None
        )
    )


def _claims(each: FileClaims, kinds: Sequence[str]) -> Claims:
    return Claims(
        name=visible(each.name),
        interchanges=f"{each.interchanges:,}",
        declared=tuple(
            ("✔" if claim.holds else "✖", claim_words(claim)) if claim is not None else ("", "–")
            for name, claim in each.declared.items()
            if name in kinds
        ),
        fate=tuple(f"{number:,}" for number in (each.accepted, each.rejected, each.not_read)),
        acks=tuple(visible(name) for name in each.acks),
    )


def _note(number: int, each: FileNote) -> Note:
    error = each.severity is Severity.ERROR
    return Note(
        anchor=note_anchor(number),
        note=each,
        tone="bad" if each.lost else "plain" if error else "warn",
        more=f"and {each.count - 1:,} more in this file" if each.count > 1 else "",
        unknown=f"{each.lost}: what was in it is unknown." if each.lost else "",
        fix=prose(each.fix),
        why=prose(each.why),
    )


def _notes_lead(causes: Causes) -> str:
    lead = "What is odd about a file as a whole, or belongs to no row."
    if causes.lost:
        lead += " Something is missing here that no number on this page can count."
    return lead


def _files(summary: Summary) -> tuple[tuple[str, ...], ...]:
    by_index = {each.index: each for each in summary.totals.files}
    return tuple(
        (
            visible(each.name),
            *(
                f"{number:,}"
                for number in (
                    by_index[each.index].rows.read,
                    by_index[each.index].rows.accepted,
                    by_index[each.index].rows.rejected,
                    by_index[each.index].rows.skipped,
                    each.size_bytes,
                )
            ),
            visible(each.mapping),
            each.sha256[:12],
        )
        for each in summary.facts.files
    )
