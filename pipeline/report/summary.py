"""The numbers of a run, the proof that they add up, and the verdict. Pure: tables in, values out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import polars as pl

from pipeline.model.origin import FILE, LINE
from pipeline.model.rules import Owner, Severity
from pipeline.report.cases import Quoting
from pipeline.report.causes import Cause, Causes, Unit, find_causes
from pipeline.report.facts import RunFacts, RunState, RunTables
from pipeline.report.history import History, length
from pipeline.report.interchanges import FileClaims, claims
from pipeline.report.masking import PiiMode
from pipeline.report.messages import OF_WHOLE_FILES
from pipeline.report.totals import Totals, count
from pipeline.report.visible import WORDS_CUT, visible


class Verdict(StrEnum):
    """The word that stands first in page, title, text and mail (REPORT §4)."""

    ALL_IMPORTED = "ALL IMPORTED"
    WITH_WARNINGS = "IMPORTED WITH WARNINGS"
    PARTLY_IMPORTED = "PARTLY IMPORTED"
    NOTHING_IMPORTED = "NOTHING IMPORTED"
    NOTHING_NEW = "NOTHING NEW"
    STOPPED = "STOPPED, CAN RESUME"
    NOT_SENT = "STOPPED BEFORE SENDING"
    PLAN_ONLY = "PLAN ONLY, NOTHING SENT"
    DOES_NOT_BALANCE = "DOES NOT BALANCE"

    @property
    def symbol(self) -> str:
        """The sign before the word; never the only carrier of the meaning."""
        return _SYMBOLS[self]

    @property
    def tone(self) -> str:
        """The class of its colours on every page: good, warn, bad or plan."""
        return _TONES[self]


_LEFT_OUT, _IMPORTED = "R110", "R122"

_SYMBOLS = {
    Verdict.ALL_IMPORTED: "✔",
    Verdict.WITH_WARNINGS: "⚠",
    Verdict.PARTLY_IMPORTED: "✖",
    Verdict.NOTHING_IMPORTED: "✖",
    Verdict.NOTHING_NEW: "✔",
    Verdict.STOPPED: "⏸",
    Verdict.NOT_SENT: "⏸",
    Verdict.PLAN_ONLY: "◇",
    Verdict.DOES_NOT_BALANCE: "✖",
}
_TONES = {
    Verdict.ALL_IMPORTED: "good",
    Verdict.NOTHING_NEW: "good",
    Verdict.WITH_WARNINGS: "warn",
    Verdict.PARTLY_IMPORTED: "bad",
    Verdict.NOTHING_IMPORTED: "bad",
    Verdict.DOES_NOT_BALANCE: "bad",
    Verdict.STOPPED: "warn",
    Verdict.NOT_SENT: "warn",
    Verdict.PLAN_ONLY: "plan",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All that page, text and mail say about a run; nothing in it is computed again later.

    `headline` is one sentence in orders, `detail` the second line, either may be cut off at the
    end of a mail subject. Values of cells appear masked by `pii`. `claims` are what EDI files
    declare. `left_out` counts the lines of files that are no rows, one line of text for each file;
    `skipped` files were not read again, for they were imported before.
    """

    facts: RunFacts
    totals: Totals
    causes: Causes
    verdict: Verdict
    headline: str
    detail: str
    pii: PiiMode
    claims: tuple[FileClaims, ...] = ()
    left_out: tuple[str, ...] = ()
    skipped: int = 0

    @property
    def balances(self) -> bool:
        """Every equation holds. Where it does not, the run ends with exit code 1."""
        return not self.totals.failures


def summarise(
    facts: RunFacts,
    tables: RunTables,
    *,
    owners: Mapping[str, str] | None = None,
    pii: PiiMode = PiiMode.MASK,
) -> Summary:
    """Count the run, group its problems by cause and judge it.

    Totals that contradict each other do not raise here: they are the verdict, so that a report is
    written in any case. `Summary.totals.check()` raises.

    Args:
        facts: what is known of the run besides its tables.
        tables: the outcome tables, with the schemas of `pipeline.model.outcomes`.
        owners: who fixes what, where it differs from the rules: "A401:courier" → a name.
        pii: how much of the values is shown.
    """
    names = {each.index: each.name for each in facts.files} | dict(facts.missing)
    quoting = Quoting(names, pii, facts.paths)
    causes = find_causes(facts, tables, quoting, owners or {})
    totals = count(facts, tables, causes.explained)
    verdict = judge(facts, totals, causes)
    return Summary(
        facts=facts,
        totals=totals,
        causes=causes,
        verdict=verdict,
        headline=_headline(verdict, facts, totals, causes) + lost_words(causes),
        claims=claims(
            facts.files, facts.interchanges, tables.messages, tables.findings, facts.lines
        ),
        detail=_detail(verdict, facts, totals, causes),
        pii=pii,
        left_out=tuple(_lines_left_out(tables, names)),
        skipped=_skipped(tables),
    )


