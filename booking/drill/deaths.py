"""Disasters of our own machine: processes killed by SIGKILL at a named point, and a database put back from a copy."""

import json
import subprocess
import sys
from dataclasses import asdict
from datetime import timedelta

from booking.cli.made_up_events import sign
from booking.config import ROOT
from booking.drill.checks import confirmed_once, refunded_once, untouched
from booking.drill.disaster import disaster
from booking.drill.evidence import Failed, plain
from booking.drill.house import GRACE, LINUS, House
from booking.drill.news import completed_event, pay_and_hold_the_news
from booking.drill.simulator import harmless_environment
from booking.drill.stand_ins import as_plain
from booking.drill.victim import Death
from booking.services.outbox import LEASE

# As crashpoints.py names them: after the function whose commit or call they stand beside.
BEFORE_THE_COMMIT = "services.webhooks._take_in before commit"
AFTER_THE_COMMIT = "services.webhooks._take_in after commit"
AFTER_STRIPES_REFUND = "gateways.stripe_gateway.send_refund after call"
SIGKILLED = -9
SECONDS = 60
COPY = "copy"


@disaster
def killed_before_the_confirming_commit(house: House) -> None:
    """Given a guest has paid.
    When the process that takes in the webhook is killed (SIGKILL) just before it commits the confirmation.
    Then nothing of it is left, and Stripe's next try confirms the booking once.
    """
    booking_id = pay_and_hold_the_news(house)

    _die_taking_in(house, booking_id, BEFORE_THE_COMMIT)
    untouched(house, booking_id)

    house.check("answer to Stripe's next try", _status_of_next_try(house, booking_id), 200)
    confirmed_once(house, booking_id, via="webhook")


@disaster
def killed_after_the_confirming_commit(house: House) -> None:
    """Given a guest has paid.
    When the process that takes in the webhook is killed (SIGKILL) after it committed and before it answers.
    Then the booking is confirmed, and Stripe's next try changes nothing.
    """
    booking_id = pay_and_hold_the_news(house)

    _die_taking_in(house, booking_id, AFTER_THE_COMMIT)
    confirmed_once(house, booking_id, via="webhook")

    house.check("answer to Stripe's next try", _status_of_next_try(house, booking_id), 200)
    confirmed_once(house, booking_id, via="webhook")


@disaster
def killed_between_stripes_refund_and_our_row(house: House) -> None:
    """Given staff sends the whole price of a paid booking back, and no webhook comes through.
    When the worker is killed (SIGKILL) after Stripe made the refund and before we wrote that down.
    Then the next worker asks again under the same key, learns of that refund, and makes no second one.
    """
    booking_id = house.book(house.stay())
    house.pay(booking_id)
    house.work()  # its letters, so that the refund is all that the next worker has to do
    house.simulator.lose_webhooks()
    total = house.booking(booking_id).amount
    house.order_refund(booking_id, total.minor)

    _die(house, Death(AFTER_STRIPES_REFUND, "work"))
    there, here = house.simulator.refunds_of(house.intent_of(booking_id)), house.standing(booking_id).refunds
    house.check("refunds at Stripe, in minor units", there, [total.minor])
    house.check("the refund, as far as we know", here, (f"{plain(total)} goodwill requested",))

    house.pass_time(LEASE + timedelta(minutes=1))
    house.work()
    refunded_once(house, booking_id, "goodwill")


@disaster
def database_restored_from_an_older_copy(house: House) -> None:
    """Given a copy of the database was made, and after it one guest paid and another one booked and paid.
    When the database is lost and the copy is put back.
    Then asking Stripe confirms the booking that the copy knows, and reports the other's money to staff, once.
    """
    known = house.book(house.stay(ahead=30), GRACE)
    house.keep(COPY)
    house.pay(known)
    lost = house.book(house.stay(ahead=40), LINUS)
    house.pay(lost)
    intent_id, session_id = house.intent_of(lost), house.session_of(lost)

    house.bring_back(COPY)
    untouched(house, known)
    problems = [finding.text for finding in house.reconcile() if finding.is_problem]
    house.reconcile()
    house.work()

    confirmed_once(house, known, via="reconcile")
    house.check("what flask reconcile reports", problems, [_UNKNOWN.format(session_id)])
    told = [letter for letter in house.mailer.letters if session_id in letter.text]
    house.check("letters to staff about it", len(told), 1)
    house.expected_differences = (intent_id,)  # a person must decide on this money


_UNKNOWN = "session {} carries our id, but no attempt here knows it and it is PAID"


def _die_taking_in(house: House, booking_id: int, point: str) -> None:
    """Stripe's own event, delivered to a process that does not outlive it."""
    body = json.dumps(completed_event(house, booking_id))
    now, secret = int(house.clock.now().timestamp()), house.settings.stripe_webhook_secrets[0]
    _die(house, Death(point, "deliver", body, sign(body.encode(), secret, now)))


def _die(house: House, death: Death) -> None:
    """Have a process killed at a point; Failed where it never came there."""
    order = {"death": asdict(death), "offset": house.clock.offset.total_seconds()}
    done = subprocess.run(
        [sys.executable, "-m", "booking.drill.victim"],
        input=json.dumps({**order, "settings": as_plain(house.settings)}),
        cwd=ROOT,
        env=harmless_environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode != SIGKILLED:
        last = "".join(done.stderr.strip().splitlines()[-1:])
        raise Failed(f'a process should have died at "{death.point}", and ended with {done.returncode}: {last}')
    house.evidence.note(f'a process was killed at "{death.point}"')


def _status_of_next_try(house: House, booking_id: int) -> int:
    return int(house.simulator.deliver_again(completed_event(house, booking_id)["id"])[0]["status"])
