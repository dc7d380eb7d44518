"""Rows of the table about cards that are kept and charged, and about sums that are reserved for requests to book."""

from datetime import timedelta
from typing import ClassVar

import requests
from sqlalchemy import select, update

from booking import jobs
from booking.database import transaction
from booking.domain.states import DueKind, DueStatus, Source
from booking.extensions import db
from booking.models import Authorisation, Listing, StayRequest
from booking.services import charges
from booking.services.timeline import Cause
from tests.stripe_trouble.desk import Desk, Page
from tests.stripe_trouble.stories import ANSWERED, ELSEWISE, SESSION, UNKNOWN, Said, Story
from tests.support.cards import cards_of, dues_of, keep_cards, offering_page, owe
from tests.support.later import let_pay_later
from tests.support.shop import fields_of

INTENTS, INTENT = "/v1/payment_intents", "/v1/payment_intents/"
BY_WORKER = Cause(Source.TIMER)
KEY = "pk_test_0123456789abcdef"


class _OfAKeptCard(Story):
    """The guest has booked and paid, and has let the house keep the card."""

    def prepare(self, desk: Desk) -> None:
        keep_cards(desk.shop)
        self.book(desk)
        desk.work()
        assert [card.last4 for card in cards_of(desk.shop, desk.booking_id)] == ["4242"]

    def book(self, desk: Desk) -> None:
        desk.book()
        desk.pay()
        desk.hear("checkout.session.completed")

    def count(self, desk: Desk) -> int:
        return desk.count("payment_intent.succeeded") - 1  # the first payment is not what is charged

    def check(self, desk: Desk) -> None:
        (due,) = dues_of(desk.shop, desk.booking_id)
        came = [payment.amount_minor for payment in desk.shop.payments(desk.booking_id)][1:]
        assert (due.status, came) == (DueStatus.PAID, [due.amount_minor])
        assert desk.shop.state(desk.booking_id)[0] == "confirmed"


def _until_paid(desk: Desk) -> None:
    """The worker looks what became of a charge, and makes the next one where there was none."""
    for _ in range(4):
        (due,) = dues_of(desk.shop, desk.booking_id)
        if due.status is DueStatus.PAID:
            return
        desk.pass_time(minutes=6)
        desk.work(jobs.compare_lists, jobs.charge_cards)
    raise AssertionError("the card was never charged")


class StaffChargesForDamage(_OfAKeptCard):
    """A button that charges at once: pressed again, it is the same charge."""

    call, method, path = "open_charge", "POST", INTENTS
    charged = Said(200, "The card was charged. The guest gets a receipt by mail.")
    silent = Said(200, "The worker finds out whether the card was charged; it is not charged twice.")
    before = Said(200, "This is being paid or charged already. Nothing was done.")
    said = {ANSWERED: (charged,), UNKNOWN: (silent,), ELSEWISE: (before,)}

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        self.page = f"/admin/bookings/{desk.booking_id}/fee/damage"
        desk.form = fields_of(desk.ada.get(self.page).text) | {"amount": "70", "reason": "A broken window"}

    def act(self, desk: Desk) -> Page:
        return desk.ada.press(self.page, desk.form)

    def again(self, desk: Desk) -> None:
        _until_paid(desk)


class WorkerLooksForACharge(_OfAKeptCard):
    """The card was charged and the answer lost: only Stripe's list tells."""

    call, path = "list_payments", INTENTS
    said = {
        ANSWERED: (Said(0, "due_paid"),),
        UNKNOWN: (Said(1, "no usable answer from Stripe (gateway_unavailable)"),),
        ELSEWISE: (Said(0, "Nothing to do"),),
    }

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        due_id = owe(desk.shop, desk.booking_id, desk.shop.clock.today())
        desk.shop.stripe.post("faults", [{"kind": "status_500_after_effect", "path": INTENTS, "method": "POST"}])
        with desk.shop.app.app_context():
            assert charges.charge_due(desk.shop.runtime, due_id, BY_WORKER) is charges.Try.UNKNOWN
        desk.pass_time(minutes=6)

    def act(self, desk: Desk) -> Page:
        return desk.run("reconcile")


