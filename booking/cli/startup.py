"""Saying in plain lines why the shop does not start. `python -m booking.cli.startup` checks and starts nothing."""

import sys

from flask import Flask

from booking.config import ConfigurationError


def load_app() -> Flask:
    """The app; or each reason against it as a line of its own, and exit code 1, instead of a traceback."""
    from booking import create_app

    try:
        return create_app()
    except ConfigurationError as error:
        for problem in error.problems:
            print(f"PROBLEM  {problem}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    load_app()
