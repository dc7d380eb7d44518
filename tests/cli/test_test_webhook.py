"""`flask test-webhook`: real signatures, the real route, and a report of what it did."""

import json
from dataclasses import replace

import pytest
from click.testing import Result

from booking.cli.made_up_events import KNOWN_TYPES
from booking.cli.webhooks import test_webhook as command
from booking.config import AppEnv
from booking.gateways.stripe_objects import READERS
from tests.support.cards import place_with_card
from tests.support.later import let_pay_later
from tests.support.shop import Shop


def run(shop: Shop, event_type: str = "checkout.session.completed", *more: str, booking_id: int = 1) -> Result:
    args = ["test-webhook", "--booking-id", str(booking_id), "--event-type", event_type, *more]
    return shop.app.test_cli_runner().invoke(args=args)


def report(shop: Shop, *args: str) -> dict:
    result = run(shop, *args, "--json")
    return json.loads(result.stdout.strip().splitlines()[-1])


@pytest.fixture
def booked(small_shop: Shop) -> Shop:
    """A shop with one booking that waits for its payment."""
    small_shop.book(small_shop.stay())
    return small_shop


def test_completed_checkout_confirms_the_booking_and_shows_before_and_after(booked: Shop) -> None:
    result = run(booked)

    assert result.exit_code == 0, result.output
    assert 'answer: 200 {"status":"success"}' in result.output.replace('": "', '":"')
    assert "before: pending, unpaid" in result.output
    assert "after: confirmed, paid" in result.output
    assert "timeline: confirmed: webhook evt_test_" in result.output
    assert booked.state(1) == ("confirmed", "paid")


def test_a_card_that_is_kept_confirms_a_booking_that_is_paid_later(small_shop: Shop) -> None:
    let_pay_later(small_shop)
    booking_id = place_with_card(small_shop, small_shop.stay(ahead=60))
    small_shop.check_out(booking_id)
    small_shop.breaks = {"I5"}  # nobody at Stripe knows of this card, so it cannot be looked up

    result = run(small_shop, booking_id=booking_id)

    assert "after: confirmed, unpaid" in result.output
    assert small_shop.payments(booking_id) == []


def test_second_run_is_another_event_about_the_same_payment_and_changes_nothing(booked: Shop) -> None:
    run(booked)

    result = run(booked)

    assert "changed: nothing" in result.output
    assert len(booked.payments(1)) == 1


def test_duplicates_at_once_have_one_effect(booked: Shop) -> None:
    told = report(booked, "checkout.session.completed", "--duplicates", "8", "--concurrent", "4")

    assert [answer["status"] for answer in told["answers"]] == [200] * 8
    assert len(booked.payments(1)) == 1
    assert booked.mails(1) == ["confirmed", "new_booking"]


@pytest.mark.parametrize("option", ["--bad-signature", "--stale"])
def test_signature_is_really_checked(booked: Shop, option: str) -> None:
    told = report(booked, "checkout.session.completed", option)

    assert [answer["status"] for answer in told["answers"]] == [400]
    assert told["changed"] == {}


@pytest.mark.parametrize("option", ["--wrong-amount", "--wrong-currency"])
def test_wrong_money_confirms_nothing(booked: Shop, option: str) -> None:
    told = report(booked, "checkout.session.completed", option)

    assert [answer["status"] for answer in told["answers"]] == [200]
    assert told["after"]["booking.status"] == "pending"
    assert told["after"]["booking.needs_review"] == "True"


@pytest.mark.parametrize("option", ["--other-instance", "--live-event"])
def test_event_of_another_shop_or_mode_is_ignored(booked: Shop, option: str) -> None:
    told = report(booked, "checkout.session.completed", option)

    assert json.loads(told["answers"][0]["body"]) == {"status": "ignored"}
    assert booked.state(1) == ("pending", "unpaid")


def test_every_known_type_is_understood_after_the_payment(booked: Shop) -> None:
    run(booked)

    told = {event_type: report(booked, event_type)["answers"][0] for event_type in KNOWN_TYPES}

    assert {event_type: answer for event_type, answer in told.items() if answer["status"] != 200} == {}
    assert booked.booking(1).status == "confirmed"


def test_every_type_that_is_about_a_booking_can_be_made_up() -> None:
    """Those of memberships are about no booking, and the command is."""
    of_memberships = {name for name in READERS if name.startswith(("customer.subscription.", "invoice."))}

    assert set(READERS) - of_memberships == set(KNOWN_TYPES)


def test_declined_card_moves_nothing(booked: Shop) -> None:
    told = report(booked, "payment_intent.payment_failed")

    assert booked.state(1) == ("pending", "unpaid")
    assert [line.split(":")[0] for line in told["timeline"]] == ["card_declined"]


def test_expired_checkout_frees_the_nights(booked: Shop) -> None:
    run(booked, "checkout.session.expired")

    assert booked.state(1) == ("expired", "unpaid")
    assert booked.nights(1) == []


def test_unknown_type_is_sent_as_it_is(booked: Shop) -> None:
    assert json.loads(report(booked, "customer.created")["answers"][0]["body"]) == {"status": "ignored"}


def test_url_sends_over_http(booked: Shop) -> None:
    result = run(booked, "checkout.session.completed", "--url", booked.url)

    assert result.exit_code == 0, result.output
    assert booked.state(1) == ("confirmed", "paid")


def test_server_that_does_not_answer_is_one_line(booked: Shop) -> None:
    result = run(booked, "checkout.session.completed", "--url", "http://127.0.0.1:1")

    assert result.exit_code == 1
    assert "does not answer" in result.output


def test_unknown_booking_is_one_line(booked: Shop) -> None:
    result = run(booked, booking_id=99)

    assert result.exit_code == 1
    assert result.output.strip().endswith("Error: We cannot find that booking.")


@pytest.mark.parametrize(
    "changes",
    [{"app_env": AppEnv.PRODUCTION}, {"stripe_secret_key": "sk_live_0123456789abcdef"}],
    ids=["production", "live key"],
)
def test_never_where_it_could_hand_out_a_real_stay(booked: Shop, changes: dict) -> None:
    settings = replace(booked.runtime.settings, **changes)
    booked.app.extensions["holdfast"] = replace(booked.runtime, settings=settings)

    result = run(booked)

    assert result.exit_code == 1
    assert "never runs" in result.output
    assert booked.state(1) == ("pending", "unpaid")


def test_booking_without_a_session_yet_can_be_told_of_too(small_shop: Shop) -> None:
    small_shop.place(small_shop.stay())

    assert run(small_shop).exit_code == 0
    assert small_shop.state(1) == ("confirmed", "paid")


def test_command_is_no_test() -> None:
    assert command.name == "test-webhook"
