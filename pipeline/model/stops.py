"""The one kind of trouble that is an exception: the run cannot go on (STYLE §1).

StopRun
├── SourceUnusable      exit 4   an input file cannot be used; nothing of it is sent
└── subclasses of the packages that raise them (mapping, config, ledger, send)
"""


class StopRun(Exception):  # noqa: N818 - it names what happens, not an error of ours
    """The run cannot go on; says what, where and how to fix in words for a person.

    `code` is a code that `pipeline explain` knows, `place` a file and line, `exit_code` the
    process's exit code (CLI §3).
    """

    exit_code: int = 2

    def __init__(
        self,
        message: str,
        *,
        help: str = "",  # noqa: A002 - it is what the message calls it
        code: str | None = None,
        place: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.code = code
        self.place = place


class SourceUnusable(StopRun):
    """An input file is missing, unreadable or not what the mapping declares (exit 4)."""

    exit_code = 4
