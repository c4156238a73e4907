"""The API's side of a mapping: trees of target fields, checked against the contract catalogue."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from pipeline.mapping.columns import Scope
from pipeline.mapping.combine import Value
from pipeline.mapping.document import Data, Path
from pipeline.mapping.listing import ELSEWHERE
from pipeline.mapping.mistakes import did_you_mean, nearest
from pipeline.mapping.plan import Aggregate, FieldPlan, ListPlan, Member, ObjectPlan
from pipeline.mapping.values import Target, Values
from pipeline.model.catalogue import SHAPES
from pipeline.model.field import Field, Kind, Shape, Use

# A number without its unit means the API's default, silently (CONTRACT K15, K16).
_UNITS: Mapping[str, tuple[str, ...]] = {
    "weight_unit": ("weight",),
    "length_unit": ("width", "height", "length"),
    "shipping_weight_unit": ("shipping_weight_total",),
    "shipping_dimensions_unit": ("shipping_height", "shipping_width", "shipping_length"),
}

_NUMERIC = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.MONEY, Kind.AMOUNT})
_ORDERED = _NUMERIC | {Kind.DATE, Kind.DATETIME}
_ANY_VALUE = Field(name="value", kind=Kind.ANY, doc="any value")


def meant_by(shape: Shape, given: Collection[str]) -> set[str]:
    """The names of fields that are given, and those that a name with a typo was probably meant to be.

    A field that is there with a typo in its name is not missing as well.
    """
    names = [each.name for each in shape.writable]
    near = {nearest(name, names) for name in given if shape.field(name) is None}
    return {*given, *(name for name in near if name is not None)}


@dataclass(frozen=True, slots=True)
class Targets:
    """Compiles target trees; mistakes go to the scope."""

    scope: Scope
    values: Values

    def object(
        self, data: Data, shape: Shape, path: Path, slot: str, target: str,
        *, apart: frozenset[str] = frozenset(), name: str = "",
    ) -> ObjectPlan:  # fmt: skip
        """Compile the table of one object; `apart` names members that the caller compiles."""
        members: list[Member] = []
        if not isinstance(data, dict):
            text = f"{shape.name.replace('_', ' ')} is a table of fields"
            self.scope.mistake("M103", text, path, "write fields and their values below it")
            return ObjectPlan(
                name=name or shape.name, slot=slot, target=target, shape=shape, members=()
            )
        for key, value in data.items():
            if key in apart:
                continue
            field = self._field(key, shape, (*path, key))
            if field is not None:
                inner = f"{target}.{key}" if target else key
                made = self._member(field, value, (*path, key), f"{slot}.{key}", inner)
                members += [made] if made is not None else []
        self._complete(shape, meant_by(shape, data), path)
        order = {field.name: rank for rank, field in enumerate(shape.fields)}
        members.sort(key=lambda member: order[member.name])
        line = self.scope.document.key_place(path).line
        return ObjectPlan(name=name or shape.name, slot=slot, target=target, shape=shape,
                          members=tuple(members), line=line)  # fmt: skip

    def _field(self, key: str, shape: Shape, path: Path) -> Field | None:
        field = shape.field(key)
        if field is None:
            names = [each.name for each in shape.writable]
            what = "order" if shape.name == "order" else shape.name.replace("_", " ")
            hint = did_you_mean(key, names) or f"there are: {', '.join(names)}"
            self.scope.mistake(
                "M101", f'parcelLab {what} has no field "{key}"', path, hint, key=True
            )
            return None
        if key in ELSEWHERE:
            self.scope.mistake(
                "M106", f'"{key}" is not mapped here', path, ELSEWHERE[key], key=True
            )
            return None
        if field.server_owned:
            text = f'parcelLab sets "{key}" itself'
            self.scope.mistake("M106", text, path, "remove it", key=True)
            return None
        return field

    def _complete(self, shape: Shape, given: set[str], path: Path) -> None:
        if self.scope.unsure(path):
            return
        missing = [
            field.name for field in shape.writable
            if field.use is Use.INSIDE and field.name not in given and field.name not in ELSEWHERE
        ]  # fmt: skip
        if missing:
            text = f"{shape.name.replace('_', ' ')} needs {', '.join(missing)}"
            self.scope.mistake("M107", text, path, "map all of them, or none", key=True)
        for unit, numbers in _UNITS.items():
            measured = [name for name in numbers if name in given and shape.field(unit) is not None]
            if measured and unit not in given:
                hint = f"without it parcelLab takes its default; add {unit}: {{value: …}}"
                self.scope.mistake("M107", f"{measured[0]} needs {unit}", path, hint, key=True)

    def _member(
        self, field: Field, data: Data, path: Path, slot: str, target: str
    ) -> Member | None:
        if field.kind is Kind.OBJECT:
            shape = SHAPES[str(field.shape)]
            return self.object(data, shape, path, slot, target, name=field.name)
        if field.kind is Kind.FREE_OBJECT or field.name == "additional_fields":
            made = self._table(field, data, path, slot, target)
            return ObjectPlan(name=field.name, slot=slot, target=target, shape=None,
                              members=made.items if made else ())  # fmt: skip
        lists = {
            Kind.OBJECTS: self._objects,
            Kind.TEXTS: self._texts,
            Kind.CHOICES: self._texts,
            Kind.ATTRIBUTES: self._table,
            Kind.FREE_OBJECTS: self._free_objects,
        }
        if field.kind in lists:
            return lists[field.kind](field, data, path, slot, target)
        return self.leaf(field, data, path, slot, target)

    def leaf(self, field: Field, data: Data, path: Path, slot: str, target: str,
             name: str = "") -> FieldPlan | None:  # fmt: skip
        """Compile one value for one field."""
        listed = field.kind in {Kind.TEXTS, Kind.CHOICES}
        made = self.values.value(data, Target(Kind.TEXT if listed else field.kind, field), path)
        if made is None:
            return None
        self._aggregate(made, path, slot, listed=listed)
        line = self.scope.document.key_place(path).line
        plan = _field_plan(made, field, slot, target, name or field.name, line)
        if made.bare is None or listed or not _of_one_value(plan):
            return plan
        return replace(plan, value=made.bare, fill=made.fill)

    def _aggregate(self, made: Value, path: Path, slot: str, *, listed: bool) -> None:
        at = (*path, "aggregate")
        if made.aggregate is None:
            return
        if listed or not slot.startswith("order."):
            hint = "a list gathers all rows by itself" if listed else "remove it"
            self.scope.mistake("M214", "only single fields of the order join rows", at, hint)
            return
        needs = _ORDERED if made.aggregate in {Aggregate.MIN, Aggregate.MAX} else _NUMERIC
        if made.aggregate is not Aggregate.FIRST and made.kind not in needs:
            what = "numbers" if needs is _NUMERIC else "numbers and dates"
            text = f"{made.aggregate.value} joins {what}, and this is {made.kind.value}"
            self.scope.mistake("M214", text, at, "use `aggregate: first`")

    def _objects(
        self, field: Field, data: Data, path: Path, slot: str, target: str
    ) -> Member | None:
        shape = SHAPES[str(field.shape)]
        listed = data if isinstance(data, list) else [data]
        at = path if isinstance(data, list) else None
        items = tuple(
            self.object(item, shape, (*path, i) if at else path, f"{slot}.{i}", f"{target}.{i}")
            for i, item in enumerate(listed)
        )
        return ListPlan(name=field.name, kind=field.kind, items=items)

    def _texts(self, field: Field, data: Data, path: Path, slot: str, target: str) -> Member | None:
        listed = data if isinstance(data, list) else [data]
        made = [
            self.leaf(field, item, (*path, i) if isinstance(data, list) else path,
                      f"{slot}.{i}", f"{target}.{i}")
            for i, item in enumerate(listed)
        ]  # fmt: skip
        return ListPlan(name=field.name, kind=field.kind, items=tuple(m for m in made if m))

    def _table(
        self, field: Field, data: Data, path: Path, slot: str, target: str
    ) -> ListPlan | None:
        if not isinstance(data, dict):
            text = f"{field.name} is a table of names and values"
            self.scope.mistake("M103", text, path, "{name: VALUE, …}")
            return None
        if "" in data:
            hint = "parcelLab shows the value by its name"
            self.scope.mistake(
                "M102", "a value of this table has no name", (*path, ""), hint, key=True
            )
        inner = SHAPES["attribute"].field("value") if field.kind is Kind.ATTRIBUTES else None
        value = inner or _ANY_VALUE
        made = [
            self.leaf(value, item, (*path, key), f"{slot}.{key}", f"{target}.{key}", key)
            for key, item in data.items()
        ]
        return ListPlan(name=field.name, kind=field.kind, items=tuple(m for m in made if m))

    def _free_objects(self, field: Field, data: Data, path: Path, slot: str, target: str) -> Member:
        listed = data if isinstance(data, list) else [data]
        items = []
        for i, item in enumerate(listed):
            at = (*path, i) if isinstance(data, list) else path
            made = self._table(field, item, at, f"{slot}.{i}", f"{target}.{i}")
            items.append(ObjectPlan(name=field.name, slot=f"{slot}.{i}", target=f"{target}.{i}",
                                    shape=None, members=made.items if made else ()))  # fmt: skip
        return ListPlan(name=field.name, kind=field.kind, items=tuple(items))


def _field_plan(
    made: Value, field: Field, slot: str, target: str, name: str, line: int
) -> FieldPlan:
    return FieldPlan(
        slot=slot, target=target, name=name, kind=made.kind, field=field, value=made.value,
        raw=made.raw, reason=made.reason, details=made.details, columns=made.columns, line=line,
        drop_on_error=made.drop_on_error, constant=made.constant, aggregate=made.aggregate,
        trail=made.trail,
    )  # fmt: skip


def _of_one_value(plan: FieldPlan) -> bool:
    """Whether the rows of an order, or of a parcel, have one value of this field together.

    The order number is left out: rows are brought together by it.
    """
    section, _, rest = plan.slot.partition(".")
    own = section == "trackings" and rest.partition(".")[0] in {"articles", "checkpoints"}
    return (
        section in {"order", "trackings"}
        and not own
        and plan.aggregate is None
        and rest != "order_number"
    )