class WorkerKeepsACard(_OfAKeptCard):
    """The guest has paid and agreed; which card it was, Stripe has to be asked."""

    call, path, is_prefix = "find_card", INTENT, True
    kept, not_yet = Said(200, "Visa ···· 4242, 12/34"), Said(200, "No card is saved (any more).")
    said = {ANSWERED: (kept,), UNKNOWN: (not_yet,), ELSEWISE: (not_yet, kept)}

    def prepare(self, desk: Desk) -> None:
        keep_cards(desk.shop)
        self.book(desk)

    def act(self, desk: Desk) -> Page:
        desk.work()
        return desk.ada.open(f"/admin/bookings/{desk.booking_id}")

    def count(self, desk: Desk) -> int:
        return len(cards_of(desk.shop, desk.booking_id))

    def check(self, desk: Desk) -> None:
        (card,) = cards_of(desk.shop, desk.booking_id)
        assert (card.brand, card.last4, card.is_default) == ("visa", "4242", True)
        assert desk.shop.state(desk.booking_id)[0] == "confirmed"


class WorkerKeepsACardThatPaysLater(WorkerKeepsACard):
    """Nothing was paid: a page of mode setup has kept the card."""

    call, path = "find_guarantee", SESSION

    def prepare(self, desk: Desk) -> None:
        let_pay_later(desk.shop)
        desk.guest.book_and_pay("harbour-loft", desk.shop.stay(ahead=60))
        desk.pay()
        desk.hear("checkout.session.completed")


class GuestRemovesACard(_OfAKeptCard):
    """Not charged any more from this moment on; that Stripe forgets it may take longer."""

    call, method, path, is_prefix = "detach_card", "POST", "/v1/payment_methods/", True
    removed = Said(200, "The card is removed. It is not charged any more.")
    said: ClassVar = dict.fromkeys((ANSWERED, UNKNOWN, ELSEWISE), (removed,))

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        self.page = f"/b/{desk.shop.booking(desk.booking_id).reference}/cards"
        desk.form = fields_of(desk.guest.get(self.page).text)

    def act(self, desk: Desk) -> Page:
        (card,) = cards_of(desk.shop, desk.booking_id)
        page = desk.guest.press(f"{self.page}/{card.id}/remove", desk.form)
        assert "No card is saved." in page.words
        desk.work()
        return page

    def count(self, desk: Desk) -> int:
        return desk.count("payment_method.detached")

    def check(self, desk: Desk) -> None:
        (card,) = cards_of(desk.shop, desk.booking_id)
        assert card.detached_at is not None
        assert desk.stripe.payment_methods.retrieve(card.payment_method_id).customer is None


class _OnOurPage(_OfAKeptCard):
    """The guest has opened the page of the shop on which what is owed can be paid."""

    is_prefix = True

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        self._offer = offering_page(desk.shop)
        self._offer.__enter__()
        due_id = owe(desk.shop, desk.booking_id, desk.shop.clock.today() + timedelta(days=9), kind=DueKind.DAMAGE)
        self.page = f"/b/{desk.shop.booking(desk.booking_id).reference}/pay/{due_id}"
        desk.form = fields_of(desk.guest.get(self.page).text)
        shown = desk.guest.press(f"{self.page}/card", desk.form)
        self.secret = shown.text.partition('data-secret="')[2].partition('"')[0]
        assert self.secret

    def check(self, desk: Desk) -> None:
        self._offer.__exit__(None, None, None)
        super().check(desk)


class GuestComesBackFromTheBank(_OnOurPage):
    """Paid with Stripe.js, and nobody told: the page asks Stripe."""

    call, path = "look_up_charge", INTENT
    said = {
        ANSWERED: (Said(200, "Your booking is confirmed"),),
        UNKNOWN: (Said(503, "If you paid, your money is safe: do not pay again."),),
        ELSEWISE: (Said(200, "Your booking is confirmed"),),
    }

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        card = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2034", "cvc": "123"}
        form = {f"payment_method_data[card][{name}]": value for name, value in card.items()}
        form |= {"payment_method_data[type]": "card", "client_secret": self.secret, "return_url": "https://a.test/"}
        path = f"{INTENT}{self.secret.partition('_secret_')[0]}/confirm"
        headers = {"Authorization": f"Bearer {KEY}"}
        assert requests.post(desk.shop.stripe.url + path, form, headers=headers, timeout=30).status_code == 200

    def act(self, desk: Desk) -> Page:
        return desk.guest.open(f"{self.page}/card")


