"""One mail over SMTP. Words about failures name hosts and codes: a server's own words name people."""

import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from pipeline.model.notice import Letter, MailRoute, Security
from pipeline.notify.attempts import Answer, Done, Refused, TryAgain

SOCKET_S = 10.0


def mail_of(letter: Letter, route: MailRoute, at: datetime) -> EmailMessage:
    """Write the mail: text, and HTML of the same if there is any, marked as written by a program."""
    mail = EmailMessage()
    mail["Subject"] = letter.subject
    mail["From"] = route.sender
    mail["To"] = ", ".join(route.to)
    mail["Date"] = format_datetime(at)
    # one for all attempts, so that a mail program shows a repeated mail once
    mail["Message-ID"] = make_msgid(domain=route.sender.rpartition("@")[2].rstrip(">"))
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes in return
    if letter.run_id:
        mail["X-Pipeline-Run"] = letter.run_id
    mail.set_content(letter.text)
    if letter.html:
        mail.add_alternative(letter.html, subtype="html")
    return mail


def mailer(
    letter: Letter, route: MailRoute, at: datetime, tls: ssl.SSLContext | None = None
) -> Callable[[], Answer]:
    """Give one attempt to send the mail."""
    mail = mail_of(letter, route, at)

    def once() -> Answer:
        try:
            return _send(mail, route, tls or ssl.create_default_context())
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            return _judged(codes[0] if codes else 550, "all recipients")
        except smtplib.SMTPAuthenticationError as error:
            return _judged(error.smtp_code, "user or password")
        except smtplib.SMTPResponseException as error:
            return _judged(error.smtp_code, "the mail")
        except smtplib.SMTPNotSupportedError:
            return Refused("the server does not offer what `security` and `user` ask for")
        except ssl.SSLCertVerificationError:
            return Refused("the server's certificate is not trusted")
        except ssl.SSLError:
            return Refused("no secure connection: is `security` right for this port?")
        except smtplib.SMTPException as error:
            return TryAgain(f"the connection broke ({type(error).__name__})")
        except OSError as error:
            return TryAgain(f"cannot connect: {error.strerror or 'no answer in time'}")

    return once


def _send(mail: EmailMessage, route: MailRoute, tls: ssl.SSLContext) -> Done:
    smtp: smtplib.SMTP
    if route.security is Security.TLS:
        smtp = smtplib.SMTP_SSL(route.host, route.port, timeout=SOCKET_S, context=tls)
    else:
        smtp = smtplib.SMTP(route.host, route.port, timeout=SOCKET_S)
    try:
        if route.security is Security.STARTTLS:
            smtp.starttls(context=tls)
        if route.user:
            smtp.login(route.user, route.password.reveal())
        refused = smtp.send_message(mail, route.sender, list(route.to))
    except BaseException:
        smtp.close()
        raise
    with suppress(smtplib.SMTPException, OSError):  # it is taken, whatever becomes of the farewell
        smtp.quit()
    if not refused:
        return Done()
    codes = ", ".join(str(code) for code in sorted({code for code, _ in refused.values()}))
    return Done(f"{len(refused)} of {len(route.to)} recipients refused ({codes})")


def _judged(code: int, what: str) -> Answer:
    """Answers 4xx are for now, 5xx for ever (RFC 5321 §4.2.1)."""
    words = f"{what} refused ({code})"
    return TryAgain(words) if 400 <= code < 500 or code < 0 else Refused(words)
