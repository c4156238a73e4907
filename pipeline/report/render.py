"""Summary → one self-contained HTML page. The only place that knows Jinja2."""

from base64 import b64encode
from functools import lru_cache
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.report.page import lay_out
from pipeline.report.summary import Summary


def render(summary: Summary) -> str:
    """Write the page; the same summary gives the same text.

    The page loads nothing and runs nothing: its policy allows one style sheet, by its hash.
    """
    environment = _environment()
    style = environment.get_template("report.css").render()
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return environment.get_template("report.html.j2").render(
        page=lay_out(summary), style_hash=f"sha256-{digest}"
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pipeline.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
