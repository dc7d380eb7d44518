"""The reconciler: what it asks, what it repairs, what it leaves to a person."""

from datetime import timedelta

from sqlalchemy import delete

from booking.domain.money import Money
from booking.domain.states import AttemptStatus, RefundStatus
from booking.extensions import db
from booking.gateways.stripe_gateway import StripeGateway
from booking.models import Attempt, Booking, BookingEvent, Night
from booking.services import reconciliation, refunds
from booking.services.stripes_lists import Finding
from tests.support.shop import Shop, patched


def _reconcile(shop: Shop, **more) -> list[Finding]:
    with shop.app.app_context():
        return reconciliation.reconcile(shop.runtime, **more)


def _paid_unheard(shop: Shop, **booking) -> int:
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay(), **booking)
    shop.stripe.pay(shop.session_of(booking_id), wait=False)
    return booking_id


def test_a_dry_run_says_what_it_would_do_and_does_nothing(shop: Shop) -> None:
    booking_id = _paid_unheard(shop)

    findings = _reconcile(shop, dry_run=True)

    assert [finding.kind for finding in findings] == ["attempt", "list"]
    assert all("would be" in finding.text for finding in findings)
    assert shop.state(booking_id) == ("pending", "unpaid")


def test_running_twice_finds_nothing_more(shop: Shop) -> None:
    booking_id = _paid_unheard(shop)

    first, second = _reconcile(shop), _reconcile(shop)

    assert [finding.text for finding in first] == [f"booking {booking_id}: confirmed"]
    assert second == []
    assert len(shop.payments(booking_id)) == 1


def test_the_sweep_leaves_the_youngest_to_their_webhook(small_shop: Shop) -> None:
    booking_id = _paid_unheard(small_shop)
    assert _reconcile(small_shop, at_once=False) == []

    small_shop.pass_time(minutes=3)

    assert [finding.text for finding in _reconcile(small_shop, at_once=False)] == [f"booking {booking_id}: confirmed"]


def test_stripe_that_does_not_answer_is_a_problem_and_changes_nothing(small_shop: Shop) -> None:
    booking_id = _paid_unheard(small_shop)
    small_shop.stripe.post("faults", [{"kind": "status_500", "method": "GET", "path_prefix": "/v1/", "times": 99}])

    findings = _reconcile(small_shop)

    assert [finding.is_problem for finding in findings] == [True, True]
    assert small_shop.state(booking_id) == ("pending", "unpaid")


def test_a_session_that_was_given_up_is_ended_at_stripe(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay())
    with small_shop.app.app_context():
        db.session.get_one(Attempt, small_shop.attempts(booking_id)[0].id).status = AttemptStatus.SUPERSEDED
        db.session.commit()

    (finding,) = _reconcile(small_shop)
    small_shop.stripe.settle_down()

    assert "ended at Stripe" in finding.text
    assert small_shop.stripe.get("state")["sessions"][0]["status"] == "expired"
    assert small_shop.state(booking_id) == ("expired", "unpaid")


def test_an_attempt_that_stripe_never_heard_of_is_ended(small_shop: Shop) -> None:
    placed = small_shop.place(small_shop.stay())
    with small_shop.app.app_context():
        attempt = db.session.get_one(Attempt, small_shop.attempts(placed.booking_id)[0].id)
        attempt.params = {**attempt.params, "expires_at": 1}  # Stripe will refuse to make this one
        db.session.commit()

    (finding,) = _reconcile(small_shop)

    assert finding.text.endswith("no session was made")
    assert small_shop.attempts(placed.booking_id)[0].status is AttemptStatus.EXPIRED


def test_paid_money_whose_rows_were_lost_in_a_restore_is_reported(shop: Shop) -> None:
    booking_id = _paid_unheard(shop)
    session_id = shop.session_of(booking_id)
    with shop.app.app_context():
        for table in (Night, BookingEvent, Attempt):
            db.session.execute(delete(table).where(table.booking_id == booking_id))
        db.session.execute(delete(Booking))
        db.session.commit()

    (finding,) = _reconcile(shop)

    assert finding.is_problem
    assert session_id in finding.text
    assert "PAID" in finding.text


def test_money_for_an_attempt_that_was_closed_here_is_found_in_stripes_list(shop: Shop) -> None:
    booking_id = _paid_unheard(shop)
    with shop.app.app_context():
        db.session.get_one(Attempt, shop.attempts(booking_id)[0].id).status = AttemptStatus.EXPIRED
        db.session.commit()

    assert [f.text for f in _reconcile(shop, dry_run=True)] == [
        f"booking {booking_id}: Stripe says paid, would be settled"
    ]
    (finding,) = _reconcile(shop)

    assert finding.text == f"booking {booking_id}: confirmed"
    assert shop.state(booking_id) == ("confirmed", "paid")


