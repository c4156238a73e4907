"""What an answer means, and only that: pure, typed by what to do next (CONTRACT §7, FAULTS §4.5)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, TypeVar

import orjson

from pipeline.model.catalogue import SHAPES
from pipeline.model.orders import Operation, Outcome, Problem, Submission
from pipeline.model.outcomes import MutationOutcome, OrderOutcome
from pipeline.model.stops import StopRun
from pipeline.send.reply import NoReply, Reply
from pipeline.send.stops import AuthRefused, NotTheApi
from pipeline.send.words import Scrubber, visible

_THROTTLED = (408, 409, 425, 429)
_COMPLAINTS_MAX = 100  # of one answer; nobody reads more, and each is stored
_DEEP = 20  # levels of errors inside errors
_OF_THE_WHOLE = ("", "non_field_errors", "detail", "__all__")
_EXTERNAL_ID_MAX = 64


@dataclass(frozen=True, slots=True)
class Done:
    """The order has its outcome. `attempts` in it is 1; `deliver` puts in the true number."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class TryAgain:
    """No outcome yet. `ambiguous`: the server may have stored the order.

    `after_s` is the server's wish, for all requests. `throttled`: the server is well but busy.
    `late`: a time limit ended the request. `unconfirmed`: a 2xx without content, worth reading
    back. `foreign` is how to stop if it stays so: what answers is no Order API.
    """

    words: str
    ambiguous: bool
    after_s: float | None = None
    throttled: bool = False
    unconfirmed: bool = False
    status: int | None = None
    foreign: StopRun | None = None
    late: bool = False

    @property
    def busy(self) -> bool:
        """Whether the server has more to do than it can: fewer requests at a time would help."""
        return self.late or self.status in (429, 503)


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
        if reply.stop:
            return Stop(reply.stop)
        return TryAgain(reply.words, ambiguous=reply.sent, late=reply.late)
    if 200 <= reply.status < 300:
        return _accepted(submission, reply)
    stop = _stop(reply, first=first)
    if stop is not None:
        return Stop(stop)
    return _busy(reply) or Done(refused(submission, reply))


def hindrance(reply: Reply | NoReply) -> TryAgain | Stop | None:
    """Say what keeps a request that only reads from an answer; None where it has one."""
    if isinstance(reply, NoReply):
        if reply.stop:
            return Stop(reply.stop)
        return TryAgain(reply.words, ambiguous=False, late=reply.late)
    stop = None if 200 <= reply.status < 300 else _stop(reply, first=False)
    return Stop(stop) if stop is not None else _busy(reply)


def _busy(reply: Reply) -> TryAgain | None:
    """Say that the server asks for another try, if it does."""
    if reply.status not in _THROTTLED and reply.status < 500:
        return None
    after_s = _retry_after(reply)
    return TryAgain(
        f"status {reply.status}",
        ambiguous=reply.status not in _THROTTLED or reply.status == 408,
        after_s=after_s,
        # without a time only 429 is about the client; the others may be about this order alone
        throttled=reply.status == 429 or (reply.status in _THROTTLED and after_s is not None),
        status=reply.status,
    )


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
    results = _results(answer, submission.operations)
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


def _results(answer: dict[str, Any], sent: Sequence[Operation]) -> list[dict[str, Any]]:
    """Give one result per mutation sent; one that is missing has no success (K42, §7).

    They are found by their ids, for the list may hold earlier changes of the order too; by their
    places only where no id of ours comes back, there are no more than we sent, and the types agree. An id that is
    there twice was sent twice: one success says that it was done.
    """
    mutations = answer.get("mutations") if sent else None
    given = (
        [each if isinstance(each, dict) else {} for each in mutations]
        if isinstance(mutations, list)
        else []
    )
    with_id = [each for each in given if isinstance(each.get("operation_id"), str)]
    by_id = {each["operation_id"]: each for each in sorted(with_id, key=_succeeded)}
    if any(each.operation_id in by_id for each in sent):
        found = [by_id.get(each.operation_id, {}) for each in sent]
    elif len(given) <= len(sent):
        missing: list[dict[str, Any]] = [{}] * (len(sent) - len(given))
        found = [
            each if each.get("type") in (None, change.type) else {}
            for each, change in zip([*given, *missing], sent, strict=True)
        ]
    else:
        found = [{}] * len(sent)
    results = [each.get("result") for each in found]
    return [each if isinstance(each, dict) else {} for each in results]


def _succeeded(mutation: dict[str, Any]) -> bool:
    result = mutation.get("result")
    return isinstance(result, dict) and result.get("success") is True


def _mutation_problems(
    submission: Submission, results: list[dict[str, Any]]
) -> tuple[Problem, ...]:
    scrub = Scrubber(submission.body)
    problems: list[Problem] = []
    for ordinal, result in enumerate(results):
        place = f"mutations.{ordinal}"
        if result.get("success") is not True:
            problems += _failures(result, place, scrub)
        warnings = result.get("warnings")
        problems.extend(
            Problem("A202", scrub(warning), attr=place)
            for warning in (warnings if isinstance(warnings, list) else ())
        )
    return tuple(problems)


