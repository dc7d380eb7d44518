"""Every operation answers, every state is reached, and the judges have nothing to say to any of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from fakestripe.calls import Operation
from fakestripe.resources import OPERATIONS
from tests.stripe_judges import differences, verdicts
from tests.stripe_judges.description import Description
from tests.stripe_judges.tour import STOPS
from tests.stripe_judges.tourist import Tourist
from tests.support import servers
from tests.support.recordings import recordings


@dataclass
class Travelogue:
    """What was recorded on the way, and at which stops something broke."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    broken: dict[str, Exception] = field(default_factory=dict)

    def answers(self, operation: Operation) -> int:
        """How often an operation answered with success."""
        done = [line for line in self.lines if line["kind"] == "exchange" and line["status"] == 200]
        return sum(operation.match(line["method"], line["path"]) is not None for line in done)


@pytest.fixture(scope="module")
def travelogue() -> Travelogue:
    log = Travelogue()
    with servers.fakestripe() as simulated:
        for stop in STOPS:
            simulated.post("reset")
            try:
                stop(Tourist(simulated))
            except Exception as error:
                log.broken[stop.__name__] = error
        log.lines = list(recordings.kept[-1].fresh())
    return log


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.__name__)
def test_each_stop_of_the_tour_is_reached(travelogue: Travelogue, stop: Callable[[Tourist], None]) -> None:
    if stop.__name__ in travelogue.broken:
        raise travelogue.broken[stop.__name__]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}")
def test_each_operation_is_on_the_tour(travelogue: Travelogue, operation: Operation) -> None:
    assert travelogue.answers(operation) > 0


def test_each_operation_is_one_of_stripes(judge: Description) -> None:
    ours = [(operation.method, re.sub(r"\{\w+\}", "x", operation.path)) for operation in OPERATIONS]
    unknown = [path for method, path in ours if judge.operation(method, path) is None]

    assert [path for path in unknown if not differences.is_undescribed(path)] == []


@pytest.mark.usefixtures("judge")
def test_no_judge_has_a_word_to_say(travelogue: Travelogue) -> None:
    assert len(travelogue.lines) > 400
    assert {word for line in travelogue.lines for word in verdicts.on_line(line)} == set()


@pytest.mark.usefixtures("judge")
def test_each_allowed_difference_is_needed(travelogue: Travelogue) -> None:
    words = {word for line in travelogue.lines for word in verdicts.everything_on(line)}

    assert set(differences.ALLOWED) - {differences.allowance(word) for word in words} == set()


def test_each_undescribed_call_is_made(travelogue: Travelogue) -> None:
    paths = {line["path"] for line in travelogue.lines if line["kind"] == "exchange"}

    assert [form for form in differences.UNDESCRIBED if not any(re.fullmatch(form, path) for path in paths)] == []


def test_events_of_every_area_are_told(travelogue: Travelogue) -> None:
    told = {line["event"]["type"] for line in travelogue.lines if line["kind"] == "event"}

    assert EXPECTED - told == set()


EXPECTED = set(
    """
    billing_portal.configuration.created billing_portal.session.created charge.captured charge.dispute.closed
    charge.dispute.created charge.dispute.funds_reinstated charge.dispute.funds_withdrawn charge.dispute.updated
    charge.failed charge.refund.updated charge.refunded charge.succeeded charge.updated
    checkout.session.async_payment_failed checkout.session.async_payment_succeeded checkout.session.completed
    checkout.session.expired customer.created customer.deleted customer.subscription.created
    customer.subscription.deleted customer.subscription.trial_will_end customer.subscription.updated customer.updated
    invoice.created invoice.finalized invoice.paid invoice.payment_failed invoice.payment_succeeded invoice.voided
    invoiceitem.created invoiceitem.deleted payment_intent.amount_capturable_updated payment_intent.canceled
    payment_intent.created payment_intent.payment_failed payment_intent.processing payment_intent.requires_action
    payment_intent.succeeded payment_method.attached payment_method.detached payment_method.updated price.created
    price.updated product.created product.deleted product.updated refund.created refund.failed refund.updated
    setup_intent.canceled setup_intent.created setup_intent.requires_action setup_intent.setup_failed
    setup_intent.succeeded
    """.split()
)
