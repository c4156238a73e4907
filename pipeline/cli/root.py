"""The command itself, and the groups its verbs hang on."""

import click

from pipeline import __version__
from pipeline.cli.shape import WIDTH, Nouns, Reports, Root, global_options

_CONTEXT = {"max_content_width": WIDTH, "help_option_names": ["-h", "--help"]}


@click.group("pipeline", cls=Root, context_settings=_CONTEXT)
@click.version_option(__version__, "--version", prog_name="pipeline")
@global_options(hidden=False)
def cli() -> None:
    """Warehouse exports in, correct parcelLab orders out, a report that balances.

    The result goes to stdout, progress and log to stderr. The default profile is the sandbox;
    production is named: --profile prod.
    """


@cli.group("mapping", cls=Nouns, short_help="Begin, check and test mappings.")
def mapping_group() -> None:
    """Work on mappings."""


@cli.group("config", cls=Nouns, short_help="Show or begin the configuration.")
def config_group() -> None:
    """Look at the configuration, or begin one."""


@cli.group("edi", cls=Nouns, short_help="Look into an EDI file, or take it apart.")
def edi_group() -> None:
    """Look into EDI files, or take them apart."""


@cli.group("ledger", cls=Nouns, short_help="Check, count, export or thin out the ledger.")
def ledger_group() -> None:
    """Look after the ledger: what is known of each order, and what became of each run."""


@cli.group("report", cls=Reports, short_help="Make a run's report again, or the page of all runs.")
def report_group() -> None:
    """Work on reports. `pipeline report [RUN]` is short for `pipeline report build [RUN]`."""


@cli.group(
    "open-items", cls=Nouns, short_help="List the orders still missing, or close them by hand."
)
def open_items_group() -> None:
    """Orders that a run held back or saw refused, and that have not arrived since."""
