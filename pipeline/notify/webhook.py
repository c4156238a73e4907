"""One POST to a webhook: our own document, or the message of a chat. The address is a secret."""

import ssl
from collections.abc import Callable, Mapping

import httpx

from pipeline.model.notice import Letter, Shape, WebhookRoute
from pipeline.notify.attempts import Answer, Done, Refused, TryAgain

SOCKET_S = 10.0
_AGAIN = frozenset((408, 425, 429))
_SLACK_MAX = 2900  # characters of a section; Slack takes 3000


def webhook(
    letter: Letter, route: WebhookRoute, tls: ssl.SSLContext | None = None
) -> Callable[[], Answer]:
    """Give one attempt to post the letter."""
    body = body_of(letter, route.shape)

    def once() -> Answer:
        # no redirects, no proxy and no cookies: the address goes to its host and nowhere else
        try:
            with (
                httpx.Client(
                    verify=tls or ssl.create_default_context(), trust_env=False, timeout=SOCKET_S,
                    follow_redirects=False,
                ) as client,
                client.stream("POST", route.url.reveal(), json=body) as response,
            ):  # fmt: skip
                return _judged(response.status_code, response.headers.get("retry-after", ""))
        except httpx.HTTPError as error:  # its words may quote the address
            return _failed(error)
        except (httpx.InvalidURL, UnicodeError):
            return Refused("its address is not usable")

    return once


def body_of(letter: Letter, shape: Shape) -> Mapping[str, object]:
    """Give what is posted, as the receiver wants it."""
    if shape is Shape.SLACK:
        return _slack(letter)
    return _teams(letter) if shape is Shape.TEAMS else letter.facts


def _slack(letter: Letter) -> Mapping[str, object]:
    """Block Kit: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""
    said = "\n".join(letter.lines)[:_SLACK_MAX]
    # plain_text knows no links, mentions or markup, so nothing in a column's name can make one
    blocks: list[object] = [{"type": "section", "text": {"type": "plain_text", "text": said}}]
    if letter.url:
        link = f"<{letter.url}|Open the report>"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": link}})
    return {"text": _escaped(letter.subject), "mrkdwn": False, "blocks": blocks}


def _escaped(text: str) -> str:
    """Slack's three control characters."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(letter: Letter) -> Mapping[str, object]:
    """An Adaptive Card, as a Teams workflow takes it (https://adaptivecards.io, version 1.4)."""

    def block(text: str, **style: object) -> Mapping[str, object]:
        # a TextRun shows text as it is; a TextBlock would read Markdown, links included
        return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}

    head, *rest = letter.lines
    card: dict[str, object] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": letter.subject,
        "body": [block(head, weight="Bolder", size="Medium"), *map(block, rest)],
    }
    if letter.url:
        card["actions"] = [
            {"type": "Action.OpenUrl", "title": "Open the report", "url": letter.url}
        ]
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _judged(status: int, retry_after: str) -> Answer:
    if 200 <= status < 300:
        return Done()
    words = f"it answered with status {status}"
    if status in _AGAIN or status >= 500:
        return TryAgain(words, float(retry_after) if retry_after.isdecimal() else None)
    return Refused(words)


def _failed(error: httpx.HTTPError) -> Answer:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Refused("its certificate is not trusted")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.UnsupportedProtocol):
        return Refused("its address is not usable")
    return TryAgain(f"no answer ({type(error).__name__})")
