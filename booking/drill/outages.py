"""Disasters of what the shop leans on: Stripe's answers, the mail server, the worker."""

from datetime import timedelta

from sqlalchemy import select

from booking.drill.checks import can_be_held, confirmed_once, refunded_once, untouched
from booking.drill.disaster import disaster
from booking.drill.evidence import plain
from booking.drill.house import GRACE, IDA, LINUS, House
from booking.extensions import db
from booking.gateways.payments import GatewayUnavailable
from booking.models import OutboxRow
from booking.models.outbox import OutboxState
from booking.services import outbox

HOUR = timedelta(hours=1)
SESSIONS, REFUNDS, EVERYTHING = "/v1/checkout/sessions", "/v1/refunds", "/v1/"
ALWAYS = 9999


def _is_refused_by_stripe(house: House, booking_id: int) -> bool:
    """Whether the button that leads to Stripe says that Stripe does not answer."""
    try:
        house.check_out(booking_id)
    except GatewayUnavailable:
        return True
    return False


@disaster
def stripe_answers_500_after_making_the_session(house: House) -> None:
    """Given a guest holds some nights and presses the button that leads to Stripe.
    When Stripe makes the session, but answers with an error, and with the same error each time it is asked again.
    Then the hold stays, the next click finds that very session, and there is only one to pay.
    """
    booking_id = house.place(house.stay())
    house.simulator.make_trouble("status_500_after_effect", SESSIONS, 9)
    house.check("Stripe seems to be down", _is_refused_by_stripe(house, booking_id), True)
    untouched(house, booking_id)

    house.simulator.end_trouble()
    house.pass_time(timedelta(minutes=1))
    house.check("the next click leads to", str(house.check_out(booking_id).outcome), "pay")

    house.check("sessions at Stripe", house.simulator.count_sessions(), 1)
    house.pay(booking_id)
    confirmed_once(house, booking_id, via="webhook")


@disaster
def stripe_hangs_up_after_taking_the_refund(house: House) -> None:
    """Given staff sends the whole price of a paid booking back.
    When Stripe takes the refund, but no answer and no webhook of it ever arrives.
    Then the refund stays written as asked for, is asked for again under the same key, and is made once.
    """
    booking_id = house.book(house.stay())
    house.pay(booking_id)
    house.simulator.lose_webhooks()
    total = house.booking(booking_id).amount
    house.order_refund(booking_id, total.minor)
    house.simulator.make_trouble("timeout_after_effect", REFUNDS, 2, seconds=0.1)

    house.work()
    known = house.standing(booking_id).refunds
    house.check("the refund, as far as we know", known, (f"{plain(total)} goodwill requested",))
    house.simulator.end_trouble()
    house.pass_time(timedelta(minutes=1))
    house.work()

    house.check(f"booking {booking_id}", house.standing(booking_id).state, "confirmed, refunded")
    refunded_once(house, booking_id, "goodwill")


@disaster
def stripe_down_for_an_hour(house: House) -> None:
    """Given one guest has just paid, and another is about to go to Stripe's page.
    When Stripe answers nothing but errors for an hour, and its webhooks are lost.
    Then no booking is given up on a guess, and afterwards the one that is paid is confirmed once.
    """
    house.simulator.lose_webhooks()
    paid = house.book(house.stay(ahead=30), GRACE)
    house.pay(paid)
    waiting = house.place(house.stay(ahead=40), LINUS)
    house.simulator.make_trouble("status_500", EVERYTHING, ALWAYS)

    house.check("the other guest is told to try again", _is_refused_by_stripe(house, waiting), True)
    house.pass_time(HOUR)
    house.sweep()
    untouched(house, paid)

    house.simulator.end_trouble()
    house.sweep()
    confirmed_once(house, paid, via="reconcile")
    house.check("payments of the other guest", house.standing(waiting).payments, 0)


@disaster
def mail_server_down_for_a_day(house: House) -> None:
    """Given a guest books and pays.
    When the mail server takes no letter for a day.
    Then the booking does not care, no letter is lost, and each is sent once when staff asks for it.
    """
    house.mailer.is_down = True
    booking_id = house.book(house.stay())
    house.pay(booking_id)
    for _ in range(24):
        house.work()
        house.pass_time(HOUR)
    confirmed_once(house, booking_id, via="webhook")
    house.check("letters sent during the day", len(house.mailer.letters), 0)

    house.mailer.is_down = False
    house.evidence.note(f"letters that were given up, and that staff asked for again: {_try_again(house)}")
    house.pass_time(HOUR)
    house.work()

    house.check("letters to the guest", [one.to for one in house.mailer.letters].count(GRACE.email), 1)


def _try_again(house: House) -> int:
    """What staff do on the page "Mails": ask for another try of all that was given up. How many that were."""
    dead = house.read(lambda: list(db.session.scalars(select(OutboxRow.id).where(OutboxRow.state == OutboxState.DEAD))))
    for row_id in dead:
        with house.app.app_context():
            outbox.retry(house.runtime, row_id, "ada@example.org")
    return len(dead)


@disaster
def worker_dead_for_a_day(house: House) -> None:
    """Given one guest has paid and another has only held some nights.
    When no worker runs and no webhook comes for a day.
    Then the nights nobody paid for can be booked all the same, and the worker catches up with each letter once.
    """
    paid = house.book(house.stay(ahead=30), GRACE)
    house.pay(paid)
    house.simulator.lose_webhooks()
    abandoned = house.stay(ahead=60)
    left = house.book(abandoned, LINUS)
    house.pass_time(timedelta(hours=25))
    house.check("letters sent during the day", len(house.mailer.letters), 0)

    house.check("the abandoned nights can be held by the next guest", can_be_held(house, abandoned, IDA), True)
    house.sweep()

    confirmed_once(house, paid, via="webhook")
    house.check("letters to the guest who paid", [one.to for one in house.mailer.letters].count(GRACE.email), 1)
    house.check(f"booking {left}", house.standing(left).state, "expired, unpaid")
