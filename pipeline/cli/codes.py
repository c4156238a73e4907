"""Every code a message can carry: configuration (C), mapping (M, W) and findings (R, H, A, U, N).

Write docs/codes.md anew from the top of the checkout with

    python -m pipeline.cli.codes > docs/codes.md
"""

import difflib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.mapping.mistakes import MISTAKES
from pipeline.model.rules import RULES, Rule, Stage


@dataclass(frozen=True, slots=True)
class Code:
    """One code as `explain` shows it; `owner` and `severity` are empty where they mean nothing."""

    code: str
    group: str
    title: str
    why: str
    fix: str
    owner: str = ""
    severity: str = "error"

    @property
    def weight(self) -> str:
        """What it does where that is not what an error does, in brackets."""
        if self.group == _GROUP_OF_STAGE[Stage.EXPECTED]:
            return " (stops the run, unless told to warn)"
        return "" if self.severity == "error" else f" ({self.severity})"


_GROUP_OF_STAGE = {
    Stage.READ: "Reading a file",
    Stage.CONVERT: "Converting a cell",
    Stage.LOOKUP: "Lookup tables",
    Stage.RULES: "Rules of the result",
    Stage.GROUP: "Held back",
    Stage.API: "Answers of the API",
    Stage.NETWORK: "Unclear or not sent",
    Stage.EXPECTED: "Not as the mapping expects",
    Stage.NIGHTS: "Unlike the nights before",
    Stage.FILE: "Files as a whole",
}
_SETUP, _GUARD, _STATE, _MAPPING = "Set-up", "Safety stops", "Plans and runs", "Mapping"

_CONFIGURATION = (
    ("C100", _SETUP, "Configuration not readable", "the file is not TOML in UTF-8",
     "correct the place that is named"),
    ("C101", _SETUP, "Value cannot be used",
     "an option, an environment variable or a key has a value of the wrong kind",
     "correct it where the message says it comes from"),
    ("C102", _SETUP, "Unknown key", "a typo in the configuration must not pass silently",
     "correct or remove the key; `pipeline config show` lists the known ones"),
    ("C103", _SETUP, "File does not exist", "a file that was named is not there, or not readable",
     "check the path"),
    ("C104", _SETUP, "Two mappings of one name", "the report tells mappings apart by `name:`",
     "rename one of them"),
    ("C105", _SETUP, "Setting missing", "where orders go is never guessed",
     "set the key in the profile"),
    ("C106", _SETUP, "Host not allowed", "the token and the orders go to parcelLab or to this machine only",
     "use one of the presets product-api, api, eu, us, or an address of this machine"),
    ("C107", _SETUP, "Production is not named",
     "the default profile is the sandbox, so that nothing is sent to customers by mistake",
     "use `--profile prod`, and set base_url in [profile.prod]"),
    ("C108", _SETUP, "No token", "sending needs the token of the account, and it was not found",
     "set PARCELLAB_TOKEN, PARCELLAB_TOKEN_FILE, token_file or token_command"),
    ("C109", _SETUP, "Token cannot be right", "the text has a form that no token has, or is of another account",
     "copy it again, exactly as the portal shows it"),
    ("C110", _SETUP, "Nobody to ask", "the run wants a confirmation and there is no terminal",
     "add --yes, or set auto_approve = true in the profile"),
    ("C111", _SETUP, "Nothing to run", "`run` takes a plan, or files and a mapping",
     "name a plan, or give -m MAPPING and files"),
    ("C112", _SETUP, "No files named", "without files, the mapping's `source.files` says what to read",
     "name files or folders, or add `source.files` to the mapping"),
    ("C113", _SETUP, "Unknown code or topic", "there is no such code", "check the spelling"),
    ("C114", _SETUP, "File exists already", "what somebody wrote is not written over",
     "remove the file first, or name another one"),
    ("C115", _SETUP, "Sandbox cannot start", "its port, its data or its faults cannot be used",
     "correct what the message names"),
    ("C116", _SETUP, "Unknown profile", "the profiles are `sandbox`, `prod` and those of the file",
     "correct the name"),
    ("C117", _SETUP, "Ledger in order", "a ledger is given up only when it is damaged: without it every order is sent again",
     "leave out --new-ledger"),
    ("C118", _SETUP, "Not for a plan", "`run PLAN` sends what was planned, no less and nothing else",
     "give the option to `pipeline plan`"),
    ("C119", _SETUP, "No such order", "`--only-order` and `mapping show` name an order that is in none of the files, `purge` one of which nothing is kept",
     "check the order number; a typo must not pass for an order that has nothing to send"),
    ("C120", _GUARD, "Too few rows", "an export that shrank may have been cut off",
     "look at the files; lower --min-rows if they are complete"),
    ("C121", _GUARD, "Too many orders", "a run much larger than usual may be the wrong file",
     "look at the files; raise --max-orders if they are right"),
    ("C122", _GUARD, "Too many orders held back", "so many faults at once mostly have one cause",
     "look at the report of the stopped run; raise --max-reject-rate to send the rest"),
    ("C123", _GUARD, "Not confirmed", "production, and old orders, are sent only when a person agrees",
     "type what is asked for, or give --yes"),
    ("C124", _GUARD, "Far fewer rows than usual", "an export that shrank may have been cut off",
     "look at the files; if they are complete, run again with --max-row-drop off"),
    ("C125", _GUARD, "Unlike the nights before", "the configuration wants a run to stop when its files are unlike those of the last nights",
     "look at the files; if they are right, run again with --drift warn"),
    ("C126", _GUARD, "Old orders to real people", "orders that are new to parcelLab and older than 30 days may make it write to their customers",
     "import the past with --backfill; or run again with --old-orders warn if the orders are right"),
    ("C127", _GUARD, "Not as the mapping expects", "a file is not what `source.expect` declares of it, so it is not whole or not tonight's",
     "look at the files; if they are right, run again with --expectations warn"),
    ("C130", _STATE, "Plan exists already", "a plan is not written over", "choose another --out"),
    ("C131", _STATE, "Not a plan", "the folder was not made by `pipeline plan`",
     "make one with `pipeline plan`"),
    ("C132", _STATE, "No such run", "the ledger does not know it, or nothing of it is open",
     "`pipeline status` shows the last runs"),
    ("C133", _STATE, "Run of another endpoint", "a run goes on only at the account and the host where it began",
     "name its profile with --profile, or set `base_url` and `account` of the profile in pipeline.toml back to those that the message names"),
    ("C134", _STATE, "Prepared data is gone", "the folder of the run was removed",
     "run the import again: what arrived is not sent twice"),
    ("C135", _STATE, "Plan is stale", "a file, a mapping, the program or the ledger changed after planning",
     "make a new plan"),
    ("C136", _STATE, "Plan was changed", "what is sent must be what was checked and shown",
     "make a new plan"),
    ("C137", _STATE, "Plan of another profile",
     "what was looked at for one account must not go to another one",
     "send it with the profile it was made for, or make a new plan"),
    ("C138", _STATE, "No open item", "the order is not among those that wait to arrive at this account",
     "`pipeline open-items list` shows them; they are kept apart for each profile's account"),
    ("C140", _STATE, "Not a file to correct", "`retry` finds run and mapping through the columns _import_…",
     "retry a file of rejected/ beside a report as CSV, with these columns in it"),
    ("C141", _STATE, "Mapping not clear", "rows are read by the mapping that read them before, never by a guess",
     "name the mapping with -m, or retry the files of each mapping on their own"),
    ("C143", _STATE, "No such cause in the run", "no refused order of the run has the cause or the owner that is named",
     "name one of those that it has, or leave the option out for all of them"),
    ("C144", _SETUP, "No such row", "`mapping show` names a line on which no row begins: it may be the header, a line within a cell, or left out; or, of several files, one that is not among them",
     "take the line on which a row begins; the message names those around it, or the files"),
    ("C142", _STATE, "Half an order", "an order has rows in files that are not retried with this one, has arrived without these rows, or one of its rows stands in two of the files",
     "name all files with rows of the order; import one that has arrived, or has rows in an EDI file, as a whole with `pipeline run`; take a row that stands in two files out of one of them"),
)  # fmt: skip


