"""`python -m pipeline`, and the console script."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from pipeline.cli.app import cli

        cli()
    except KeyboardInterrupt:  # while the program was still being loaded
        sys.exit(130)


if __name__ == "__main__":
    main()
