"""The mail of a run: its subject line, and what summary.html says (REPORT §8).

Titles, names of columns, counts and order numbers only: whatever the report shows of values, a
mail shows none. It leaves the house, lies in inboxes for years and is passed on.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from pipeline.model.notice import Letter
from pipeline.model.rules import RULES, Stage
from pipeline.report.causes import Cause
from pipeline.report.facts import RunFacts
from pipeline.report.summary import (
    Summary,
    Verdict,
    counted,
    extent_of,
    lifecycle_of,
    missing_words,
    nothing_new,
    subject_of,
    unlike_lines,
)
from pipeline.report.text import TOP_CAUSES, short_day, span
from pipeline.report.totals import Balance
from pipeline.report.visible import visible

ORDERS_SHOWN = 20
MAIL_BYTES = 30_000  # Gmail clips at about 102 KB; a phone should not have to scroll for long
CHAT_CAUSES = 3
FACTS_VERSION = 1  # rises when a member of the generic webhook changes its meaning or goes away
_TITLE_CUT = 60
_ORDER_CUT = 40
_WORDS_CUT = 300
_OWNERS_SHOWN = 6
_COLOURS = {"✔": "#12703a", "⚠": "#8a5300", "⏸": "#8a5300", "◇": "#3b4a8f", "✖": "#b3201f"}


@dataclass(frozen=True, slots=True)
class MailCause:
    """One of the causes that stop most: how much, what, since when, whose."""

    amount: str
    code: str
    says: str
    since: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPage:
    """All that the mail shows, in words. `url` is "" where the page has no address."""

    subject: str
    run: str
    when: str
    colour: str
    verdict: str
    headline: str
    detail: str
    failures: tuple[str, ...]
    unlike: tuple[str, ...]
    owners: tuple[tuple[str, str], ...]
    causes: tuple[MailCause, ...]
    more_causes: str
    equations: tuple[str, ...]
    orders: tuple[str, ...]
    orders_lead: str
    more_orders: str
    earlier: str
    url: str
    path: str


def lay_out_mail(summary: Summary, missing: Sequence[str], path: str, url: str = "") -> MailPage:
    """Write everything the mail shows.

    Args:
        summary: the run; how much of its values it shows does not matter here.
        missing: the numbers of all orders that did not arrive.
        path: where the page lies.
        url: where people open it, if it is served.
    """
    facts, causes = summary.facts, summary.causes.ranked
    shown = tuple(missing[:ORDERS_SHOWN])
    more = len(missing) - len(shown)
    return MailPage(
        subject=subject_line(summary),
        run=f"{visible(facts.title, limit=_TITLE_CUT)}, "
        f"{'production' if facts.production else 'sandbox'}, account {facts.account}, "
        f"run {visible(facts.run_id)}",
        when=span(facts.started_at, facts.ended_at, facts.zone),
        colour=_COLOURS[summary.verdict.symbol],
        verdict=f"{summary.verdict.symbol} {summary.verdict}",
        headline=visible(summary.headline, limit=_WORDS_CUT),
        detail=visible(summary.detail, limit=_WORDS_CUT),
        failures=tuple(
            visible(each, limit=_WORDS_CUT) for each in summary.totals.failures[:TOP_CAUSES]
        ),
        unlike=tuple(
            visible(each, limit=_WORDS_CUT) for each in unlike_lines(summary)[:TOP_CAUSES]
        ),
        owners=tuple(
            (visible(each.owner, limit=_TITLE_CUT), f"{counted(each.orders, 'order')}, "
             f"{counted(len(each.causes), 'cause')}")
            for each in summary.causes.owners[:_OWNERS_SHOWN]
        ),
        causes=tuple(_cause(summary, each) for each in causes[:TOP_CAUSES]),
        more_causes=f"and {counted(len(causes) - TOP_CAUSES, 'more cause')} in the report"
        if len(causes) > TOP_CAUSES
        else "",
        equations=tuple(map(_equation, summary.totals.main_balances)),
        orders=tuple(visible(each, limit=_ORDER_CUT) for each in shown),
        orders_lead=f"{counted(len(missing), 'order')} not in parcelLab" if missing else "",
        more_orders=f"and {more:,} more in orders-missing.txt" if more else "",
        earlier=missing_words(facts.history) if facts.history else "",
        url=url,
        path=path,
    )  # fmt: skip


def subject_line(summary: Summary) -> str:
    """Give the subject: sign, export, day, what is missing, what is new; one line, any length fits.

    It reads like `✖ wms 20 Nov: 169 of 871 orders missing, 3 new causes`.
    """
    facts = summary.facts
    day = short_day(facts.started_at.astimezone(ZoneInfo(facts.zone)).date()).partition(" ")[2]
    aside = "" if facts.production else " (sandbox)"
    new = facts.history.new_causes if facts.history else None
    parts = [_short(summary), *([counted(new, "new cause")] if new else [])]
    return f"{summary.verdict.symbol} {_exports(facts)}{aside} {day}: {', '.join(parts)}"


def _exports(facts: RunFacts) -> str:
    """What was imported, by the names of its mappings; the title where there is none."""
    names = [visible(each.name, limit=_ORDER_CUT) for each in facts.mappings]
    if not names:
        return visible(facts.title, limit=_TITLE_CUT)
    more = len(names) - 2
    return ", ".join(names[:2]) + (f" and {more:,} more" if more > 0 else "")


def page_url(base: str, run_id: str) -> str:
    """Say where the page of a run is served, under the address of all reports.

    >>> page_url("https://reports.example.com/imports/", "2026-11-20T0205-wms")
    'https://reports.example.com/imports/2026-11-20T0205-wms/report.html'
    """
    if urlsplit(base).scheme not in ("http", "https"):
        return ""
    return f"{base.rstrip('/')}/{quote(run_id)}/report.html"


def _short(summary: Summary) -> str:
    """The headline as short as a list of mails can show it."""
    totals, verdict = summary.totals, summary.verdict
    orders = totals.orders
    if verdict is Verdict.DOES_NOT_BALANCE:
        return "the numbers contradict each other"
    if verdict is Verdict.PLAN_ONLY:
        return f"plan only, {counted(orders.not_attempted, 'order')} would be sent"
    if verdict is Verdict.NOT_SENT:
        return f"stopped before sending {counted(orders.not_attempted, 'order')}"
    if verdict is Verdict.STOPPED:
        return f"stopped early, {orders.arrived:,} of {counted(orders.seen, 'order')} arrived"
    if verdict is Verdict.NOTHING_NEW:
        return nothing_new(summary.facts, totals) if orders.seen else "no order in the files"
    return _absent(summary) or f"{counted(orders.arrived, 'order')} arrived{_warned(summary)}"


def _absent(summary: Summary) -> str:
    """What is not in parcelLab as the files say, the worst of it alone."""
    orders = summary.totals.orders
    if not orders.seen and summary.causes.lost:
        return "no order could be read"
    whole = counted(orders.seen, "order")
    both = orders.missing and orders.out_of_date
    for number, word in (
        (orders.missing + orders.out_of_date if both else 0, "not imported"),
        (orders.missing, "missing"),
        (orders.out_of_date, "out of date"),
        (orders.unknown, "unclear"),
        (orders.partly_applied, "without all of their changes"),
    ):
        if number:
            return f"{number:,} of {whole} {word}"
    if summary.causes.lost:
        return "a part of the files could not be read"
    rejected = summary.totals.rows.rejected
    return f"{counted(rejected, 'row')} rejected" if rejected else ""


def _warned(summary: Summary) -> str:
    warned = summary.causes.warned
    return f", {counted(warned, 'warning')}" if warned else ""


def _cause(summary: Summary, cause: Cause) -> MailCause:
    about = subject_of(cause)
    return MailCause(
        amount=extent_of(cause),
        code=cause.code,
        says=visible(f"{cause.title}{f': {about}' if about else ''}", limit=_WORDS_CUT),
        since=lifecycle_of(summary.facts, cause),
        owner=visible(cause.owner, limit=_TITLE_CUT),
    )


def _equation(balance: Balance) -> str:
    sign, mark = ("=", "✔") if balance.holds else ("≠", "✖")
    terms = " + ".join(f"{count:,} {label}" for label, count in balance.terms if count)
    return f"{mark} {balance.left:,} {balance.label} {sign} {terms or 0}"


# -- the letter --------------------------------------------------------------------------------


def letter(
    summary: Summary, page: MailPage, html: str, *, exit_code: int, exit_name: str
) -> Letter:
    """Give what is told of a run that has a report.

    A run that is not green is a problem; so is one that is, when a file was missing, and so had nothing to do.
    """
    expected = {code for code, rule in RULES.items() if rule.stage is Stage.EXPECTED}
    broken = any(each.code in expected for each in summary.causes.notes)
    return Letter(
        run_id=summary.facts.run_id,
        subject=page.subject,
        text=as_words(page),
        html=html,
        lines=_lines(page),
        facts=_facts(summary, page) | {"exit": {"code": exit_code, "name": exit_name}},
        problem=summary.verdict.symbol != "✔" or exit_code != 0 or broken,
        url=page.url,
    )


def as_words(page: MailPage) -> str:
    """Write the mail as plain text."""
    lines = [page.verdict, page.headline, page.detail, *page.failures, *page.unlike, ""]
    lines += [f"{owner}: {amount}" for owner, amount in page.owners]
    lines += ["", *map(_said, page.causes), page.more_causes] if page.causes else []
    if page.orders:
        orders = ", ".join([*page.orders, *([page.more_orders] if page.more_orders else [])])
        lines += ["", f"{page.orders_lead}: {orders}"]
    lines += ["", page.earlier] if page.earlier else []
    lines += [
        "",
        *page.equations,
        "",
        f"Report: {page.url or page.path}",
        f"{page.run}, {page.when}",
    ]
    # one blank line at most between two parts
    kept = [line for n, line in enumerate(lines) if line or (n and lines[n - 1])]
    return "\n".join(kept) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreported:
    """A run that ended before it could write a report."""

    title: str
    profile: str
    production: bool
    day: date
    says: str
    exit_code: int
    exit_name: str


def unreported_letter(run: Unreported) -> Letter:
    """Give what is told of such a run; the mail is text only."""
    says = visible(run.says, limit=_WORDS_CUT)
    title = visible(run.title, limit=_TITLE_CUT)
    aside = "" if run.production else " (sandbox)"
    day = short_day(run.day).partition(" ")[2]
    subject = f"✖ {title}{aside} {day}: stopped without a report"
    end = f"Exit code {run.exit_code} ({run.exit_name}), profile {visible(run.profile)}."
    facts = {
        "version": FACTS_VERSION, "event": "run", "subject": subject, "verdict": None,
        "headline": says, "title": title, "profile": run.profile, "production": run.production,
        "exit": {"code": run.exit_code, "name": run.exit_name},
    }  # fmt: skip
    return Letter(
        run_id="", subject=subject, text=f"{says}\n{end}\n", html="", lines=(subject, says, end),
        facts=facts, problem=True,
    )  # fmt: skip


def _said(cause: MailCause) -> str:
    code = f" [{cause.code}]" if cause.code else ""
    rest = ", ".join(filter(None, (cause.owner, cause.since)))
    return f"{cause.amount}: {cause.says}{code}, {rest}"


def _lines(page: MailPage) -> tuple[str, ...]:
    """The mail in a few lines, for a chat."""
    lines = [
        page.subject,
        page.headline,
        *page.failures,
        *page.unlike,
        *map(_said, page.causes[:CHAT_CAUSES]),
    ]
    lines += [page.earlier] if page.earlier else []
    return (*lines, *(() if page.url else (f"Report: {page.path}",)))


def _facts(summary: Summary, page: MailPage) -> dict[str, object]:
    facts, orders, rows = summary.facts, summary.totals.orders, summary.totals.rows
    counted_orders = ("seen", "arrived", "missing", "out_of_date", "unknown", "partly_applied",
                      "held_back", "refused", "not_attempted")  # fmt: skip
    return {
        "version": FACTS_VERSION,
        "event": "run",
        "subject": page.subject,
        "verdict": summary.verdict.value,
        "headline": page.headline,
        "balances": summary.balances,
        "run": facts.run_id,
        "title": visible(facts.title, limit=_TITLE_CUT),
        "profile": facts.profile,
        "account": facts.account,
        "production": facts.production,
        "started_at": facts.started_at.isoformat(),
        "ended_at": facts.ended_at.isoformat(),
        "orders": {name: getattr(orders, name) for name in counted_orders},
        "rows": {name: getattr(rows, name) for name in ("read", "accepted", "rejected", "skipped")},
        "new_causes": facts.history.new_causes if facts.history else None,
        "causes": [asdict(each) for each in page.causes],
        "report": page.url or page.path,
    }