def _of_rule(rule: Rule) -> Code:
    return Code(
        rule.code,
        _GROUP_OF_STAGE[rule.stage],
        rule.title,
        rule.why,
        rule.fix,
        rule.owner.value,
        rule.severity.value,
    )


CODES: Mapping[str, Code] = {
    code.code: code
    for code in (
        *(Code(*row) for row in _CONFIGURATION),
        *(
            Code(m.code, _MAPPING, m.title, m.why, m.fix, "Mapping",
                 "warning" if m.code.startswith("W") else "error")
            for m in MISTAKES.values()
        ),
        *(_of_rule(rule) for rule in RULES.values()),
    )
}  # fmt: skip

_INTRODUCTION = """\
# Codes

Every message carries one of these codes; `pipeline explain CODE` prints its entry. This page is
made from the catalogues in the program (`python -m pipeline.cli.codes > docs/codes.md`); change
the rows there, not this text.
"""

_EXPECTED = """\
Each of these stops the run before anything is sent (exit 7, C127), unless the mapping says `on_broken: warn` (of F105
`on_missing: warn`) or the run `--expectations warn`: then they are warnings.
"""


def find_code(text: str) -> Code | None:
    """Give the entry of a code, written in either case."""
    return CODES.get(text.strip().upper())


def near_codes(text: str) -> list[str]:
    """Give up to three codes that a wrong one may mean.

    >>> near_codes("R40I")
    ['R401']
    """
    word = text.strip().upper()
    close = difflib.get_close_matches(word, CODES, n=3, cutoff=0.7)
    return [code for code in close if code[:1] == word[:1]][:3]


def codes_page() -> str:
    """Give the page of all codes."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from _INTRODUCTION.splitlines()
    for group in dict.fromkeys(code.group for code in CODES.values()):
        yield from ("", f"## {group}", "")
        if group == _GROUP_OF_STAGE[Stage.EXPECTED]:
            yield from (*_EXPECTED.splitlines(), "")
        yield from ("| code | what | why | what to do | who |", "|---|---|---|---|---|")
        for code in CODES.values():
            if code.group == group:
                who = code.owner + code.weight
                cells = (f"`{code.code}`", code.title, code.why, code.fix, who.strip())
                yield "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(codes_page())
