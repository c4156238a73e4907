"""All targets that a mapping can write, from the catalogue, in the order of payloads (`mapping fields`)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pipeline.model.catalogue import MUTATIONS, SHAPES
from pipeline.model.catalogue.page import limits
from pipeline.model.field import Field, Shape, Use
from pipeline.model.likeness import nearest

SECTIONS = ("order", "lines", "trackings", "mutations")

# Fields that other sections of the mapping make, or that the run itself knows.
ELSEWHERE: Mapping[str, str] = {
    "account": "the account comes from the profile",
    "articles_order": "line items are mapped under `lines`",
    "mutations": "changes are mapped under `trackings` and `mutations`",
    "operation_id": "the pipeline makes it, stable across retries",
    "type": "it is the `type` of the entry itself",
}
# Where the members of a shape stand that several sections take.
_LISTED_IN: Mapping[str, str] = {"line_item": "lines", "tracking": "trackings"}


@dataclass(frozen=True, slots=True)
class Listed:
    """One target: `path` begins with its section, `alias` with the name of its object in the API.

    `use` is "" for optional fields; `limits` are in words.
    """

    section: str
    path: str
    alias: str
    kind: str
    use: str
    limits: tuple[str, ...]
    doc: str


def targets() -> Iterator[Listed]:
    """Every target, objects before their members.

    >>> [each.path for each in targets()][:2]
    ['order.order_number', 'order.external_reference']
    """
    yield from _members("order", "order", SHAPES["order"])
    yield from _members("lines", "lines", SHAPES["line_item"])
    yield from _members("trackings", "trackings", SHAPES["tracking"])
    for name in MUTATIONS:
        if name != "add_tracking":  # the section `trackings` makes it
            yield from _members("mutations", f"mutations.{name}", SHAPES[name])


def _members(section: str, path: str, shape: Shape) -> Iterator[Listed]:
    for field in shape.writable:
        if field.name in ELSEWHERE:
            continue
        inner = f"{path}.{field.name}"
        elsewhere = _LISTED_IN.get(str(field.shape)) if field.shape else None
        yield _listed(section, inner, shape, field, elsewhere)
        # attributes are a table of names of one's own
        if field.shape is not None and elsewhere is None and field.shape != "attribute":
            yield from _members(section, inner, SHAPES[field.shape])


def _listed(section: str, path: str, shape: Shape, field: Field, elsewhere: str | None) -> Listed:
    kind = field.kind.value + (f" (members as in {elsewhere})" if elsewhere else "")
    use = "" if field.use is Use.OPTIONAL else field.use.value
    told = tuple(text.replace("`", "") for text in limits(field))
    doc = field.doc.replace("`", "")
    return Listed(section, path, f"{shape.name}.{field.name}", kind, use, told, doc)


def matching(pattern: str, section: str | None = None) -> list[Listed]:
    """The targets that a pattern means: a part of the path or the description, or a glob of either.

    >>> [each.path for each in matching("TRACKING.cour*")][0]
    'trackings.courier'
    >>> [each.path for each in matching("iso3", "lines")]
    ['lines.origin_country_iso3']
    """
    wanted = pattern.casefold()
    glob = any(sign in wanted for sign in "*?[")
    return [
        each
        for each in targets()
        if section in {None, each.section}
        and any(
            fnmatchcase(text.casefold(), wanted) if glob else wanted in text.casefold()
            for text in (each.path, each.alias, each.doc)
        )
    ]


def near(pattern: str, section: str | None = None) -> str | None:
    """The name of a target that a pattern without a match was probably meant to be."""
    names = dict.fromkeys(
        name
        for each in targets()
        if section in {None, each.section}
        for name in (each.path.rpartition(".")[2], each.path, each.alias)
    )
    return nearest(pattern.strip("*?"), names)