def test_sessions_of_other_programs_are_passed_over(small_shop: Shop) -> None:
    small_shop.stripe.drop_webhooks()
    booking_id = small_shop.book(small_shop.stay())
    with small_shop.app.app_context():
        params = dict(small_shop.attempts(booking_id)[0].params)
        params["metadata"] = params["payment_intent_data"]["metadata"] = {"app": "another shop"}
        evidence = small_shop.runtime.payments.open_checkout(params, "of-another-program")
    small_shop.stripe.pay(evidence.session_id, wait=False)

    assert [finding.kind for finding in _reconcile(small_shop)] == ["attempt"]


def test_since_says_how_far_back_stripes_list_is_walked(small_shop: Shop) -> None:
    booking_id = _paid_unheard(small_shop)
    with small_shop.app.app_context():
        db.session.get_one(Attempt, small_shop.attempts(booking_id)[0].id).status = AttemptStatus.EXPIRED
        db.session.commit()
    small_shop.pass_time(days=2)

    assert _reconcile(small_shop, since=timedelta(days=1)) == []
    assert len(_reconcile(small_shop, since=timedelta(days=3))) == 1


def test_unfinished_refunds_are_asked_about(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id, card="4000000000007726")
    with shop.app.app_context():
        refund_id = refunds.order_refund(shop.runtime, booking_id, Money(500, "eur"), "ada@example.org", "form-1")
    shop.stripe.drop_webhooks()
    (would,) = _reconcile(shop, dry_run=True)
    (sent,) = _reconcile(shop)
    shop.pass_time(minutes=2)

    (settled,) = _reconcile(shop)

    assert would.text == f"booking {booking_id}: refund {refund_id} would be asked about"
    assert sent.text == f"booking {booking_id}: refund {refund_id} pending"
    assert settled.text == f"booking {booking_id}: refund {refund_id} succeeded"
    assert shop.refunds(booking_id)[0].status is RefundStatus.SUCCEEDED


def test_a_refund_without_an_answer_stays_unfinished(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay())
    small_shop.pay(booking_id)
    with small_shop.app.app_context():
        refunds.order_refund(small_shop.runtime, booking_id, Money(500, "eur"), "ada@example.org", "form-1")
    small_shop.stripe.post("faults", [{"kind": "status_500", "path_prefix": "/v1/refunds", "times": 9}])

    (finding,) = _reconcile(small_shop)

    assert finding.is_problem
    assert small_shop.refunds(booking_id)[0].status is RefundStatus.REQUESTED


# --- what Stripe knows and nobody told ------------------------------------------------------------------------------


def test_a_refund_made_in_the_dashboard_is_found_without_any_webhook(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)
    shop.stripe.drop_webhooks()
    intent_id = shop.payments(booking_id)[0].payment_intent_id
    shop.stripe_client().refunds.create(params={"payment_intent": intent_id, "amount": 500})

    assert [f.text.partition(" at Stripe")[2] for f in _reconcile(shop, dry_run=True)] == [", would be taken in"]
    assert shop.refunds(booking_id) == []
    (finding,) = _reconcile(shop)

    assert finding.text.endswith("is succeeded at Stripe, taken in")
    assert shop.state(booking_id) == ("confirmed", "partially_refunded")
    assert _reconcile(shop) == []


def test_a_dispute_is_found_without_any_webhook_and_so_is_its_end(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.stripe.drop_webhooks()
    shop.pay(booking_id, card="4000000000000259")
    shop.pass_time(seconds=5)

    opened = [finding.text for finding in _reconcile(shop)]
    assert opened[-1].endswith("is needs_response at Stripe, taken in")
    assert shop.booking(booking_id).disputed
    (dispute,) = shop.disputes(booking_id)
    assert dispute.funds_withdrawn
    shop.stripe.post(f"disputes/{dispute.stripe_dispute_id}", {"status": "won"})
    (closed,) = _reconcile(shop)

    assert closed.text.endswith("is won at Stripe, taken in")
    assert not shop.booking(booking_id).disputed
    assert not shop.disputes(booking_id)[0].funds_withdrawn
    assert shop.state(booking_id) == ("confirmed", "paid")


def test_money_whose_session_is_older_than_the_list_is_still_found_by_its_payment(shop: Shop) -> None:
    booking_id = _paid_unheard(shop)
    with shop.app.app_context():
        db.session.get_one(Attempt, shop.attempts(booking_id)[0].id).status = AttemptStatus.EXPIRED
        db.session.commit()

    with patched(StripeGateway, "list_checkouts", lambda gateway, since: iter(())):
        (finding,) = _reconcile(shop)

    assert finding.text.endswith(": confirmed")
    assert shop.state(booking_id) == ("confirmed", "paid")


def test_money_that_no_booking_knows_is_told_to_staff_once(shop: Shop) -> None:
    booking_id = _paid_unheard(shop)
    with shop.app.app_context():
        for table in (Night, BookingEvent, Attempt):
            db.session.execute(delete(table).where(table.booking_id == booking_id))
        db.session.execute(delete(Booking))
        db.session.commit()

    _reconcile(shop)
    _reconcile(shop)
    shop.work()

    (letter,) = shop.mailer.letters
    assert "no attempt here knows it and it is PAID" in letter.text
