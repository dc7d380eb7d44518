"""What is said of the endpoint that Stripe has for this shop."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from booking.config import AppEnv
from booking.gateways.payments import EventEndpoint, GatewayRefused, GatewayUnavailable
from booking.gateways.stripe_objects import READERS
from booking.runtime import Runtime
from booking.services.endpoint import Finding, check_endpoint

HOME = "https://stay.example.org"
URL = f"{HOME}/webhooks/stripe/"
WELL = EventEndpoint(URL, True, frozenset({"*"}), None)


def _check(app: Flask, answer: Any, env: AppEnv = AppEnv.PRODUCTION) -> list[Finding]:
    """What is told where Stripe answers so."""
    runtime: Runtime = app.extensions["holdfast"]
    payments = runtime.payments

    class Told:
        event_needs = staticmethod(payments.event_needs)

        def list_endpoints(self) -> list[EventEndpoint]:
            if isinstance(answer, Exception):
                raise answer
            return answer

    settings = replace(runtime.settings, app_base_url=HOME, app_env=env)
    with app.app_context():
        return check_endpoint(replace(runtime, settings=settings, payments=Told()))  # type: ignore[arg-type]


def test_an_endpoint_that_is_sent_everything_is_well(app: Flask) -> None:
    found = _check(app, [WELL])

    assert [(line.name, line.is_well) for line in found] == [("endpoint", True), ("api version", True)]
    assert URL in found[0].text


def test_the_last_slash_of_the_address_does_not_matter(app: Flask) -> None:
    assert _check(app, [replace(WELL, url=URL.rstrip("/"))])[0].is_well


def test_types_that_are_not_sent_are_named(app: Flask) -> None:
    needs = frozenset(READERS)
    some = needs - {"refund.failed", "charge.refunded"}

    found = _check(app, [replace(WELL, event_types=frozenset(some))])

    assert found[0] == Finding("endpoint", False, f"{URL} is not sent charge.refunded, refund.failed")


def test_an_endpoint_that_is_switched_off_is_a_problem(app: Flask) -> None:
    found = _check(app, [replace(WELL, is_enabled=False)])

    assert found[0] == Finding("endpoint", False, f"{URL} is switched off at Stripe")


@pytest.mark.parametrize("others", [[], [replace(WELL, url="https://elsewhere.example.org/webhooks/stripe/")]])
def test_no_endpoint_is_a_problem_in_production_alone(app: Flask, others: list[EventEndpoint]) -> None:
    production, development = _check(app, others), _check(app, others, AppEnv.DEVELOPMENT)

    assert (production[0].is_well, development[0].is_well) == (False, True)
    assert "stripe listen" in development[0].text


def test_an_endpoint_of_another_version_is_told(app: Flask) -> None:
    found = _check(app, [replace(WELL, api_version="2020-08-27", must_be_fetched=True)])

    assert "2020-08-27" in found[1].text


@pytest.mark.parametrize(
    ("answer", "is_well", "words"),
    [(GatewayRefused("no"), True, "not looked at"), (GatewayUnavailable("silent"), False, "did not answer")],
)
def test_what_cannot_be_asked_is_told(app: Flask, answer: Exception, is_well: bool, words: str) -> None:
    (found,) = _check(app, answer)

    assert found.is_well is is_well
    assert words in found.text