def _failures(result: dict[str, Any], place: str, scrub: Scrubber) -> list[Problem]:
    """Say of each field of a failed change what is wrong with it, else of the whole change."""
    message, errors = result.get("message"), result.get("errors")
    said = message if isinstance(message, str) else ""
    if isinstance(errors, dict) and errors:
        made = []
        for path, words, code in _most(list(_flat(errors))):
            inner = path.removeprefix(f"{place}.")
            attr = f"{place}.{_path(inner, scrub)}" if inner else place
            told = words if not said or said in words else f"{said}: {words}"
            made.append(Problem("A201", scrub(told), attr, scrub(code) if code else None))
        return made
    parts = [part for part in (said, _plain(errors) if errors else "") if part]
    words = "; ".join(parts) or "the answer does not say that it succeeded"
    return [Problem("A201", scrub(words), attr=place)]


# --- 4xx ------------------------------------------------------------------------------------


def refused(submission: Submission, reply: Reply) -> Outcome:
    """Give the outcome of an order that the API does not take, with all that it says of it."""
    scrub = Scrubber(submission.body)
    answer = parsed(reply.body)
    problems = _complaints(answer, scrub) if isinstance(answer, dict) else []
    if not problems:
        kind = reply.headers.get("content-type", "")
        # An HTML page tells a person nothing; its kind does (FAULTS N3, N17).
        words = "a web page" if "html" in kind else reply.body.decode("utf-8", "replace")
        problems = [Problem("A403", scrub(words or "no words"))]
    if reply.status == 404:
        problems = [Problem("A404", each.detail, each.attr, each.api_code) for each in problems]
    return Outcome(
        submission.order_number,
        OrderOutcome.REFUSED,
        attempts=1,
        status=reply.status,
        problems=tuple(problems),
        # A refused request writes nothing, no mutation either (CONTRACT §4.2).
        mutations=(MutationOutcome.FAILED,) * len(submission.operations),
    )


def _complaints(answer: dict[str, Any], scrub: Scrubber) -> list[Problem]:
    """Read the three shapes of K26: a list, one detail, or errors by field.

    Errors by field may stand inside each other, and alone: a plain Django REST framework answers so.
    """
    errors = answer.get("errors")
    if isinstance(errors, list) and any(errors):
        listed = _most([each for each in errors if each])
        return [_listed(each, scrub) for each in listed]
    if isinstance(errors, dict) and errors:
        return [_of_field(each, scrub) for each in _most(list(_flat(errors)))]
    for name in ("detail", "message"):
        if answer.get(name):
            return [Problem("A402", scrub(_plain(answer[name])))]
    known = (*_field_names(), *_OF_THE_WHOLE)
    if answer and all(name in known for name in answer):
        return [_of_field(each, scrub) for each in _most(list(_flat(answer)))]
    return []


_Said = tuple[str, str, str | None]  # a path, words, and perhaps a code


def _of_field(said: _Said, scrub: Scrubber) -> Problem:
    path, words, code = said
    return Problem(
        "A401" if path else "A402",
        scrub(words),
        attr=_path(path, scrub) if path else None,
        api_code=scrub(code) if code else None,
    )


def _flat(errors: object, path: str = "", level: int = 0) -> Iterator[_Said]:
    """Take errors out of each other: each with its path, dotted."""
    if isinstance(errors, dict) and "message" in errors and {"message", "code"}.issuperset(errors):
        code = errors.get("code")
        yield path, _plain(errors["message"]), code if isinstance(code, str) else None
    elif level < _DEEP and isinstance(errors, dict):
        for key, inner in errors.items():
            step = "" if key in _OF_THE_WHOLE else str(key)
            yield from _flat(inner, ".".join(part for part in (path, step) if part), level + 1)
    elif level < _DEEP and isinstance(errors, list) and any(isinstance(e, dict) for e in errors):
        for place, inner in enumerate(errors):
            yield from _flat(inner, f"{path}.{place}" if path else str(place), level + 1)
    elif errors:
        yield path, _plain(errors), None


_Complaint = TypeVar("_Complaint")


def _most(complaints: list[_Complaint]) -> list[_Complaint]:
    return complaints[:_COMPLAINTS_MAX]


@cache
def _field_names() -> frozenset[str]:
    return frozenset(field.name for shape in SHAPES.values() for field in shape.fields)


def _path(attr: str, scrub: Scrubber) -> str:
    """Write a path with dots; the names of the API's fields and ordinals are no personal data.

    A street called "2" would else make another line of "articles_order.2".
    """
    steps = re.sub(r"\[(\w+)\]", r".\1", attr).split(".")
    known = _field_names()
    return visible(
        ".".join(step if step in known or step.isdecimal() else scrub(step) for step in steps)
    )


def _listed(error: object, scrub: Scrubber) -> Problem:
    if not isinstance(error, dict):
        return Problem("A402", scrub(_plain(error)))
    attr, code = error.get("attr"), error.get("code")
    if isinstance(attr, list):
        attr = ".".join(str(step) for step in attr)
    path = _path(attr, scrub) if isinstance(attr, str) and attr not in _OF_THE_WHOLE else None
    return Problem(
        "A402" if path is None else "A401",
        scrub(_plain(error.get("detail") or error)),
        attr=path,
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
    if re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,9}", wish):  # no standard has it, some servers do
        return float(wish)
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