def _lines_left_out(tables: RunTables, names: Mapping[int, str]) -> Iterator[str]:
    """Say of each file which of its lines are no rows; counts and our words only."""
    found = (
        tables.findings.lazy().filter(pl.col("code") == _LEFT_OUT)
        .select(FILE, LINE, pl.format("{} {}", "value", "detail").alias("says"))
        .sort(FILE, LINE).group_by(FILE, maintain_order=True).agg("says").collect()
    )  # fmt: skip
    for file, says in found.iter_rows():
        yield f"{visible(names.get(file, f'file {file}'))}: {', '.join(says)} left out"


def _skipped(tables: RunTables) -> int:
    """Count the files that were left out because they were imported before; others of these were read."""
    imported = tables.findings.lazy().filter(pl.col("code") == _IMPORTED)
    skipped = imported.filter(pl.col("detail").str.starts_with("skipped"))
    number: int = skipped.select(pl.col(FILE).n_unique()).collect().item()
    return number


def with_history(summary: Summary, history: History) -> Summary:
    """Set a run among its nights: what was found is known, how long it has been there is not yet."""
    facts = replace(summary.facts, history=history)
    detail = _detail(summary.verdict, facts, summary.totals, summary.causes)
    return replace(summary, facts=facts, detail=detail)


def lifecycle_of(facts: RunFacts, cause: Cause) -> str:
    """Say how long a cause has been there: "new", "5 nights", "back after 3 weeks"; "" if unknown."""
    known = facts.history.lifecycles.get(cause.key) if facts.history else None
    return known.words if known else ""


def unlike_lines(summary: Summary) -> list[str]:
    """Say what of the files is not as expected or usual, one line each; no value of a cell."""
    return [
        f"{each.file}: {each.title.lower()}: {each.says} [{each.code}]"
        for each in summary.causes.notes
        if each.code in OF_WHOLE_FILES
    ]


def missing_words(history: History) -> str:
    """Say how many orders of earlier nights are missing, and what was resolved; "" for nothing."""
    missing, resolved = history.missing, history.resolved
    parts = []
    if missing:
        oldest = length(max(each.nights for each in missing))
        parts.append(
            f"{counted(len(missing), 'order')} still missing from earlier nights, "
            f"{'' if len(missing) == 1 else 'the oldest '}for {oldest}"
        )
    if resolved:
        parts.append(f"{counted(len(resolved), 'order')} resolved since the last run")
    return "; ".join(parts)


def judge(facts: RunFacts, totals: Totals, causes: Causes) -> Verdict:
    """Give the verdict; a contradiction in the totals outweighs everything."""
    orders = totals.orders
    if totals.failures:
        return Verdict.DOES_NOT_BALANCE
    if facts.planned:
        return Verdict.PLAN_ONLY
    if facts.state is RunState.NOT_SENT:
        return Verdict.NOT_SENT
    if facts.state is RunState.STOPPED:
        return Verdict.STOPPED
    if _open(totals) or orders.partly_applied or causes.lost:
        return Verdict.PARTLY_IMPORTED if orders.arrived else Verdict.NOTHING_IMPORTED
    if not orders.created + orders.updated:
        return Verdict.NOTHING_NEW
    warned = causes.warned or any(each.severity is not Severity.INFO for each in causes.notes)
    return Verdict.WITH_WARNINGS if warned else Verdict.ALL_IMPORTED


