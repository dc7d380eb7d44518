"""queries/payment_health on both databases: a few months whose figures were worked out by hand."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from booking import create_app
from booking.domain.dates import Stay
from booking.domain.payment_health import Moved, Secured, Tries, Waits
from booking.domain.states import (
    AttemptChannel,
    AttemptStatus,
    Authentication,
    PaymentMethod,
    RefundReason,
    RefundStatus,
    Source,
)
from booking.extensions import db
from booking.models import Attempt, Booking, Dispute, Payment, Refund, WebhookEvent
from booking.models.webhook import InboxOutcome
from booking.queries.figures import list_figures
from booking.queries.payment_health import Reason, read_health
from tests.support.full_house import add_bookings
from tests.support.shop import add_listing, dispose, make_settings

# The house is in Berlin: this is 00:30 of 1 March there.
MARCH = datetime(2027, 2, 28, 23, 30, tzinfo=UTC)
FEBRUARY = MARCH - timedelta(hours=1)


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    app = create_app(make_settings(database_url))
    add_listing(app, units=1)
    yield app
    dispose(app)


def attempt(booking_id: int, number: int, status: str, at: datetime, **values: Any) -> Attempt:
    key = f"{booking_id}-{number}"
    money = {"amount_minor": 14000, "currency": "eur", "params": {}}
    keys = {"token": key, "idempotency_key": key}
    return Attempt(
        booking_id=booking_id, number=number, status=AttemptStatus(status), expires_at=at, **money, **keys, **values
    )


def event(name: str, booking_id: int, heard_at: datetime, seconds: int, **values: Any) -> WebhookEvent:
    facts = {"type": "checkout.session.completed", "outcome": InboxOutcome.HANDLED, **values}
    payload = {"id": name, "created": int(heard_at.timestamp()) - seconds}
    return WebhookEvent(id=name, booking_id=booking_id, received_at=heard_at, payload=payload, **facts)


def furnish(app: Flask) -> None:
    """Booking 1 is paid in March after a decline; 2 is declined twice over, and left once; 3 fails late."""
    stays = [Stay(date(2027, 5, day), date(2027, 5, day + 1)) for day in (1, 3, 5)]
    first, second, third = add_bookings(app, 1, [1], stays)
    with app.app_context():
        paid = attempt(first, 1, "paid", FEBRUARY, decline_code="insufficient_funds", declined_at=FEBRUARY)
        db.session.add_all(
            [
                paid,
                attempt(second, 1, "superseded", MARCH, decline_code="stolen_card", declined_at=FEBRUARY),
                attempt(second, 2, "expired", MARCH, decline_code="do_not_honor", declined_at=MARCH),
                attempt(second, 3, "expired", MARCH),
                attempt(second, 4, "superseded", MARCH),
                attempt(second, 5, "open", MARCH),
                attempt(third, 1, "failed", MARCH),
            ]
        )
        db.session.flush()
        money = {"booking_id": first, "amount_minor": 14000, "currency": "eur"}
        payment = Payment(
            attempt_id=paid.id, captured_at=MARCH, source=Source.WEBHOOK, payment_intent_id="pi_1", **money
        )
        db.session.add(payment)
        db.session.flush()
        for number, (status, minor) in enumerate([("succeeded", 500), ("failed", 700), ("requested", 900)]):
            row = {"booking_id": first, "payment_id": payment.id, "currency": "eur", "reason": RefundReason.GOODWILL}
            refund = Refund(token=str(number), amount_minor=minor, status=RefundStatus(status), **row)
            refund.first_sent_at = MARCH
            db.session.add(refund)
        for number, status in enumerate(("lost", "won")):
            row = {"booking_id": first, "payment_id": payment.id, "amount_minor": 3000, "currency": "eur"}
            db.session.add(Dispute(stripe_dispute_id=f"dp_{number}", status=status, created_at=MARCH, **row))
        db.session.add_all([event("evt_1", first, MARCH, 2), event("evt_2", second, MARCH, 40, type="x", deliveries=3)])
        confirmed = {"confirmed_at": MARCH + timedelta(seconds=3), "confirmed_via": Source.WEBHOOK}
        db.session.execute(update(Booking).values(confirmed_at=datetime(2025, 1, 1, tzinfo=UTC)))
        db.session.execute(update(Booking).where(Booking.id == first).values(**confirmed))
        db.session.commit()


def test_a_year_of_paying_on_the_houses_own_clock(app: Flask) -> None:
    furnish(app)

    with app.app_context():
        report = read_health(db.session(), 2027)

    by_month = {each.month.month: each for each in report.months}
    assert by_month[2].tries == Tries(declined=1)
    assert by_month[3].tries == Tries(paid=1, paid_after_decline=1, declined=2, left=1)
    assert (report.tries.tried, report.tries.success) == (4, Decimal("25.0"))
    assert report.reasons == (
        Reason("declined, and nobody said why", 1, False),
        Reason("the bank gave no reason", 1, False),
        Reason("the card was reported stolen", 1, True),
    )
    assert by_month[3].confirming == Waits(1, 5, 5, 5)
    assert (report.hearing, report.heard_again) == (Waits(2, 2, 40, 40), 1)
    assert report.heard_by == (("webhook", 1),)
    moved = Moved(1, 14000, 1, 500, 1, dispute_count=2, disputed=6000, lost=3000)
    assert report.money == {"eur": {date(2027, 3, 1): moved}}
    assert report.total("eur") == moved


def test_how_many_payments_a_bank_had_confirmed_and_how_often_it_wanted_the_guest_of_a_saved_card(app: Flask) -> None:
    [booking_id] = add_bookings(app, 1, [1], [Stay(date(2027, 5, 1), date(2027, 5, 2))])
    said = ["none", "none", "none", "challenge", "frictionless", "other", "no_card", None]
    saved = {"channel": AttemptChannel.OFF_SESSION}
    with app.app_context():
        for number, authentication in enumerate(said):
            row = {"amount_minor": 14000, "currency": "eur", "source": Source.WEBHOOK, "captured_at": MARCH}
            word = Authentication(authentication) if authentication else None
            db.session.add(Payment(booking_id=booking_id, payment_intent_id=f"pi_{number}", authentication=word, **row))
        cash = {"amount_minor": 900, "currency": "eur", "source": Source.STAFF, "captured_at": MARCH}
        db.session.add(Payment(booking_id=booking_id, method=PaymentMethod.CASH, **cash))
        db.session.add_all(
            [
                attempt(booking_id, 1, "paid", MARCH, **saved),
                attempt(booking_id, 2, "failed", MARCH, **saved, decline_code="authentication_required"),
                attempt(booking_id, 3, "failed", FEBRUARY, **saved, decline_code="insufficient_funds"),
                attempt(booking_id, 4, "expired", MARCH, **saved),  # it never reached Stripe
                attempt(booking_id, 5, "failed", MARCH, decline_code="authentication_required"),
            ]
        )
        db.session.commit()

        report = read_health(db.session(), 2027)
        facts = {fact.labels: fact.value for fact in list_figures(db.session(), MARCH) if "by_auth" in fact.name}

    by_month = {each.month.month: each.secured for each in report.months}
    assert by_month[2] == Secured(saved=1)
    assert by_month[3] == Secured(without=3, challenged=1, silent=1, other=1, unknown=1, saved=2, wanted=1)
    assert (report.secured.cards, report.secured.share, report.secured.wanted_share) == (
        6,
        Decimal("50.0"),
        Decimal("33.3"),
    )
    march = next(row for row in report.health_sheet() if row[0] == "2027-03")
    assert march[-7:] == (6, 1, 1, 1, Decimal("50.0"), 2, 1)
    assert facts == {("none",): 3, ("challenge",): 1, ("frictionless",): 1, ("other",): 1, ("no_card",): 1, ("",): 1}


def test_another_year_is_empty_and_says_so(app: Flask) -> None:
    furnish(app)

    with app.app_context():
        assert read_health(db.session(), 2026).is_empty
        assert not read_health(db.session(), 2027).is_empty


def test_a_monitor_sees_the_same_figures(app: Flask) -> None:
    furnish(app)

    with app.app_context():
        facts = {(fact.name, fact.labels): fact.value for fact in list_figures(db.session(), MARCH + timedelta(days=1))}

    assert facts["attempts", ("expired",)] == 2
    assert facts["attempts_declined", ("stolen_card",)] == 1
    assert ("attempts_declined", ("insufficient_funds",)) not in facts  # it was paid after all
    assert facts["disputes", ("", "lost")] == 1
    assert (facts["confirm_seconds", ("0.95",)], facts["webhook_delay_seconds", ("0.5",)]) == (5, 2)
