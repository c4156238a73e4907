"""A few attempts within a bounded time, and what each one says about the next (STYLE §2.18)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future

ATTEMPTS = 3
PAUSE_S, PAUSE_GROWTH = 1.0, 5.0  # 1 s before the second attempt, 5 s before the third
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
    from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_exponential

    growing = wait_exponential(multiplier=PAUSE_S, exp_base=PAUSE_GROWTH)
    again = Retrying(
        sleep=sleep,
        stop=stop_after_attempt(ATTEMPTS),
        retry=retry_if_result(_may_work_soon),
        wait=lambda state: max(growing(state), _asked_s(state.outcome)),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
    )
    answer: Answer = again(_bounded, once, within_s)
    return answer


def _may_work_soon(answer: Answer) -> bool:
    return isinstance(answer, TryAgain) and (answer.after_s or 0.0) <= PAUSE_MAX_S


def _asked_s(outcome: "Future[Answer] | None") -> float:
    answer = outcome.result() if outcome else None
    return (answer.after_s or 0.0) if isinstance(answer, TryAgain) else 0.0


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
