"""Who can fix a problem: the rule's owner, unless the API's field or the configuration says more."""

from collections.abc import Mapping

from pipeline.model.rules import RULES, Owner, Stage

# What the API refuses about these is unknown to the account, not wrong in the data (REPORT §3).
SETUP_FIELDS = frozenset({"courier", "delivery_method", "client_key", "account"})

_TASKS = {
    Owner.DATA.value: "corrects the export or its cells",
    Owner.MAPPING.value: "corrects the mapping file",
    Owner.SETUP.value: "settles it with parcelLab",
    Owner.AUTOMATIC.value: "nothing to do",
}


def owner_of(
    code: str, column: str | None, target: str | None, owners: Mapping[str, str] | None = None
) -> str:
    """Name the owner of a problem.

    `owners` overrides, the most precise key first: "A401:courier" (the last part of the field, the
    whole field, or the column), "A4xx:courier", "A401", "A4xx".

    >>> owner_of("A401", None, "mutations.0.tracking.courier")
    'parcelLab set-up'
    >>> owner_of("A401", None, "tracking.courier", {"A401:courier": "Logistics (Jana)"})
    'Logistics (Jana)'
    >>> owner_of("R301", "E-Mail", "recipient_email")
    'Data source'
    """
    leaf = (target or "").rpartition(".")[2]
    family = f"{code[:2]}xx"
    subjects = [subject for subject in (target, leaf, column) if subject]
    keys = [f"{head}:{subject}" for head in (code, family) for subject in subjects]
    for key in (*keys, code, family):
        if owners and key in owners:
            return owners[key]
    rule = RULES[code]
    if rule.stage is Stage.API and leaf in SETUP_FIELDS:
        return Owner.SETUP.value
    return rule.owner.value


def task_of(owner: str) -> str:
    """Say in general what an owner of the rules does; nothing of one that the configuration names.

    >>> task_of("Mapping"), task_of("Logistics (Jana)")
    ('corrects the mapping file', '')
    """
    return _TASKS.get(owner, "")