def counted(number: int, noun: str) -> str:
    """Write a count with its word.

    >>> counted(1, "order"), counted(2051, "row")
    ('1 order', '2,051 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def extent(orders: int, rows: int) -> str:
    """Count orders, as verdicts do, and in brackets their rows; rows alone where no order is known.

    >>> extent(5, 10), extent(1, 0), extent(0, 10)
    ('5 orders (10 rows)', '1 order', '10 rows')
    """
    if not orders:
        return counted(rows, "row")
    return counted(orders, "order") + (f" ({counted(rows, 'row')})" if rows else "")


def extent_of(cause: Cause) -> str:
    """Say how many orders wait for a cause, and how many rows have it."""
    if cause.unit is Unit.SEGMENTS:
        return counted(cause.count, "segment")
    return (
        extent(cause.count, 0) if cause.unit is Unit.ORDERS else extent(cause.orders, cause.count)
    )


def lost_words(causes: Causes) -> str:
    """Say what is missing of the files without that anybody can count it, as a sentence to add."""
    if not causes.lost:
        return ""
    more = len(causes.lost) - 1
    rest = f", and {counted(more, 'more part')} of the files" if more else ""
    it = "them" if more else "it"
    return f" {causes.lost[0]}{rest}: what was in {it} is unknown."


def subject_of(cause: Cause) -> str:
    """What a cause is about: the column to look at, in brackets the API field that it is for.

    The mapping stands there only where nothing else tells two causes apart; of several paths, the first.
    """
    first, *more = cause.path.split(", ")
    path = f"{first}, …" if more else first
    column = f"{cause.column}, {path}" if path else cause.column
    if not cause.column or not cause.target or cause.column == cause.target:
        about = column or cause.target
    else:
        about = f"{column} (for {cause.target})"
    if not cause.apart:
        return about
    return f"{about}, mapping {cause.apart}" if about else f"mapping {cause.apart}"


def _open(totals: Totals) -> int:
    """Orders not known to be in parcelLab as the files say, and rejected rows."""
    orders = totals.orders
    return orders.missing + orders.out_of_date + orders.unknown + totals.rows.rejected


def _headline(verdict: Verdict, facts: RunFacts, totals: Totals, causes: Causes) -> str:
    orders = totals.orders
    seen = counted(orders.seen, "order")
    if verdict is Verdict.DOES_NOT_BALANCE:
        return "The numbers of this run contradict each other; do not rely on them."
    if facts.planned:
        rest = _left_out(facts, totals)
        return f"{orders.not_attempted:,} of {seen} would be sent, {orders.held_back:,} held back{rest}."
    if facts.state is RunState.NOT_SENT:
        return (
            f"Nothing was sent: {orders.not_attempted:,} of {seen} were ready, "
            f"{orders.held_back:,} held back{_left_out(facts, totals)}."
        )
    if not orders.seen and causes.lost:
        return "No order could be read."
    if not orders.seen:
        keyless = counted(totals.rows.rejected, "row")
        return (
            f"No order could be read; {keyless} rejected."
            if totals.rows.rejected
            else "There was no order in the files."
        )
    return _whereabouts(facts, totals, seen)


def not_chosen(facts: RunFacts, totals: Totals) -> str:
    """Say how many orders an option left out, and which option; "" when none.

    Such an order is neither missing nor arrived: a person wanted it so.
    """
    number = totals.orders.not_chosen
    by = f" ({visible(facts.chosen_by, limit=WORDS_CUT)})" if facts.chosen_by else ""
    return f"{number:,} not chosen{by}" if number else ""


def _left_out(facts: RunFacts, totals: Totals) -> str:
    """What else became of the orders of a run that sent nothing, so that its numbers add up."""
    unchanged = totals.orders.unchanged
    done = [f"{unchanged:,} already delivered"] if unchanged else []
    return "".join(f", {words}" for words in (*done, *_settled(facts, totals)))


def _whereabouts(facts: RunFacts, totals: Totals, seen: str) -> str:
    """Say how many orders are not in parcelLab as the files say."""
    orders = totals.orders
    absent = orders.missing + orders.out_of_date
    of_seen = f"{absent:,} of {seen}"
    if orders.missing and orders.out_of_date:
        return (
            f"{of_seen} not imported: {orders.missing:,} missing, "
            f"{orders.out_of_date:,} exist but are out of date."
        )
    if orders.missing:
        return f"{of_seen} {'is' if absent == 1 else 'are'} missing in parcelLab."
    if orders.out_of_date:
        verb = "exists but is" if absent == 1 else "exist but are"
        return f"{of_seen} {verb} out of date in parcelLab."
    return _present(facts, totals, seen)


def _present(facts: RunFacts, totals: Totals, seen: str) -> str:
    """Say it where every order reached parcelLab, or may have."""
    orders = totals.orders
    if orders.unknown:
        return f"{orders.unknown:,} of {seen} may or may not have arrived in parcelLab."
    if orders.partly_applied:
        return f"{orders.partly_applied:,} of {seen} arrived without all of their changes."
    if totals.rows.rejected:
        return f"{counted(totals.rows.rejected, 'row')} could not be read as part of any order."
    if not orders.created + orders.updated:
        if orders.unchanged == orders.seen:
            return f"parcelLab already has {'the order' if orders.seen == 1 else f'all {seen}'}."
        return f"{nothing_new(facts, totals).capitalize()}."
    if orders.arrived < orders.seen:
        rest = ", ".join(_settled(facts, totals))
        return f"{orders.arrived:,} of {seen} arrived in parcelLab, {rest}."
    return f"{'The order' if orders.seen == 1 else f'All {seen}'} arrived in parcelLab."


def nothing_new(facts: RunFacts, totals: Totals) -> str:
    """Say why a run that found nothing wrong sent nothing, in orders."""
    orders = totals.orders
    seen = "the order" if orders.seen == 1 else f"all {counted(orders.seen, 'order')}"
    if orders.unchanged == orders.seen:
        return f"{seen} {'was' if orders.seen == 1 else 'were'} already delivered"
    if orders.nothing_to_send == orders.seen:
        return f"{seen} had nothing to send"
    done = f"{orders.unchanged:,} of {counted(orders.seen, 'order')} already delivered"
    return ", ".join([done, *_settled(facts, totals)])


def _settled(facts: RunFacts, totals: Totals) -> list[str]:
    """The orders that are neither in parcelLab by this run nor missing, each kind in words."""
    orders = totals.orders
    alone = "was" if orders.left_alone == 1 else "were"
    said = [
        f"{number:,} {word}"
        for number, word in (
            (orders.nothing_to_send, "had nothing to send"),
            (orders.superseded, "overtaken by a newer run"),
            (orders.left_alone, f"existed already and {alone} left alone"),
        )
        if number
    ]
    left = not_chosen(facts, totals)
    return [*said, left] if left else said


def whereabouts(summary: Summary) -> str:
    """Say in one sentence where all the orders are; what is zero is left out.

    The numbers outside of brackets add up to the orders of the files.
    """
    facts, totals = summary.facts, summary.totals
    orders = totals.orders
    if facts.unsent or not orders.seen:
        return summary.headline
    if summary.verdict is Verdict.NOTHING_NEW:
        return f"{nothing_new(facts, totals)}."
    lost = lost_words(summary.causes)
    of_arrived = ", ".join(
        f"{number:,} {word}"
        for number, word in (
            (orders.unchanged, "already delivered before"),
            (orders.partly_applied, "without all of their changes"),
        )
        if number
    )
    parts = [
        f"{number:,} {word}"
        for number, word in (
            (orders.missing, "missing"),
            (orders.out_of_date, "out of date"),
            (orders.unknown, "unclear"),
        )
        if number
    ]
    arrived = f"{orders.arrived:,} of {counted(orders.seen, 'order')} arrived"
    return (
        ", ".join(
            [arrived + (f" ({of_arrived})" if of_arrived else ""), *parts, *_settled(facts, totals)]
        )
        + f".{lost}"
    )


def _detail(verdict: Verdict, facts: RunFacts, totals: Totals, causes: Causes) -> str:
    """The second line: what arrived and how, what is unclear, why the run stopped, the worst cause."""
    orders = totals.orders
    parts: list[str] = []
    if verdict is Verdict.DOES_NOT_BALANCE:
        return totals.failures[0].removeprefix("DOES NOT BALANCE: ")
    if facts.stop_reason:
        parts.append(f"stopped: {visible(facts.stop_reason, limit=WORDS_CUT)}")
    if facts.state is RunState.NOT_SENT:
        parts.append("the next run of these files begins anew")
    elif facts.planned:
        parts.append("what only parcelLab can refuse is not known before sending")
    elif orders.arrived:
        parts.append(f"{orders.arrived:,} arrived: {_how_arrived(totals)}")
    if orders.unknown:
        parts.append(f"{orders.unknown:,} unclear")
    if orders.not_attempted and not facts.unsent:
        parts.append(f"{orders.not_attempted:,} not tried")
    worst = _worst(causes)
    if worst:
        subject, since = subject_of(worst), lifecycle_of(facts, worst)
        parts.append(
            f"biggest cause: {worst.title}{f': {subject}' if subject else ''}"
            f"{f', {since}' if since else ''}"
        )
    elif causes.warned or causes.notes:
        parts.append(counted(causes.warned, "warning"))
    text = " · ".join(parts)
    return text[:1].upper() + text[1:]


def _how_arrived(totals: Totals) -> str:
    orders = totals.orders
    return ", ".join(
        f"{number:,} {word}"
        for number, word in (
            (orders.created, "created"),
            (orders.updated, "updated"),
            (orders.unchanged, "unchanged and not sent"),
            (orders.partly_applied, "without all of their changes"),
        )
        if number
    )


def _worst(causes: Causes) -> Cause | None:
    """The cause that stands first everywhere; what mends itself is none."""
    fixable = (each for each in causes.ranked if each.owner != Owner.AUTOMATIC.value)
    return next(fixable, None)
