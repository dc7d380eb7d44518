"""Disasters of the money itself: wrong amounts, declines, banks that answer late, refunds that come back, disputes."""

import copy
from datetime import timedelta
from typing import Any

from booking.domain.states import CancelReason, Source
from booking.drill.checks import can_be_held, can_be_refunded, confirmed_once, refunded_once
from booking.drill.disaster import disaster
from booking.drill.evidence import plain
from booking.drill.house import LINUS, STAFF, House
from booking.services import reservations
from booking.services.timeline import Cause

DECLINED, DISPUTED, REFUND_FAILS = "4000000000000002", "4000000000000259", "4000000000005126"
IBAN_THAT_FAILS = "AT051904300235473205"  # three minutes later
SHORT_BY = 100


@disaster
def wrong_amount(house: House) -> None:
    """Given a session was made at Stripe with the shop's own marks, for less than was agreed.
    When somebody pays it.
    Then the booking is not confirmed, keeps its nights and goes to staff, who can send back exactly what came.
    """
    booking_id = house.place(house.stay())
    agreed = house.booking(booking_id).amount
    session_id = _open_short_session(house, booking_id)

    house.simulator.pay(session_id)
    house.simulator.settle_down()
    stands = house.standing(booking_id)
    house.evidence.note(f"agreed: {plain(agreed)}, paid: {plain(house.payment_of(booking_id).amount)}")
    house.check(f"booking {booking_id}", stands.state, "pending, paid, needs_review")
    house.check("nights it has", stands.nights, 2)
    house.check("letters to staff", stands.mails["needs_review"], 1)

    _cancel(house, booking_id)
    house.work()
    house.check(f"booking {booking_id}", house.standing(booking_id).state, "cancelled, refunded")
    sent_back = house.simulator.refunds_of(house.intent_of(booking_id))
    house.check("refunds at Stripe, in minor units", sent_back, [agreed.minor - SHORT_BY])


def _open_short_session(house: House, booking_id: int) -> str:
    """What a fault in the shop, or somebody with its key, would do; the session's id."""
    params: dict[str, Any] = copy.deepcopy(dict(house.attempt(booking_id).params))
    params["line_items"][0]["price_data"]["unit_amount"] -= SHORT_BY
    return str(house.runtime.payments.open_checkout(params, "drill: a session for less").session_id)


def _cancel(house: House, booking_id: int) -> None:
    """Staff cancels, and sends back all that came."""
    came = house.payment_of(booking_id).amount
    with house.app.app_context():
        cause = Cause(Source.STAFF, STAFF)
        reservations.cancel_booking(house.runtime, booking_id, CancelReason.STAFF, cause, came, "the drill's form")


@disaster
def card_declined_then_paid(house: House) -> None:
    """Given a guest's card is declined, and another card pays in the same session.
    When the news of the payment comes first and that of the declined card afterwards.
    Then the booking is confirmed, and the old news changes nothing.
    """
    booking_id = house.book(house.stay())
    house.simulator.hold_webhooks()
    house.pay(booking_id, DECLINED)
    house.pay(booking_id)
    declined = house.simulator.events("payment_intent.payment_failed")[0]["id"]
    completed = house.simulator.events("checkout.session.completed")[0]["id"]

    answers = house.simulator.deliver_held([completed, declined])

    house.check("answers to both events", [answer["status"] for answer in answers], [200, 200])
    confirmed_once(house, booking_id, via="webhook")


@disaster
def delayed_payment_that_fails(house: House) -> None:
    """Given a guest pays by a method whose answer comes later, and the hold runs out meanwhile.
    When the bank says no in the end.
    Then the nights were kept until then, are free afterwards, and the guest has a letter that says so.
    """
    stay = house.stay()
    booking_id = house.book(stay)
    house.pay(booking_id, method="sepa_debit", iban=IBAN_THAT_FAILS)
    house.check(f"booking {booking_id}", house.standing(booking_id).state, "pending, processing")
    house.clock.offset += house.hold + timedelta(minutes=15)  # the shop's clock alone: the bank is not asked yet
    house.sweep()
    house.check("the nights can be held by another guest", can_be_held(house, stay, LINUS), False)

    house.pass_time(timedelta(minutes=4))

    stands = house.standing(booking_id)
    house.check(f"booking {booking_id}", stands.state, "cancelled, failed")
    house.check("nights it has", stands.nights, 0)
    house.check("letters about it", stands.mails["payment_failed"], 1)
    house.check("the nights can be held by another guest", can_be_held(house, stay, LINUS), True)


@disaster
def refund_in_stripes_dashboard(house: House) -> None:
    """Given a booking is paid and confirmed.
    When somebody sends a part back in Stripe's dashboard, past the shop.
    Then the refund appears in the ledger by itself, staff are told, and the booking stays confirmed.
    """
    booking_id = house.book(house.stay())
    house.pay(booking_id)

    house.simulator.refund(house.intent_of(booking_id), 700)
    house.simulator.settle_down()
    house.work()

    stands = house.standing(booking_id)
    house.check(f"booking {booking_id}", stands.state, "confirmed, partially_refunded")
    house.check("refunds here", stands.refunds, ("7.00 EUR external succeeded",))
    house.check("letters to staff", stands.mails["external_refund"], 1)


@disaster
def refund_that_fails_after_it_succeeded(house: House) -> None:
    """Given staff has sent the whole price back, and Stripe has said that it arrived.
    When the guest's bank sends it back to Stripe.
    Then the money counts as the guest's again, staff are told, and the amount can be refunded another time.
    """
    booking_id = house.book(house.stay())
    house.pay(booking_id, REFUND_FAILS)
    total = house.booking(booking_id).amount_minor
    house.order_refund(booking_id, total)
    house.work()
    house.simulator.settle_down()
    house.check("while Stripe says that it arrived", house.standing(booking_id).state, "confirmed, refunded")
    refunded_once(house, booking_id, "goodwill")

    house.pass_time(timedelta(minutes=2))

    stands = house.standing(booking_id)
    house.check(f"booking {booking_id}", stands.state, "confirmed, paid, refund_failed")
    house.check("letters to staff", stands.mails["refund_failed"], 1)
    house.check("another refund can be ordered", can_be_refunded(house, booking_id, total - 1), True)


@disaster
def dispute(house: House) -> None:
    """Given a booking is paid and confirmed.
    When the card's bank disputes the payment and takes the money back, and the dispute is won in the end.
    Then staff are told once, no refund goes out meanwhile, and the booking stays confirmed all the time.
    """
    booking_id = house.book(house.stay())
    house.pay(booking_id, DISPUTED)
    house.pass_time(timedelta(minutes=2))

    stands = house.standing(booking_id)
    house.check(f"booking {booking_id}", stands.state, "confirmed, paid, disputed")
    house.check("letters to staff", stands.mails["dispute"], 1)
    house.check("a refund can be ordered meanwhile", can_be_refunded(house, booking_id, 100), False)

    (opened,) = house.simulator.events("charge.dispute.created")
    house.simulator.control(f"disputes/{opened['data']['object']['id']}", {"status": "won"})
    house.simulator.settle_down()
    stands = house.standing(booking_id)
    house.check("after it was won", stands.state, "confirmed, paid")
    house.check("nights it has", stands.nights, 2)
