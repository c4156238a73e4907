"""The sections that make something of the API: order, lines, trackings, mutations."""

from collections.abc import Callable, Container
from dataclasses import dataclass

import polars as pl

from pipeline.mapping.columns import Scope
from pipeline.mapping.document import Path
from pipeline.mapping.language import MappingDoc, MutationDoc
from pipeline.mapping.mistakes import MISTAKES, did_you_mean, nearest
from pipeline.mapping.plan import (
    LinesPlan,
    Mode,
    MutationPlan,
    ObjectPlan,
    TrackingsPlan,
)
from pipeline.mapping.plan import Scope as MutationScope
from pipeline.mapping.targets import Targets, meant_by
from pipeline.model.catalogue import MUTATIONS, SHAPES
from pipeline.model.field import Shape, Use

_APART = frozenset({"articles", "checkpoints"})
_WORDS = {
    MutationScope.ROW: "when",
    MutationScope.ALL: "when_all",
    MutationScope.ANY: "when_any",
}


@dataclass(frozen=True, slots=True)
class Sections:
    """Compiles the sections; mistakes go to the scope.

    `condition` compiles SQL, `key` names of columns to the text that rows with them share.
    """

    scope: Scope
    doc: MappingDoc
    targets: Targets
    condition: Callable[[str | None, Path], pl.Expr | None]
    key: Callable[[list[str], Path, ObjectPlan | None], tuple[pl.Expr | None, tuple[str, ...]]]

    def order(self) -> ObjectPlan | None:
        """The fields of the order; those that creating one needs must be there (M105)."""
        shape = SHAPES["order"]
        order = self.targets.object(self.doc.order, shape, ("order",), "order", "")
        required = {"order_number"}
        if self.scope.unsure(("order",)):
            return order
        if self.doc.mode is Mode.CREATE_OR_UPDATE and not self.scope.unsure(("mode",)):
            required |= {field.name for field in shape.fields if field.use is Use.CREATE}
        for field in shape.fields:
            if field.name in required and field.name not in self.doc.order:
                text = f'"{field.name}" is required to create an order and is not mapped'
                hint = (
                    "map it"
                    if field.name == "order_number"
                    else "map it, or set `mode: update_only`"
                )
                typo = self._meant_for(field.name, shape)
                hint = f"correct {typo}, {hint}" if typo else hint
                self.scope.mistake("M105", text, ("order",), hint, key=True)
        self._never_creates(shape, self.doc.order)
        return order

    def _meant_for(self, name: str, shape: Shape) -> str:
        """The unknown field that was probably meant to be this one, with its line; "" without any."""
        names = [each.name for each in shape.writable]
        for given in self.doc.order:
            if shape.field(given) is None and nearest(given, names) == name:
                line = self.scope.document.key_place(("order", given)).line
                return f'"{given}" in line {line}'
        return ""

    def _never_creates(self, shape: Shape, given: Container[str]) -> None:
        """A PUT creates what is not there (CONTRACT §2): an update must lack what creating needs."""
        needed = [field.name for field in shape.fields if field.use is Use.CREATE]
        if self.doc.mode is Mode.UPDATE_ONLY and all(name in given for name in needed):
            text = f"`update_only`, and {' and '.join(needed)} together create an order that is not there"
            self.scope.mistake("M109", text, ("mode",), MISTAKES["M109"].fix)

    def lines(self) -> LinesPlan | None:
        """The line items; None where the mapping makes none."""
        doc = self.doc.lines
        if doc is None:
            return None
        item = self.targets.object(
            doc.fields, SHAPES["line_item"], ("lines", "fields"), "lines", "articles_order"
        )
        return LinesPlan(send=doc.send, when=self.condition(doc.when, ("lines", "when")), item=item)

    def trackings(self) -> TrackingsPlan | None:
        """The parcels; None where the mapping makes none, or none can be told from another."""
        doc = self.doc.trackings
        if doc is None:
            return None
        at: Path = ("trackings", "fields")
        target = "mutations.add_tracking.tracking"
        tracking = self.targets.object(
            doc.fields, SHAPES["tracking"], at, "trackings", target, apart=_APART
        )
        self._identity(set(doc.fields), ("trackings", "fields"))
        nested: dict[str, ObjectPlan] = {}
        for name, shape in (("articles", "article"), ("checkpoints", "checkpoint")):
            if name in doc.fields:
                nested[name] = self.targets.object(
                    doc.fields[name],
                    SHAPES[shape],
                    (*at, name),
                    f"trackings.{name}",
                    f"{target}.{name}",
                )
        when = self.condition(doc.when, ("trackings", "when"))
        if not doc.key and not self.scope.unsure(("trackings", "key")):
            hint = "name the columns that tell the parcels of an order apart"
            self.scope.mistake(
                "M102", "a tracking needs a key", ("trackings", "key"), hint, key=True
            )
        key, key_columns = self.key(doc.key, ("trackings", "key"), None)
        if key is None:
            return None
        return TrackingsPlan(
            key=key, key_columns=key_columns, when=when, tracking=tracking,
            articles=nested.get("articles"), checkpoints=nested.get("checkpoints"),
            line=self.scope.document.key_place(("trackings",)).line,
        )  # fmt: skip

    def _identity(self, given: set[str], at: Path) -> None:
        if self.scope.unsure(at):
            return
        groups: dict[str, set[str]] = {}
        for field in SHAPES["tracking"].fields:
            if field.identity is not None:
                groups.setdefault(field.identity, set()).add(field.name)
        given = meant_by(SHAPES["tracking"], given)
        if not any(members <= given for members in groups.values()):
            ways = " or ".join(" and ".join(sorted(members)) for members in groups.values())
            self.scope.mistake(
                "M108", "the tracking cannot be identified", at, f"map {ways}", key=True
            )

    def mutation(self, index: int, doc: MutationDoc) -> MutationPlan | None:
        """One entry of `mutations`, which counts from 0; None where its type is not known."""
        at: Path = ("mutations", index)
        given = [(scope, sql) for scope, sql in (
            (MutationScope.ROW, doc.when), (MutationScope.ALL, doc.when_all),
            (MutationScope.ANY, doc.when_any)) if sql is not None]  # fmt: skip
        if len(given) > 1:
            self.scope.mistake("M103", "a mutation has one condition", at, "keep one `when`")
        when = [self.condition(sql, (*at, _WORDS[scope])) for scope, sql in given]
        if self.scope.unsure(at, (*at, "type")) and doc.type not in MUTATIONS:
            return None
        if doc.type not in MUTATIONS:
            hint = did_you_mean(doc.type, MUTATIONS) or f"one of: {', '.join(MUTATIONS)}"
            self.scope.mistake("M104", f'"{doc.type}" is not a mutation', (*at, "type"), hint)
            return None
        if doc.type == "add_tracking":
            text = "add_tracking is made by the section `trackings`"
            self.scope.mistake("M103", text, (*at, "type"), "move it there")
            return None
        # cancelling belongs to the order: without a word it needs every row to agree
        scope, sql = given[0] if given else (MutationScope.ROW, None)
        if doc.type == "cancel_order" and scope is MutationScope.ROW and sql is not None:
            text = "cancel_order concerns the whole order, `when` a single row"
            hint = "use `when_all` (every row of the order) or `when_any`"
            self.scope.mistake("M103", text, (*at, "when"), hint, key=True)
        body = self.targets.object(
            doc.fields, SHAPES[doc.type], (*at, "fields"), f"mutations.{index}", f"mutations.{doc.type}",
            name=doc.type,
        )  # fmt: skip
        if doc.type == "cancel_tracking" and isinstance(doc.fields.get("tracking"), dict):
            self._identity(set(doc.fields["tracking"]), (*at, "fields", "tracking"))
        return MutationPlan(
            index=index, type=doc.type, scope=scope, when=when[0] if when else None,
            body=body, line=self.scope.document.place(at).line,
        )  # fmt: skip
