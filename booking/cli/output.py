"""What commands share: saying no in one line, and JSON for scripts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import click

from booking.domain.errors import BookingError
from booking.gateways.payments import PaymentGatewayError

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Span(click.ParamType[timedelta]):
    """A time span as people type it: 90m, 12h, 4d, 2w."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        number, unit = str(value)[:-1], str(value)[-1:]
        if unit not in _UNITS or not (number.isascii() and number.isdigit()) or len(number) > 4:
            self.fail(f"{value!r} is no time span; write 90m, 12h, 4d or 2w", param, ctx)
        return timedelta(**{_UNITS[unit]: int(number)})


@contextmanager
def refusals_in_one_line() -> Iterator[None]:
    """A refusal that was to be expected is one line and exit code 1, never a traceback."""
    try:
        yield
    except BookingError as error:
        raise click.ClickException(error.user_message) from error
    except PaymentGatewayError as error:
        raise click.ClickException(f"Stripe: {error.code}: {error}") from error


def print_json(data: object) -> None:
    """The one line that a script reads."""
    click.echo(json.dumps(data, default=str))
