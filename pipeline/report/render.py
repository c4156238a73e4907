"""Summary → one self-contained HTML page. The only place that knows Jinja2."""

from base64 import b64encode
from functools import lru_cache
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report.blocks import BUDGET
from pipeline.report.index import IndexPage
from pipeline.report.mail import MailPage
from pipeline.report.page import lay_out
from pipeline.report.summary import Summary


def render(summary: Summary, *, budget: int = BUDGET) -> str:
    """Write the page; the same summary gives the same text. The list takes `budget` bytes at most.

    The page loads nothing: its policy allows one style sheet and one script, by their hashes.
    """
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            page=lay_out(summary, budget),
            style_hash=_hash("report.css"),
            script_hash=_hash("explorer.js"),
        )
    )


def render_mail(mail: MailPage) -> str:
    """Write summary.html: styles in its elements, as mail programs want it, and nothing to load."""
    return _environment().get_template("mail.html.j2").render(mail=mail)


def render_index(page: IndexPage) -> str:
    """Write the page of all runs; its style knows the mappings that can be chosen."""
    style = _environment().get_template("index.css").render(page=page)
    return (
        _environment()
        .get_template("index.html.j2")
        # made of our own style sheet and of class names that we count
        .render(page=page, style=Markup(style), style_hash=_allowed(style))  # noqa: S704
    )


@lru_cache
def _hash(name: str) -> str:
    """The hash of a style sheet or script by which a policy allows it."""
    return _allowed(_environment().get_template(name).render())


def _allowed(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pipeline.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
