"""The numbers of a run, the proof that they add up, and the verdict. Pure: tables in, values out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipeline.model.rules import Owner
from pipeline.report.cases import Quoting
from pipeline.report.causes import Cause, Causes, find_causes
from pipeline.report.facts import RunFacts, RunState, RunTables
from pipeline.report.masking import PiiMode
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
    PLAN_ONLY = "PLAN ONLY, NOTHING SENT"
    DOES_NOT_BALANCE = "DOES NOT BALANCE"

    @property
    def symbol(self) -> str:
        """The sign before the word; never the only carrier of the meaning."""
        return _SYMBOLS[self]


_SYMBOLS = {
    Verdict.ALL_IMPORTED: "✔",
    Verdict.WITH_WARNINGS: "⚠",
    Verdict.PARTLY_IMPORTED: "✖",
    Verdict.NOTHING_IMPORTED: "✖",
    Verdict.NOTHING_NEW: "✔",
    Verdict.STOPPED: "⏸",
    Verdict.PLAN_ONLY: "◇",
    Verdict.DOES_NOT_BALANCE: "✖",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All that page, text and mail say about a run; nothing in it is computed again later.

    `headline` is one sentence in orders, `detail` the second line, either may be cut off at the
    end of a mail subject. Values of cells appear masked by `pii`.
    """

    facts: RunFacts
    totals: Totals
    causes: Causes
    verdict: Verdict
    headline: str
    detail: str
    pii: PiiMode

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
    quoting = Quoting({each.index: each.name for each in facts.files}, pii)
    causes = find_causes(tables, quoting, owners or {}, planned=facts.planned)
    totals = count(facts, tables, causes.explained)
    verdict = judge(facts, totals, causes)
    return Summary(
        facts=facts,
        totals=totals,
        causes=causes,
        verdict=verdict,
        headline=_headline(verdict, facts, totals),
        detail=_detail(verdict, facts, totals, causes),
        pii=pii,
    )


def judge(facts: RunFacts, totals: Totals, causes: Causes) -> Verdict:
    """Give the verdict; a contradiction in the totals outweighs everything."""
    orders = totals.orders
    if totals.failures:
        return Verdict.DOES_NOT_BALANCE
    if facts.planned:
        return Verdict.PLAN_ONLY
    if facts.state is RunState.STOPPED:
        return Verdict.STOPPED
    if _open(totals) or orders.partly_applied:
        return Verdict.PARTLY_IMPORTED if orders.arrived else Verdict.NOTHING_IMPORTED
    if not orders.created + orders.updated:
        return Verdict.NOTHING_NEW
    return Verdict.WITH_WARNINGS if causes.warnings else Verdict.ALL_IMPORTED


def counted(number: int, noun: str) -> str:
    """Write a count with its word.

    >>> counted(1, "order"), counted(2051, "row")
    ('1 order', '2,051 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def subject_of(cause: Cause) -> str:
    """What a cause is about: the column to look at, in brackets the API field that it is for."""
    if not cause.column or not cause.target or cause.column == cause.target:
        return cause.column or cause.target
    return f"{cause.column} (for {cause.target})"


def _open(totals: Totals) -> int:
    """Orders not known to be in parcelLab as the files say, and rejected rows."""
    orders = totals.orders
    return orders.missing + orders.out_of_date + orders.unknown + totals.rows.rejected


def _headline(verdict: Verdict, facts: RunFacts, totals: Totals) -> str:
    orders = totals.orders
    seen = counted(orders.seen, "order")
    if verdict is Verdict.DOES_NOT_BALANCE:
        return "The numbers of this run contradict each other; do not rely on them."
    if facts.planned:
        return f"{orders.not_attempted:,} of {seen} would be sent, {orders.held_back:,} held back."
    if not orders.seen:
        keyless = counted(totals.rows.rejected, "row")
        return (
            f"No order could be read; {keyless} rejected."
            if totals.rows.rejected
            else "There was no order in the files."
        )
    return _whereabouts(totals, seen)


def _whereabouts(totals: Totals, seen: str) -> str:
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
    return _present(totals, seen)


def _present(totals: Totals, seen: str) -> str:
    """Say it where every order reached parcelLab, or may have."""
    orders = totals.orders
    if orders.unknown:
        return f"{orders.unknown:,} of {seen} may or may not have arrived in parcelLab."
    if orders.partly_applied:
        return f"{orders.partly_applied:,} of {seen} arrived without all of their changes."
    if totals.rows.rejected:
        return f"{counted(totals.rows.rejected, 'row')} could not be read as part of any order."
    if not orders.created + orders.updated:
        return f"parcelLab already has {'the order' if orders.seen == 1 else f'all {seen}'}."
    return f"{'The order' if orders.seen == 1 else f'All {seen}'} arrived in parcelLab."


def _detail(verdict: Verdict, facts: RunFacts, totals: Totals, causes: Causes) -> str:
    """The second line: what arrived and how, what is unclear, why the run stopped, the worst cause."""
    orders = totals.orders
    parts: list[str] = []
    if verdict is Verdict.DOES_NOT_BALANCE:
        return totals.failures[0].removeprefix("DOES NOT BALANCE: ")
    if facts.stop_reason:
        parts.append(f"stopped: {visible(facts.stop_reason, limit=WORDS_CUT)}")
    if facts.planned:
        parts.append("what only parcelLab can refuse is not known before sending")
    elif orders.arrived:
        parts.append(f"{orders.arrived:,} arrived: {_how_arrived(totals)}")
    if orders.unknown:
        parts.append(f"{orders.unknown:,} unclear")
    if orders.not_attempted and not facts.planned:
        parts.append(f"{orders.not_attempted:,} not tried")
    worst = _worst(causes)
    if worst:
        subject = subject_of(worst)
        parts.append(f"biggest cause: {worst.title}{f': {subject}' if subject else ''}")
    elif causes.warnings:
        parts.append(counted(sum(each.count for each in causes.warnings), "warning"))
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