class GuestPaysAtStripeInstead(_OnOurPage):
    """What was begun on our page is ended first, so that nothing can be paid twice."""

    call, method, path = "cancel_charge", "POST", INTENT
    said = {
        ANSWERED: (Said(303, ""),),
        UNKNOWN: (Said(503, "Our payment provider does not answer just now. Try again in a moment."),),
        ELSEWISE: (Said(303, ""),),
    }

    def act(self, desk: Desk) -> Page:
        return desk.guest.press(self.page, desk.form)

    def again(self, desk: Desk) -> None:
        page = self.act(desk)
        assert page.location == desk.shop.attempts(desk.booking_id)[-1].url
        desk.pay()

    def count(self, desk: Desk) -> int:
        return desk.count("payment_intent.canceled")

    def check(self, desk: Desk) -> None:
        super().check(desk)
        assert desk.count("payment_intent.succeeded") == 2


# --- requests to book -----------------------------------------------------------------------------------------------


class _OfARequest(Story):
    """A sum is reserved on the guest's card, and the host has to answer."""

    path, is_prefix = INTENT, True
    answer: ClassVar = ("accepted", "captured")
    ends: ClassVar = ("confirmed", "paid")
    over = Said(200, "Nothing was changed. This request was answered already, or it is over.")

    def prepare(self, desk: Desk) -> None:
        with desk.shop.app.app_context(), transaction() as session:
            session.execute(update(Listing).values(takes_requests=True, answer_hours=48))
        desk.book()
        desk.pay()
        desk.hear("checkout.session.completed")
        assert desk.shop.state(desk.booking_id) == ("pending", "authorized")
        self.page = f"/admin/requests/{desk.booking_id}"
        desk.form = fields_of(desk.ada.get(self.page).text)

    def accept(self, desk: Desk) -> Page:
        return desk.ada.press(f"{self.page}/accept", desk.form)

    def count(self, desk: Desk) -> int:
        return desk.count("payment_intent.succeeded")

    def check(self, desk: Desk) -> None:
        assert desk.shop.state(desk.booking_id) == self.ends
        with desk.shop.app.app_context():
            request, reserved = db.session.scalar(select(StayRequest)), db.session.scalar(select(Authorisation))
            assert request is not None
            assert reserved is not None
            assert (request.state, reserved.state) == self.answer


class StaffAccepts(_OfARequest):
    call, method = "capture_payment", "POST"
    said = {
        ANSWERED: (Said(200, "Accepted: the payment has come and the stay is booked."),),
        UNKNOWN: (Said(200, "Stripe has not said yet whether the payment was taken: the worker asks again"),),
        ELSEWISE: (_OfARequest.over,),
    }

    def act(self, desk: Desk) -> Page:
        return self.accept(desk)


class WorkerLooksAtAReservedSum(_OfARequest):
    """The sum was taken, and the answer lost."""

    call = "look_up_authorisation"
    booked = Said(200, "This request is over: nothing is left to answer.")
    said = {
        ANSWERED: (booked,),
        UNKNOWN: (Said(200, "Stripe has not said yet whether the payment was taken; the worker asks again"),),
        ELSEWISE: (booked,),
    }

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        lost = {"kind": "status_500_after_effect", "path_prefix": INTENT, "method": "POST"}
        desk.shop.stripe.post("faults", [lost])
        assert "Stripe has not said yet" in self.accept(desk).words
        desk.pass_time(minutes=3)

    def act(self, desk: Desk) -> Page:
        with desk.shop.app.app_context():
            jobs.expire_holds(desk.shop.runtime)
        return desk.ada.open(self.page)


class StaffDeclines(_OfARequest):
    call, method = "release_payment", "POST"
    answer, ends = ("declined", "released"), ("cancelled", "unpaid")
    said = {
        ANSWERED: (Said(200, "Declined: the nights are free, the reserved sum is let go, and the guest is told."),),
        UNKNOWN: (Said(200, "Stripe has not said yet that the reserved sum is let go"),),
        ELSEWISE: (_OfARequest.over,),
    }

    def act(self, desk: Desk) -> Page:
        return desk.ada.press(f"{self.page}/decline", {**desk.form, "reason": "The roof is being mended."})

    def count(self, desk: Desk) -> int:
        return desk.count("payment_intent.canceled")
