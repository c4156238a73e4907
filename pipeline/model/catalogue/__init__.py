"""The contract catalogue: every field the Order API takes, as rows of data.

A limit, a pattern or a list of words stands here and nowhere else; readers of the rows are the
compiler of mappings, the checks, the masking of personal data, the schema for editors and the page
docs/fields.md. `tests/contract/test_catalogue.py` compares them with the published OpenAPI file.

>>> shape("address").field("city").max_length
40
>>> MUTATIONS[:2]
('add_tracking', 'cancel_tracking')
"""

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.model.catalogue.address import ADDRESS, RECIPIENT
from pipeline.model.catalogue.attribute import ATTRIBUTE
from pipeline.model.catalogue.bundle import BUNDLE
from pipeline.model.catalogue.line_item import ARTICLE, LINE_ITEM
from pipeline.model.catalogue.mutations import MUTATION_SHAPES, MUTATIONS
from pipeline.model.catalogue.order import ORDER
from pipeline.model.catalogue.tracking import CHECKPOINT, TRACKING
from pipeline.model.field import Shape

__all__ = ["MUTATIONS", "SHAPES", "shape"]

SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        each.name: each
        for each in (
            ORDER,
            ADDRESS,
            LINE_ITEM,
            ARTICLE,
            BUNDLE,
            ATTRIBUTE,
            RECIPIENT,
            TRACKING,
            CHECKPOINT,
            *MUTATION_SHAPES,
        )
    }
)


def shape(name: str) -> Shape:
    """Give the shape of that name.

    Raises:
        KeyError: the catalogue has no such shape; the text lists those it has.
    """
    try:
        return SHAPES[name]
    except KeyError:
        known = ", ".join(SHAPES)
        raise KeyError(f"the catalogue has no shape {name!r}; it has {known}") from None
