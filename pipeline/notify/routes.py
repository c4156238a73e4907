"""One letter over every route; each route on its own, so that one that is away harms no other."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pipeline.model.notice import Letter, MailRoute, Notify, WebhookRoute
from pipeline.notify.attempts import Answer, Done, Refused, attempt
from pipeline.notify.mail import mailer
from pipeline.notify.webhook import webhook


@dataclass(frozen=True, slots=True)
class Told:
    """How it went on one route; `says` names no person and no secret."""

    by: str
    ok: bool
    says: str


def tell(
    notify: Notify, letter: Letter, *, at: datetime, sleep: Callable[[float], None]
) -> tuple[Told, ...]:
    """Send a letter over every route there is; never raises for what the network does.

    Args:
        notify: the routes; whether they are to be used at all is not judged here.
        letter: what is told.
        at: the moment that the mail bears.
        sleep: how to pause between attempts.
    """
    told = []
    if notify.mail is not None:
        route = notify.mail
        told.append(_told("mail", _to_mail(route), route.unusable, sleep,
                          lambda: mailer(letter, route, at)))  # fmt: skip
    if notify.webhook is not None:
        hook = notify.webhook
        told.append(_told("webhook", _to_webhook(hook), hook.unusable, sleep,
                          lambda: webhook(letter, hook)))  # fmt: skip
    return tuple(told)


def _told(
    by: str, to: str, unusable: str, sleep: Callable[[float], None],
    make: Callable[[], Callable[[], Answer]],
) -> Told:  # fmt: skip
    try:
        answer = Refused(unusable) if unusable else attempt(make(), sleep)
    except Exception as error:  # noqa: BLE001 - the run is over: its verdict stands
        answer = Refused(f"internal error: {type(error).__name__}")  # its words may quote a secret
    if isinstance(answer, Done):
        return Told(by, not answer.but, f"sent {to}{f', but {answer.but}' if answer.but else ''}")
    return Told(by, ok=False, says=f"not sent {to}: {answer.words}")


def _to_mail(route: MailRoute) -> str:
    number = len(route.to)
    return f"to {number} recipient{'' if number == 1 else 's'} over {route.host}:{route.port}"


def _to_webhook(route: WebhookRoute) -> str:
    return f"to {route.host or 'the webhook'} ({route.shape})"
