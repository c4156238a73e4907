"""A few attempts within a bounded time, and what each one says about the next (STYLE §2.18)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

PAUSES_S = (1.0, 5.0)  # between three attempts
ATTEMPT_S = 20.0  # of one attempt, however slowly the other side drips
PAUSE_MAX_S = 15.0  # a server that wants a longer pause gets no further attempt


@dataclass(frozen=True, slots=True)
class Done:
    """It was taken; `but` is what is to be said all the same."""

    but: str = ""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """It may work later; `after_s` is what the server asks for."""

    words: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """It will never work like this."""

    words: str


Answer = Done | TryAgain | Refused


def attempt(
    once: Callable[[], Answer], sleep: Callable[[float], None], *, within_s: float = ATTEMPT_S
) -> Answer:
    """Try until it is taken, refused, or the attempts are used up; gives the last answer."""
    answer = _bounded(once, within_s)
    for pause_s in PAUSES_S:
        if not isinstance(answer, TryAgain):
            return answer
        wait_s = max(pause_s, answer.after_s or 0.0)
        if wait_s > PAUSE_MAX_S:
            return answer
        sleep(wait_s)
        answer = _bounded(once, within_s)
    return answer


def _bounded(once: Callable[[], Answer], within_s: float) -> Answer:
    """One attempt in a thread of its own: time limits of sockets begin anew with every byte."""
    found: list[Answer] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            found.append(once())
        except BaseException as error:  # noqa: BLE001 - raised again where somebody hears it
            errors.append(error)

    worker = threading.Thread(target=work, name="notify", daemon=True)
    worker.start()
    worker.join(within_s)
    if errors:
        raise errors[0]
    return found[0] if found else TryAgain(f"no answer within {within_s:g} s")
