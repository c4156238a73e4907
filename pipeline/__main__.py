"""`python -m pipeline`, and the console script."""

from pipeline.cli.app import cli


def main() -> None:
    """Run the command line and exit with its code."""
    cli()


if __name__ == "__main__":
    main()
