"""What an answer means, and only that: pure, typed by what to do next (CONTRACT §7, FAULTS §4.5)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from pipeline.model.orders import Outcome, Problem, Submission
from pipeline.model.outcomes import MutationOutcome, OrderOutcome
from pipeline.model.stops import StopRun
from pipeline.send.reply import NoReply, Reply
from pipeline.send.stops import AuthRefused, NotTheApi
from pipeline.send.words import Scrubber, visible

_THROTTLED = (408, 409, 425, 429)
_EXTERNAL_ID_MAX = 64


@dataclass(frozen=True, slots=True)
class Done:
    """The order has its outcome. `attempts` in it is 1; `deliver` puts in the true number."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class TryAgain:
    """No outcome yet. `ambiguous`: the server may have stored the order.

    `after_s` is the server's wish, for all requests. `throttled`: the server is well but busy.
    `unconfirmed`: a 2xx without content, worth reading back. `foreign` is how to stop if it stays
    so: what answers is no Order API.
    """

    words: str
    ambiguous: bool
    after_s: float | None = None
    throttled: bool = False
    unconfirmed: bool = False
    status: int | None = None
    foreign: StopRun | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing more may be sent. `crossed`: not even the answers of this moment can be believed."""

    stop: StopRun
    crossed: bool = False


Verdict = Done | TryAgain | Stop


def judge(submission: Submission, reply: Reply | NoReply, *, first: bool) -> Verdict:
    """Say what an answer to a submission means.

    `first`: no order has had an answer of the Order API yet, so a 404 means the wrong URL.
    """
    if isinstance(reply, NoReply):
        return Stop(reply.stop) if reply.stop else TryAgain(reply.words, ambiguous=reply.sent)
    if 200 <= reply.status < 300:
        return _accepted(submission, reply)
    stop = _stop(reply, first=first)
    if stop is not None:
        return Stop(stop)
    if reply.status in _THROTTLED or reply.status >= 500:
        throttled = reply.status in _THROTTLED
        return TryAgain(
            f"status {reply.status}",
            ambiguous=not throttled or reply.status == 408,
            after_s=_retry_after(reply),
            throttled=throttled,
            status=reply.status,
        )
    return _refused(submission, reply)


def _stop(reply: Reply, *, first: bool) -> StopRun | None:
    if reply.status in (401, 403):
        return _auth(reply)
    if reply.status < 200 or 300 <= reply.status < 400:
        return _redirect(reply)
    if reply.status == 404 and first:
        return NotTheApi(
            "there is no Order API at the base URL (404)",
            help="check base_url; the path is added by this program",
        )
    return None


# --- 2xx ------------------------------------------------------------------------------------


def _accepted(submission: Submission, reply: Reply) -> Verdict:
    status = reply.status
    if not reply.body.strip():
        return TryAgain(
            f"status {status} without content", ambiguous=True, unconfirmed=True, status=status
        )
    answer = parsed(reply.body)
    if not isinstance(answer, dict) or not isinstance(answer.get("order_number"), str):
        kind = visible(reply.headers.get("content-type", "no content type"))[:80]
        return TryAgain(
            f"status {status}, but not an order ({kind})",
            ambiguous=True,
            status=status,
            foreign=NotTheApi(
                f"the answer is not from the Order API ({kind})",
                help="check base_url and any proxy between here and parcelLab",
            ),
        )
    if answer["order_number"] != submission.order_number:
        return Stop(
            NotTheApi(
                f"answers are crossed: order {submission.order_number} got the answer of another",
                help="a proxy or the server mixes answers up; report it to parcelLab, then run again",
            ),
            crossed=True,
        )
    results = _results(answer, len(submission.operations))
    mutations = tuple(
        MutationOutcome.SUCCEEDED if result.get("success") is True else MutationOutcome.FAILED
        for result in results
    )
    problems = _mutation_problems(submission, results) if results else ()
    outcome = OrderOutcome.CREATED if status == 201 else OrderOutcome.UPDATED
    if MutationOutcome.FAILED in mutations:
        outcome = OrderOutcome.PARTLY_APPLIED
    external_id = answer.get("external_id")
    return Done(
        Outcome(
            submission.order_number,
            outcome,
            attempts=1,
            status=status,
            external_id=visible(external_id)[:_EXTERNAL_ID_MAX]
            if isinstance(external_id, str)
            else None,
            problems=problems,
            mutations=mutations,
        )
    )


def _results(answer: dict[str, Any], sent: int) -> list[dict[str, Any]]:
    """Give one result per mutation sent; one that is missing has no success (K42, §7)."""
    if not sent:
        return []
    mutations = answer.get("mutations")
    given = mutations if isinstance(mutations, list) else []
    results: list[dict[str, Any]] = []
    for ordinal in range(sent):
        mutation = given[ordinal] if ordinal < len(given) else None
        result = mutation.get("result") if isinstance(mutation, dict) else None
        results.append(result if isinstance(result, dict) else {})
    return results


def _mutation_problems(
    submission: Submission, results: list[dict[str, Any]]
) -> tuple[Problem, ...]:
    scrub = Scrubber(submission.body)
    problems: list[Problem] = []
    for ordinal, result in enumerate(results):
        place = f"mutations.{ordinal}"
        if result.get("success") is not True:
            problems.append(Problem("A201", scrub(_failure(result)), attr=place))
        warnings = result.get("warnings")
        problems.extend(
            Problem("A202", scrub(warning), attr=place)
            for warning in (warnings if isinstance(warnings, list) else ())
        )
    return tuple(problems)


def _failure(result: dict[str, Any]) -> str:
    message, errors = result.get("message"), result.get("errors")
    words = [message] if isinstance(message, str) and message else []
    if isinstance(errors, dict):
        words += [f"{key}: {_plain(value)}" for key, value in errors.items()]
    elif errors:
        words.append(_plain(errors))
    return "; ".join(words) or "the answer does not say that it succeeded"


# --- 4xx ------------------------------------------------------------------------------------


def _refused(submission: Submission, reply: Reply) -> Done:
    scrub = Scrubber(submission.body)
    answer = parsed(reply.body)
    problems = _complaints(answer, scrub) if isinstance(answer, dict) else []
    if not problems:
        kind = reply.headers.get("content-type", "")
        # An HTML page tells a person nothing; its kind does (FAULTS N3, N17).
        words = "a web page" if "html" in kind else reply.body.decode("utf-8", "replace")
        problems = [Problem("A403", scrub(f"status {reply.status}: {words or 'no words'}"))]
    if reply.status == 404:
        problems = [Problem("A404", each.detail, each.attr, each.api_code) for each in problems]
    return Done(
        Outcome(
            submission.order_number,
            OrderOutcome.REFUSED,
            attempts=1,
            status=reply.status,
            problems=tuple(problems),
            # A refused request writes nothing, no mutation either (CONTRACT §4.2).
            mutations=(MutationOutcome.FAILED,) * len(submission.operations),
        )
    )


def _complaints(answer: dict[str, Any], scrub: Scrubber) -> list[Problem]:
    """Read the three shapes of K26: a list, one detail, or errors by field."""
    errors = answer.get("errors")
    if isinstance(errors, list):
        return [_listed(each, scrub) for each in errors if each]
    if isinstance(errors, dict) and errors:
        return [
            Problem("A401", scrub(_plain(words)), attr=scrub(key)) for key, words in errors.items()
        ]
    for name in ("detail", "message"):
        if answer.get(name):
            return [Problem("A402", scrub(_plain(answer[name])))]
    return []


def _listed(error: object, scrub: Scrubber) -> Problem:
    if not isinstance(error, dict):
        return Problem("A402", scrub(_plain(error)))
    attr, code = error.get("attr"), error.get("code")
    has_attr = isinstance(attr, str) and attr not in ("", "non_field_errors")
    return Problem(
        "A401" if has_attr else "A402",
        scrub(_plain(error.get("detail") or error)),
        attr=scrub(attr) if has_attr else None,
        api_code=scrub(code) if isinstance(code, str) else None,
    )


def _plain(words: object) -> str:
    if isinstance(words, str):
        return words
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return "; ".join(words)
    return orjson.dumps(words).decode()


# --- the rest -------------------------------------------------------------------------------


def parsed(body: bytes) -> object:
    """Give the JSON of an answer, or None where it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _auth(reply: Reply) -> AuthRefused:
    if reply.status == 401:
        return AuthRefused(
            "the API refused the token (401)",
            help="check the token, its account and auth_scheme; no other form was tried",
        )
    return AuthRefused(
        "the token may not write orders of this account (403)",
        help="ask parcelLab for a token with the right `write` for this account",
    )


def _redirect(reply: Reply) -> NotTheApi:
    target = visible(reply.headers.get("location", "elsewhere").split("?")[0])[:200]
    return NotTheApi(
        f"the server redirects to {target} ({reply.status}); not followed",
        help="set base_url to the API itself; orders and token are never sent elsewhere",
    )


def _retry_after(reply: Reply) -> float | None:
    """Give the seconds to wait; a date counts from the answer's own Date, not from our clock."""
    wish = reply.headers.get("retry-after", "").strip()
    if not wish:
        return None
    if wish.isascii() and wish.isdigit():
        return float(wish[:9])
    until, now = _moment(wish), _moment(reply.headers.get("date", ""))
    if until is None or now is None:
        return None
    return max(0.0, (until - now).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # "-0000" gives a moment without zone, which is UTC all the same (RFC 5322 3.3)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
