"""Every guest page in every state: how to bring the demo shop there, and what its page must say about money.

A page that is new belongs into this list; then all judges of this folder look at it.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Update, select, update

from booking.database import end_read, transaction
from booking.domain.club import Interval, PlanTerms
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.payment_plans import PaymentPlan
from booking.domain.rates import LineKind
from booking.domain.states import BookingStatus, CancelReason, DueKind, PaymentMethod, Source
from booking.domain.terms import CancellationTerms, Grace, Tier
from booking.extensions import db
from booking.gateways.payments import GatewayUnavailable
from booking.models import Attempt, Booking, CancellationPolicy, ClubPlan, Due, Listing, OutboxRow, Payment, StayRequest
from booking.models.instance import LinkPurpose
from booking.models.outbox import OutboxState
from booking.services import (
    access,
    attempts,
    balances,
    catalog_sync,
    changes,
    charges,
    club_plans,
    guest_accounts,
    holds,
    payment_plans,
    phone,
    policies,
    refunds,
    requests,
    reservations,
)
from booking.services.changes import ChangeWish
from booking.services.demo_shop import TIMEZONE
from booking.services.phone import PhoneRequest
from booking.services.timeline import Cause
from tests.pages.stage import DUNES, LOFT, ROOM, Seen, Stage
from tests.support.cards import ALWAYS_ASKS, cards_of, keeping_cards, offering_page, owe, swap_card
from tests.support.later import LATER
from tests.support.plans import THIRTY
from tests.support.servers import wait_until
from tests.support.shop import GRACE, LINUS, Visitor, fields_of, patched

Scene = Callable[[Stage], Seen]
STAFF = Cause(Source.STAFF, "ada@example.org")
CABIN = "pilots-cabin"  # for states that came later, so that the loft has nights for all
# Pays; the refund fails a minute later; the refund is pending for a minute.
REFUND_FAILS, REFUND_WAITS = "4000000000005126", "4000000000007726"
DISPUTED = "4000000000000259"  # pays; its bank takes the money back a moment later
NO_FUNDS, STOLEN = "4000000000009995", "4000000000009979"
ERRORS = [400, 403, 404, 405, 409, 410, 413, 429, 500, 503]


class Stake(StrEnum):
    """What a page has to say about money."""

    NONE = "nothing: no money is near"
    NOT_YET = "nothing, because the guest has not pressed the button yet; never that money came"
    UNPAID = "that nothing was charged"
    REFUSED = "that nothing was charged, or what holds if something was paid before"
    LEDGER = "what the ledger says"
    NOTHING_FALSE = "nothing, but what it says must be what the ledger says"
    UNKNOWN = "that it does not know, and what holds in either case"


# What a host wrote in these pages.
DECLINED_WITH = "We are sorry: the roof is being mended that week.\nDo come in June."
CLUB = "Harbour Club"


@dataclass(frozen=True)
class State:
    """One page in one state."""

    name: str
    scene: Scene
    stake: Stake = Stake.NONE
    status: int = 200
    is_private: bool = False  # never in a search engine or a shared cache


CATALOGUE: list[State] = []


def page(name: str, stake: Stake = Stake.NONE, status: int = 200, is_private: bool = False) -> Callable[[Scene], Scene]:
    """Put a scene into the catalogue."""

    def keep(scene: Scene) -> Scene:
        CATALOGUE.append(State(name, scene, stake, status, is_private))
        return scene

    return keep


def looks(name: str, path: str, status: int = 200, **params: str) -> None:
    """Put a page into the catalogue that anybody can open by its address."""
    CATALOGUE.append(State(name, lambda stage: stage.look(path, **params), Stake.NONE, status))


# --- looking --------------------------------------------------------------------------------------------------------

looks("home", "/")
looks("results, no dates", "/stays")
for _wrong, _dates in {
    "arrival missing": ("", "2027-03-12"),
    "no such day": ("2027-02-30", "2027-03-12"),
    "the wrong way round": ("2027-03-12", "2027-03-10"),
    "in the past": ("2020-03-12", "2020-03-14"),
    "far too late": ("2040-03-12", "2040-03-14"),
}.items():
    looks(f"results, dates wrong: {_wrong}", "/stays", status=422, arrive=_dates[0], leave=_dates[1])
looks("results, guests wrong", "/stays", status=422, arrive="2027-03-12", leave="2027-03-14", guests="many")
looks("stay, no dates", f"/stays/{LOFT}")
looks("stay, no such day", f"/stays/{LOFT}", status=422, arrive="2027-02-30")
looks("stay of equal rooms", "/stays/boathouse-double")
looks("terms", "/terms")
looks("privacy", "/privacy")
looks("accessibility", "/accessibility")
looks("look", "/look")


@page("results, offers")
def _offers(stage: Stage) -> Seen:
    stay = stage.free
    return stage.look("/stays", arrive=str(stay.arrive), leave=str(stay.leave), guests="2")


@page("results, some too small")
def _some_too_small(stage: Stage) -> Seen:
    stay = stage.free
    return stage.look("/stays", arrive=str(stay.arrive), leave=str(stay.leave), guests="5")


@page("results, nothing free")
def _nothing_free(stage: Stage) -> Seen:
    stay = stage.shop.stay(2, ahead=_far(stage))
    with stage.listings_off_but(DUNES):
        stage.close(DUNES, stay)
        return stage.look("/stays", arrive=str(stay.arrive), leave=str(stay.leave), guests="2")


def _far(stage: Stage) -> int:
    """Days ahead at which all but the loft is free, other ones for each language."""
    return 300 if stage.prefix else 240


@page("results, more guests than any stay takes", status=422)
def _too_many_guests(stage: Stage) -> Seen:
    stay = stage.free
    return stage.look("/stays", arrive=str(stay.arrive), leave=str(stay.leave), guests="40")


@page("stay, arrival chosen")
def _arrival(stage: Stage) -> Seen:
    return stage.look(f"/stays/{LOFT}", arrive=str(stage.free.arrive), guests="2")


@page("stay, chosen")
def _chosen(stage: Stage) -> Seen:
    return stage.ask(stage.free)


@page("stay, chosen over the end of a month")
def _over_the_month(stage: Stage) -> Seen:
    stay = stage.shop.stay(9, ahead=80)
    return stage.ask(stay, DUNES)


@page("stay, taken")
def _taken(stage: Stage) -> Seen:
    stay = stage.nights()
    stage.shop.place(stay, LINUS, f"linus of {stay}")
    return stage.ask(stay)


@page("stay, too short", status=422)
def _too_short(stage: Stage) -> Seen:
    return stage.ask(stage.shop.stay(1, ahead=80), DUNES)


@page("stay, too many guests", status=422)
def _too_many_for_it(stage: Stage) -> Seen:
    stay = stage.free
    return stage.look(f"/stays/{ROOM}", arrive=str(stay.arrive), leave=str(stay.leave), guests="3")


# --- details and review ---------------------------------------------------------------------------------------------


@page("details", Stake.NOT_YET, is_private=True)
def _details(stage: Stage) -> Seen:
    return stage.ask(stage.free, page="/book")


_SLIPS = {
    "everything wrong": {"name": " ", "email": "grace@", "phone": "call me", "message": "x" * 501},
    "no name": {"name": ""},
    "no address": {"email": ""},
    "half an address": {"email": "grace@example"},
    "telephone of words": {"phone": "call me"},
    "message too long": {"message": "x" * 501},
}
for _slip, _typed in _SLIPS.items():
    CATALOGUE.append(
        State(
            f"details, {_slip}",
            lambda stage, typed=_typed: stage.type_details(**typed),  # type: ignore[misc]
            Stake.NOT_YET,
            422,
            is_private=True,
        )
    )


# One adult and one child with breakfast and two bicycles, and the code of the demo.
_WISHES = {"child_ages": "4", "extra-1": "1", "extra-2": "2", "code": "ferry10"}


@page("details, the price of what was chosen", Stake.NOT_YET, is_private=True)
def _details_priced(stage: Stage) -> Seen:
    return stage.type_details(reckon="yes", **_WISHES)


@page("details, a code and ages that are refused", Stake.NOT_YET, 422, is_private=True)
def _details_wishes_refused(stage: Stage) -> Seen:
    return stage.type_details(**{**_WISHES, "code": "WINTER", "child_ages": "four"})


@page("review with extras, a child and a code", Stake.NOT_YET, is_private=True)
def _review_wishes(stage: Stage) -> Seen:
    return stage.type_details(**_WISHES)


@page("review, the code was used up meanwhile", Stake.NOT_YET, 422, is_private=True)
def _review_code_gone(stage: Stage) -> Seen:
    visitor = stage.visitor()
    form = visitor.review_form(LOFT, stage.free, **_WISHES)
    return Seen(visitor.post(f"/stays/{LOFT}/review", {**form, "code": "USEDUP"}))


@page("stay in a season, with a discount")
def _stay_in_season(stage: Stage) -> Seen:
    today = stage.shop.clock.today()
    arrive = date(today.year + (today.month > 6), 7, 2)
    return stage.ask(Stay(arrive, arrive + timedelta(days=9)), DUNES)


def _saturday(stage: Stage) -> date:
    """A Saturday that nobody else is about."""
    day = stage.free.arrive
    return day + timedelta(days=(5 - day.weekday()) % 7)


@page("stay, from Saturday to Saturday or Tuesday, arrival chosen")
def _saturdays(stage: Stage) -> Seen:
    with stage.listing(LOFT, arrive_on="5", leave_on="15", turnover_days=1):
        return stage.look(f"/stays/{LOFT}", arrive=str(_saturday(stage)), guests="2")


@page("stay, no day to arrive", status=422)
def _no_saturday(stage: Stage) -> Seen:
    arrive = _saturday(stage) + timedelta(days=2)
    with stage.listing(LOFT, arrive_on="5", leave_on="15", turnover_days=1):
        return stage.ask(Stay(arrive, arrive + timedelta(days=4)))


@page("review, terms of three steps and second thoughts", Stake.NOT_YET, is_private=True)
def _three_steps(stage: Stage) -> Seen:
    with stage.listing(LOFT, policy_id=_policy(stage)):
        return stage.type_details()


def _policy(stage: Stage) -> int:
    terms = CancellationTerms(
        (Tier(90, 100), Tier(30, 60), Tier(7, 20)), Grace(48, 14), frozenset((LineKind.TOURIST_TAX, LineKind.CLEANING))
    )
    with stage.shop.app.app_context():
        known = db.session.scalars(select(CancellationPolicy.id).where(CancellationPolicy.name == "Of a page")).first()
        place = db.session.scalars(select(Listing.property_id).where(Listing.slug == LOFT)).one()
        return known or policies.add_policy(stage.shop.runtime, place, "Of a page", terms, STAFF.actor)


@page("review", Stake.NOT_YET, is_private=True)
def _review(stage: Stage) -> Seen:
    return stage.type_details(message="We come by the last ferry.\nIs there a cot?")


@page("review, price changed", Stake.UNPAID, 409, is_private=True)
def _price_changed(stage: Stage) -> Seen:
    visitor, stay = stage.visitor(), stage.nights()
    form = visitor.review_form(LOFT, stay)
    with stage.listing(LOFT, tourist_tax_minor=900):
        return Seen(visitor.post(f"/stays/{LOFT}/review", form))


@page("review, somebody was faster", Stake.UNPAID, 409, is_private=True)
def _lost_race(stage: Stage) -> Seen:
    visitor, stay = stage.visitor(), stage.nights()
    form = visitor.review_form(LOFT, stay)
    stage.shop.place(stay, LINUS, f"linus of {stay}")
    return Seen(visitor.post(f"/stays/{LOFT}/review", form))


@page("review, somebody was faster and nothing is near", Stake.UNPAID, 409, is_private=True)
def _lost_race_for_good(stage: Stage) -> Seen:
    visitor, stay = stage.visitor(), stage.shop.stay(3, ahead=_far(stage))
    form = visitor.review_form(ROOM, stay)
    stage.close(ROOM, Stay(stay.arrive - timedelta(days=24), stay.leave + timedelta(days=24)))
    return Seen(visitor.post(f"/stays/{ROOM}/review", form))


@page("details, taken meanwhile", Stake.UNPAID, 409, is_private=True)
def _taken_before_details(stage: Stage) -> Seen:
    stay = stage.nights()
    stage.shop.place(stay, LINUS, f"linus of {stay}")
    return stage.ask(stay, page="/book")


@page("review, a rule forbids it now", Stake.UNPAID, 422, is_private=True)
def _rule_now(stage: Stage) -> Seen:
    visitor, stay = stage.visitor(), stage.nights()
    form = visitor.review_form(LOFT, stay)
    with stage.listing(LOFT, min_nights=5):
        return Seen(visitor.post(f"/stays/{LOFT}/review", form))


@page("review, too many holds", Stake.REFUSED, 429, is_private=True)
def _too_many_holds(stage: Stage) -> Seen:
    visitor = stage.visitor()
    for _ in range(holds.MOST_BY_BROWSER):
        stage.hold(visitor)
    return Seen(visitor.book_and_pay(LOFT, stage.nights()))


@page("review, too many tries", Stake.REFUSED, 429, is_private=True)
def _too_many_tries(stage: Stage) -> Seen:
    visitor = stage.visitor()
    form = visitor.review_form(LOFT, stage.nights())
    with stage.limits_on():
        answers = [visitor.post(f"/stays/{LOFT}/review", {**form, "shown_total_minor": "1"}) for _ in range(12)]
    return Seen(answers[-1])


@page("review, the form was too old", Stake.REFUSED, 400, is_private=True)
def _old_form(stage: Stage) -> Seen:
    visitor = stage.visitor()
    form = visitor.review_form(LOFT, stage.nights())
    return Seen(visitor.post(f"/stays/{LOFT}/review", {**form, "csrf_token": "old"}))


@page("review, Stripe is silent", Stake.UNPAID, 503, is_private=True)
def _silent(stage: Stage) -> Seen:
    visitor = stage.visitor()
    form = visitor.review_form(LOFT, stage.nights())
    with stage.stripe_is_silent():
        return Seen(visitor.post(f"/stays/{LOFT}/review", form))


@page("review, Stripe refuses", Stake.UNPAID, 502, is_private=True)
def _refused(stage: Stage) -> Seen:
    visitor = stage.visitor()
    form = visitor.review_form(LOFT, stage.nights())
    with stage.stripe_refuses():
        return Seen(visitor.post(f"/stays/{LOFT}/review", form))


# --- back from Stripe -----------------------------------------------------------------------------------------------


@page("return, confirmed", Stake.LEDGER, is_private=True)
def _return_confirmed(stage: Stage) -> Seen:
    return stage.come_back(*stage.paid())


@page("return, confirmed, another browser", Stake.LEDGER, is_private=True)
def _return_elsewhere(stage: Stage) -> Seen:
    _, booking_id = stage.paid()
    return stage.come_back(stage.visitor(), booking_id)


@page("return, the stay is over, another browser", Stake.LEDGER, is_private=True)
def _return_stayed(stage: Stage) -> Seen:
    _, booking_id = _with_dates(stage, -9)
    return stage.come_back(stage.visitor(), booking_id)


@page("return, Stripe is silent", Stake.UNKNOWN, is_private=True)
def _return_silent(stage: Stage) -> Seen:
    visitor, booking_id = _paid_unheard(stage)
    stage.stripe_fails("GET")
    return stage.come_back(visitor, booking_id)


def _paid_unheard(stage: Stage, **more: Any) -> tuple[Visitor, int]:
    """Paid, and the news of it is lost."""
    visitor, booking_id = stage.hold()
    stage.shop.stripe.drop_webhooks()
    stage.shop.stripe.pay(stage.shop.session_of(booking_id), wait=False, **more)
    return visitor, booking_id


@page("return, a bank is at work", Stake.LEDGER, is_private=True)
def _return_processing(stage: Stage) -> Seen:
    return stage.come_back(*_paid_unheard(stage, method="sepa_debit"))


@page("return, a bank is at work, nights gone", Stake.LEDGER, is_private=True)
def _return_processing_gone(stage: Stage) -> Seen:
    return stage.come_back(*_too_late(stage, method="sepa_debit"))


@page("return, nights gone, refund on its way", Stake.LEDGER, is_private=True)
def _return_gone(stage: Stage) -> Seen:
    return stage.come_back(*_too_late(stage))


@page("return, nights gone, refund sent, another browser", Stake.LEDGER, is_private=True)
def _return_gone_sent(stage: Stage) -> Seen:
    _, booking_id = _too_late(stage)
    _let_refunds_go(stage)
    return stage.come_back(stage.visitor(), booking_id)


def _too_late(stage: Stage, **more: Any) -> tuple[Visitor, int]:
    """Paid in a session that outlived its hold, for nights that somebody else has paid."""
    visitor, booking_id = stage.hold()
    stay = stage.shop.booking(booking_id).stay
    stage.run_ahead(minutes=50)
    stage.shop.pay(stage.shop.book(stay, LINUS, f"linus of {stay}"))
    stage.shop.pay(booking_id, **more)
    return visitor, booking_id


def _let_refunds_go(stage: Stage) -> None:
    stage.shop.work()
    stage.shop.stripe.settle_down()


@page("return, not paid yet", Stake.LEDGER, is_private=True)
def _return_open(stage: Stage) -> Seen:
    return stage.come_back(*stage.hold())


@page("return, time is over", Stake.LEDGER, is_private=True)
def _return_over(stage: Stage) -> Seen:
    visitor, booking_id = stage.hold()
    stage.shop.pass_time(minutes=46)
    return stage.come_back(visitor, booking_id)


@page("return, time is over, a new page can be had", Stake.LEDGER, is_private=True)
def _return_reopen(stage: Stage) -> Seen:
    return stage.come_back(*_just_over(stage))


def _just_over(stage: Stage) -> tuple[Visitor, int]:
    """The time to pay has passed, and the nights are kept for the few minutes in which late news may come."""
    visitor, booking_id = stage.hold()
    stage.run_ahead(minutes=38)
    return visitor, booking_id


@page("return, let go and paid all the same", Stake.LEDGER, is_private=True)
def _return_late(stage: Stage) -> Seen:
    return stage.come_back(*_paid_after_the_end(stage))


def _paid_after_the_end(stage: Stage) -> tuple[Visitor, int]:
    """Let go in the very moment in which the payment was made: its news comes to a booking that has ended."""
    visitor, booking_id = stage.hold()
    with patched(attempts, "is_payable", lambda *_: False), patched(attempts, "end_sessions", _still_pending):
        stage.press(visitor, stage.look("/pay/cancelled", visitor).answer, "/pay/release")
    stage.shop.pay(booking_id)
    return visitor, booking_id


def _still_pending(*_: Any) -> BookingStatus:
    return BookingStatus.PENDING


@page("return, cancelled weeks later", Stake.LEDGER, is_private=True)
def _return_cancelled(stage: Stage) -> Seen:
    visitor, booking_id = _cancelled_by_staff(stage, part=10_000)
    _let_refunds_go(stage)
    return stage.come_back(visitor, booking_id)


@page("return, a person must look", Stake.LEDGER, is_private=True)
def _return_review(stage: Stage) -> Seen:
    return stage.come_back(*_odd_amount(stage))


def _odd_amount(stage: Stage) -> tuple[Visitor, int]:
    """Paid another amount than the shop asked for."""
    visitor, booking_id = stage.hold()
    with stage.shop.app.app_context(), transaction() as session:
        more = update(Attempt).where(Attempt.booking_id == booking_id)
        session.execute(more.values(amount_minor=Attempt.amount_minor + 1))
    stage.shop.pay(booking_id)
    return visitor, booking_id


@page("return, unknown", Stake.UNKNOWN, 404, is_private=True)
def _return_unknown(stage: Stage) -> Seen:
    return stage.look("/pay/return", session_id="cs_test_nobody")


@page("cancelled, still held", Stake.LEDGER, is_private=True)
def _cancelled_held(stage: Stage) -> Seen:
    visitor, booking_id = stage.hold()
    return Seen(stage.look("/pay/cancelled", visitor).answer, booking_id)


@page("cancelled, a card was declined", Stake.LEDGER, is_private=True)
def _cancelled_declined(stage: Stage) -> Seen:
    visitor, booking_id = stage.paid(NO_FUNDS)
    return Seen(stage.look("/pay/cancelled", visitor).answer, booking_id)


@page("cancelled, nothing is waiting", Stake.UNKNOWN, is_private=True)
def _cancelled_nothing(stage: Stage) -> Seen:
    return stage.look("/pay/cancelled")


@page("cancelled, too late", Stake.UNKNOWN, is_private=True)
def _cancelled_late(stage: Stage) -> Seen:
    visitor, booking_id = stage.hold()
    stage.shop.pass_time(minutes=46)
    return Seen(stage.look("/pay/cancelled", visitor).answer, booking_id)


@page("cancelled, paid in another tab", Stake.UNKNOWN, is_private=True)
def _cancelled_paid(stage: Stage) -> Seen:
    visitor, _ = stage.paid()
    return stage.look("/pay/cancelled", visitor)


@page("let go, but Stripe is silent", Stake.UNPAID, 503, is_private=True)
def _release_silent(stage: Stage) -> Seen:
    visitor, _ = stage.hold()
    shown = stage.look("/pay/cancelled", visitor).answer
    stage.stripe_fails("POST")
    return stage.press(visitor, shown, "/pay/release")


@page("let go, but paid a moment ago", Stake.LEDGER, is_private=True)
def _release_paid(stage: Stage) -> Seen:
    visitor, booking_id = stage.hold()
    shown = stage.look("/pay/cancelled", visitor).answer
    stage.shop.stripe.drop_webhooks()
    stage.shop.stripe.pay(stage.shop.session_of(booking_id), wait=False)
    return Seen(stage.press(visitor, shown, "/pay/release").answer, booking_id)


@page("pay again, but Stripe is silent", Stake.UNPAID, 503, is_private=True)
def _resume_silent(stage: Stage) -> Seen:
    visitor, _ = stage.hold()
    shown = stage.look("/pay/cancelled", visitor).answer
    stage.run_ahead(minutes=32)  # the session has too little time left to be handed out again
    with stage.stripe_is_silent():
        return stage.press(visitor, shown, "/pay/resume")


@page("pay again, but the nights are gone", Stake.UNPAID, 409, is_private=True)
def _resume_gone(stage: Stage) -> Seen:
    visitor, booking_id = stage.hold()
    shown = stage.look("/pay/cancelled", visitor).answer
    stage.run_ahead(minutes=50)
    stay = stage.shop.booking(booking_id).stay
    stage.shop.place(stay, LINUS, f"linus of {stay}")
    return stage.press(visitor, shown, "/pay/resume")


# --- a guest's own booking -----------------------------------------------------------------------------------------


@page("booking, confirmed", Stake.LEDGER, is_private=True)
def _booking_confirmed(stage: Stage) -> Seen:
    return stage.booking_page(*stage.paid())


def _with_dates(stage: Stage, first: int, nights: int = 3) -> tuple[Visitor, int]:
    """Paid, and its stay moved to some days from today: the pages go by the dates alone."""
    visitor, booking_id = stage.paid(slug=CABIN)
    arrive = stage.shop.clock.now().astimezone(ZoneInfo(TIMEZONE)).date() + timedelta(days=first)
    stay = Stay(arrive, arrive + timedelta(days=nights))
    _rewrite(stage, update(Booking).where(Booking.id == booking_id).values(arrive=stay.arrive, leave=stay.leave))
    return visitor, booking_id


def _rewrite(stage: Stage, change: Update) -> None:
    with stage.shop.app.app_context(), transaction() as session:
        session.execute(change)


@page("booking, arriving today", Stake.LEDGER, is_private=True)
def _booking_today(stage: Stage) -> Seen:
    return stage.booking_page(*_with_dates(stage, 0))


@page("booking, the stay has begun", Stake.LEDGER, is_private=True)
def _booking_begun(stage: Stage) -> Seen:
    return stage.booking_page(*_with_dates(stage, -1))


@page("booking, the stay is over", Stake.LEDGER, is_private=True)
def _booking_stayed(stage: Stage) -> Seen:
    return stage.booking_page(*_with_dates(stage, -9))


@page("booking, confirmation could not be delivered", Stake.LEDGER, is_private=True)
def _booking_mail_lost(stage: Stage) -> Seen:
    visitor, booking_id = stage.paid(slug=CABIN)
    _rewrite(stage, update(OutboxRow).where(OutboxRow.booking_id == booking_id).values(state=OutboxState.DEAD))
    return stage.booking_page(visitor, booking_id)


@page("booking, a part sent back and still on", Stake.LEDGER, is_private=True)
def _booking_goodwill(stage: Stage) -> Seen:
    visitor, booking_id = _goodwill(stage, 5_000)
    return stage.booking_page(visitor, booking_id)


def _goodwill(stage: Stage, minor: int | None = None) -> tuple[Visitor, int]:
    """Staff has sent some or all of the money back, and the stay is on."""
    visitor, booking_id = stage.paid(slug=CABIN)
    booking: Booking = stage.shop.booking(booking_id)
    amount = Money(minor or booking.amount_minor, booking.currency)
    with stage.shop.app.app_context():
        refunds.order_refund(stage.shop.runtime, booking_id, amount, "ada@example.org", f"goodwill-{booking_id}")
    _let_refunds_go(stage)
    return visitor, booking_id


@page("booking, paid to the house", Stake.LEDGER, is_private=True)
def _booking_cash(stage: Stage) -> Seen:
    return stage.booking_page(*_paid_to_the_house(stage))


@page("booking, paid to the house, some of it owed back", Stake.LEDGER, is_private=True)
def _booking_cash_owed(stage: Stage) -> Seen:
    visitor, booking_id = _paid_to_the_house(stage)
    _give_back(stage, booking_id, 2_000)
    return stage.booking_page(visitor, booking_id)


@page("booking, paid to the house, all of it handed back", Stake.LEDGER, is_private=True)
def _booking_cash_back(stage: Stage) -> Seen:
    visitor, booking_id = _paid_to_the_house(stage)
    _give_back(stage, booking_id, stage.shop.booking(booking_id).amount_minor)
    with stage.shop.app.app_context():
        refunds.note_handed_over(stage.shop.runtime, stage.shop.refunds(booking_id)[0].id, "ada@example.org")
    return stage.booking_page(visitor, booking_id)


def _give_back(stage: Stage, booking_id: int, minor: int) -> None:
    amount = Money(minor, stage.shop.booking(booking_id).currency)
    with stage.shop.app.app_context():
        refunds.order_refund(stage.shop.runtime, booking_id, amount, "ada@example.org", f"cash-{booking_id}")


def _paid_to_the_house(stage: Stage) -> tuple[Visitor, int]:
    """Booked on the telephone and paid in cash; the guest has opened the link from the mail."""
    return by_phone(stage, PaymentMethod.CASH)


def by_phone(stage: Stage, method: PaymentMethod = PaymentMethod.STRIPE) -> tuple[Visitor, int]:
    """Booked on the telephone, by the plan of the listing; the guest has opened the link from the mail."""
    stay = stage.nights(slug=CABIN)
    with stage.shop.app.app_context():
        listing, now = db.session.scalars(select(Listing).where(Listing.slug == CABIN)).one(), stage.shop.clock.now()
        total = reservations.check_and_quote(listing, stay, 2, now).total
        guest = replace(GRACE, language=stage.prefix.strip("/") or "en")
        mark = listing.schedule(total, stay.arrive, now).mark
        request = PhoneRequest(listing.id, stay, 2, guest, total, method, uuid.uuid4().hex, shown_plan=mark)
        booking_id = phone.place_by_phone(stage.shop.runtime, request, "ada@example.org").booking_id
    visitor, address = stage.visitor(), f"/m/{_token(stage, booking_id)}"
    stage.press(visitor, stage.look(address, visitor).answer, address)
    return visitor, booking_id


@page("booking, a change is offered", Stake.LEDGER, is_private=True)
def _booking_offered(stage: Stage) -> Seen:
    return stage.booking_page(*with_offer(stage))


def with_offer(stage: Stage) -> tuple[Visitor, int]:
    """A stay that is paid; the house would give a night more for the difference."""
    visitor, booking_id = stage.paid(slug=CABIN, stay=stage.nights(nights=2, slug=CABIN))
    stay = stage.shop.booking(booking_id).stay
    wish = ChangeWish(Stay(stay.arrive, stay.leave + timedelta(days=1)), 2, keeps_price=False)
    with stage.shop.app.app_context():
        total = changes.preview_change(stage.shop.runtime, booking_id, wish).quote.total
        changes.change_stay(stage.shop.runtime, booking_id, wish, total, uuid.uuid4().hex, "ada@example.org")
    return visitor, booking_id


# --- a deposit now, the balance later -------------------------------------------------------------------------------


@contextmanager
def deposits(stage: Stage, slug: str = LOFT, agreed: PaymentPlan = THIRTY) -> Iterator[None]:
    """As long as this lasts, a listing is paid in two parts, or by another plan."""

    def choose(plan: PaymentPlan | None) -> None:
        with stage.shop.app.app_context():
            listing_id = db.session.scalars(select(Listing.id).where(Listing.slug == slug)).one()
            end_read()
            payment_plans.choose_for_listing(stage.shop.runtime, listing_id, plan, "ada@example.org")

    choose(agreed)
    try:
        yield
    finally:
        choose(None)


def with_balance(stage: Stage) -> tuple[Visitor, int]:
    """A stay whose deposit is paid."""
    with deposits(stage, CABIN):
        return stage.paid(slug=CABIN, stay=stage.nights(slug=CABIN))


@page("booking, held by telephone for a deposit", Stake.LEDGER, is_private=True)
def _booking_deposit_wanted(stage: Stage) -> Seen:
    with deposits(stage, CABIN):
        return stage.booking_page(*by_phone(stage))


@page("results, one with a deposit")
def _offers_with_deposit(stage: Stage) -> Seen:
    stay = stage.free
    with deposits(stage):
        return stage.look("/stays", arrive=str(stay.arrive), leave=str(stay.leave), guests="2")


@page("stay, with a deposit")
def _stay_with_deposit(stage: Stage) -> Seen:
    with deposits(stage):
        return stage.ask(stage.free)


@page("review, with a deposit", Stake.NOT_YET, is_private=True)
def _review_with_deposit(stage: Stage) -> Seen:
    with deposits(stage):
        return stage.type_details()


@page("review, when to pay has changed", Stake.UNPAID, 409, is_private=True)
def _plan_changed(stage: Stage) -> Seen:
    visitor, stay = stage.visitor(), stage.nights()
    form = visitor.review_form(LOFT, stay)
    with deposits(stage):
        return Seen(visitor.post(f"/stays/{LOFT}/review", form))


@page("booking, a balance is owed", Stake.LEDGER, is_private=True)
def _booking_owing(stage: Stage) -> Seen:
    return stage.booking_page(*with_balance(stage))


@page("paying a balance", Stake.LEDGER, is_private=True)
def _pay_balance(stage: Stage) -> Seen:
    visitor, booking_id = with_balance(stage)
    return stage.booking_page(visitor, booking_id, f"/pay/{_balance_id(stage, booking_id)}")


@page("voucher, a balance is owed", Stake.LEDGER, is_private=True)
def _voucher_owing(stage: Stage) -> Seen:
    return stage.booking_page(*with_balance(stage), "/voucher")


@page("receipt, a balance is owed", Stake.LEDGER, is_private=True)
def _receipt_owing(stage: Stage) -> Seen:
    return stage.booking_page(*with_balance(stage), "/receipt")


@page("cancel, a balance is owed", Stake.LEDGER, is_private=True)
def _cancel_owing(stage: Stage) -> Seen:
    return stage.booking_page(*with_balance(stage), "/cancel")


@page("booking, the balance is paid", Stake.LEDGER, is_private=True)
def _booking_balanced(stage: Stage) -> Seen:
    visitor, booking_id = with_balance(stage)
    with stage.shop.app.app_context():
        balances.start_due(stage.shop.runtime, _balance_id(stage, booking_id))
    stage.shop.pay(booking_id)
    return stage.booking_page(visitor, booking_id)


def _balance_id(stage: Stage, booking_id: int) -> int:
    with stage.shop.app.app_context():
        return db.session.scalars(select(Due.id).where(Due.booking_id == booking_id)).one()


# --- a card now, all of the price later -------------------------------------------------------------------------------


def with_guarantee(stage: Stage, card: str = "4242424242424242") -> tuple[Visitor, int]:
    """A stay that a card stands for, with nothing paid."""
    with deposits(stage, CABIN, LATER):
        return stage.paid(card, slug=CABIN, stay=stage.nights(slug=CABIN))


@page("results, one is paid later")
def _offers_paid_later(stage: Stage) -> Seen:
    stay = stage.free
    with deposits(stage, agreed=LATER):
        return stage.look("/stays", arrive=str(stay.arrive), leave=str(stay.leave), guests="2")


@page("stay, paid later")
def _stay_paid_later(stage: Stage) -> Seen:
    with deposits(stage, agreed=LATER):
        return stage.ask(stage.free)


@page("review, paid later", Stake.NOT_YET, is_private=True)
def _review_paid_later(stage: Stage) -> Seen:
    with deposits(stage, agreed=LATER):
        return stage.type_details()


@page("booking, held by telephone for a card", Stake.LEDGER, is_private=True)
def _booking_card_wanted(stage: Stage) -> Seen:
    with keeping_cards(stage.shop), deposits(stage, CABIN, LATER):
        return stage.booking_page(*by_phone(stage))


@page("booking, a card stands for it", Stake.LEDGER, is_private=True)
def _booking_guaranteed(stage: Stage) -> Seen:
    return stage.booking_page(*with_guarantee(stage))


@page("booking, the bank of its card wants its guest", Stake.LEDGER, is_private=True)
def _booking_to_confirm(stage: Stage) -> Seen:
    return stage.booking_page(*_with_refusal(stage))


@page("paying what the bank of a card wants confirmed", Stake.LEDGER, is_private=True)
def _pay_to_confirm(stage: Stage) -> Seen:
    visitor, booking_id = _with_refusal(stage)
    return stage.booking_page(visitor, booking_id, f"/pay/{_balance_id(stage, booking_id)}")


def _with_refusal(stage: Stage) -> tuple[Visitor, int]:
    """A card stands for it that was charged, and whose bank wants to be sure who pays."""
    visitor, booking_id = with_guarantee(stage)
    stage.shop.work()
    swap_card(stage.shop, booking_id, ALWAYS_ASKS)
    with stage.shop.app.app_context():
        charges.charge_due(stage.shop.runtime, _balance_id(stage, booking_id), Cause(Source.TIMER))
    stage.shop.stripe.settle_down()
    return visitor, booking_id


@page("return, a card is kept, another browser", Stake.LEDGER, is_private=True)
def _return_guaranteed(stage: Stage) -> Seen:
    _, booking_id = with_guarantee(stage)
    return stage.come_back(stage.visitor(), booking_id)


@page("return, a card is kept, nights gone", Stake.LEDGER, is_private=True)
def _return_guaranteed_gone(stage: Stage) -> Seen:
    with deposits(stage, CABIN, LATER):
        stay = stage.nights(slug=CABIN)
        visitor, booking_id = stage.hold(slug=CABIN, stay=stay)
        stage.run_ahead(minutes=50)
        stage.paid(slug=CABIN, stay=stay)
        stage.shop.pay(booking_id)
    return stage.come_back(visitor, booking_id)


@page("cancel, a card stands for it", Stake.LEDGER, is_private=True)
def _cancel_guaranteed(stage: Stage) -> Seen:
    return stage.booking_page(*with_guarantee(stage), "/cancel")


@page("voucher, a card stands for it", Stake.LEDGER, is_private=True)
def _voucher_guaranteed(stage: Stage) -> Seen:
    return stage.booking_page(*with_guarantee(stage), "/voucher")


# --- requests to book -----------------------------------------------------------------------------------------------


@page("stay, on request")
def _stay_on_request(stage: Stage) -> Seen:
    with stage.listing(CABIN, takes_requests=True):
        return stage.ask(stage.free, CABIN)


@page("results, on request")
def _results_on_request(stage: Stage) -> Seen:
    stay = stage.free
    with stage.listing(CABIN, takes_requests=True):
        return stage.look("/stays", arrive=str(stay.arrive), leave=str(stay.leave), guests="2")


@page("review, on request", Stake.NOT_YET, is_private=True)
def _review_on_request(stage: Stage) -> Seen:
    with stage.listing(LOFT, takes_requests=True):
        return stage.type_details()


@page("review, on request by now", Stake.UNPAID, 409, is_private=True)
def _way_changed(stage: Stage) -> Seen:
    visitor, stay = stage.visitor(), stage.nights()
    form = visitor.review_form(LOFT, stay)
    with stage.listing(LOFT, takes_requests=True):
        return Seen(visitor.post(f"/stays/{LOFT}/review", form))


def asked(stage: Stage) -> tuple[Visitor, int]:
    """Somebody whose card is authorised, and who waits for the host."""
    with stage.listing(CABIN, takes_requests=True):
        return stage.paid(slug=CABIN, stay=stage.nights(slug=CABIN))


def _declined(stage: Stage) -> tuple[Visitor, int]:
    visitor, booking_id = asked(stage)
    with stage.shop.app.app_context():
        words = DECLINED_WITH
        requests.decline_request(stage.shop.runtime, booking_id, words, STAFF.actor)
    stage.shop.stripe.settle_down()
    return visitor, booking_id


@page("return, a request is made", Stake.UNPAID, is_private=True)
def _return_asked(stage: Stage) -> Seen:
    return stage.come_back(*asked(stage))


@page("return, a request was declined", Stake.UNPAID, is_private=True)
def _return_declined(stage: Stage) -> Seen:
    return stage.come_back(*_declined(stage))


@page("booking, a request waits", Stake.UNPAID, is_private=True)
def _booking_asked(stage: Stage) -> Seen:
    return stage.booking_page(*asked(stage))


@page("booking, a request is being accepted", Stake.NOTHING_FALSE, is_private=True)
def _booking_accepting(stage: Stage) -> Seen:
    visitor, booking_id = asked(stage)
    silent = patched(stage.shop.runtime.payments, "capture_payment", _no_answer)
    with stage.shop.app.app_context(), silent:
        requests.accept_request(stage.shop.runtime, booking_id, STAFF.actor)
    return stage.booking_page(visitor, booking_id)


def _no_answer(*_asked: object) -> None:
    raise GatewayUnavailable("no answer")


@page("booking, a request was declined", Stake.UNPAID, is_private=True)
def _booking_declined(stage: Stage) -> Seen:
    return stage.booking_page(*_declined(stage))


@page("booking, a request lapsed and the sum is being let go", Stake.UNPAID, is_private=True)
def _booking_lapsed(stage: Stage) -> Seen:
    visitor, booking_id = asked(stage)
    with stage.shop.app.app_context(), transaction() as session:
        session.execute(update(StayRequest).where(StayRequest.booking_id == booking_id).values(answer_by=_long_ago()))
    silent = patched(stage.shop.runtime.payments, "release_payment", _no_answer)
    with stage.shop.app.app_context(), silent:
        requests.lapse_overdue(stage.shop.runtime)
    return stage.booking_page(visitor, booking_id)


def _long_ago() -> datetime:
    return datetime(2020, 1, 1, tzinfo=UTC)


@page("cancel, withdraw a request", Stake.UNPAID, is_private=True)
def _ask_withdraw(stage: Stage) -> Seen:
    return stage.booking_page(*asked(stage), "/cancel")


@page("booking, a request is withdrawn", Stake.UNPAID, is_private=True)
def _withdrawn(stage: Stage) -> Seen:
    return stage.send_form(*asked(stage), "/cancel")


@page("booking, a request is accepted", Stake.LEDGER, is_private=True)
def _booking_accepted(stage: Stage) -> Seen:
    visitor, booking_id = asked(stage)
    with stage.shop.app.app_context():
        requests.accept_request(stage.shop.runtime, booking_id, STAFF.actor)
    stage.shop.stripe.settle_down()
    return stage.booking_page(visitor, booking_id)


@page("booking, paid twice", Stake.LEDGER, is_private=True)
def _booking_twice(stage: Stage) -> Seen:
    visitor, booking_id = stage.hold(slug=CABIN)
    first = stage.shop.session_of(booking_id)
    stage.run_ahead(minutes=32)
    with patched(attempts, "end_given_up", lambda *_: False):
        stage.shop.check_out(booking_id)
    stage.shop.pay(booking_id)
    stage.shop.stripe.pay(first)
    stage.shop.stripe.settle_down()
    return stage.booking_page(visitor, booking_id)


@page("booking, in a dispute", Stake.LEDGER, is_private=True)
def _booking_disputed(stage: Stage) -> Seen:
    return stage.booking_page(*_disputed(stage))


@page("booking, dispute lost", Stake.LEDGER, is_private=True)
def _booking_dispute_lost(stage: Stage) -> Seen:
    return stage.booking_page(*_disputed(stage, "lost"))


def _disputed(stage: Stage, end: str = "") -> tuple[Visitor, int]:
    visitor, booking_id = stage.paid(DISPUTED, slug=CABIN)
    stage.shop.pass_time(seconds=5)
    wait_until(lambda: stage.shop.disputes(booking_id), what="news of the dispute")
    if end:
        stage.shop.stripe.post(f"disputes/{stage.shop.disputes(booking_id)[0].stripe_dispute_id}", {"status": end})
        stage.shop.stripe.settle_down()
    return visitor, booking_id


@page("booking, time is over, a new page can be had", Stake.LEDGER, is_private=True)
def _booking_reopen(stage: Stage) -> Seen:
    return stage.booking_page(*_just_over(stage))


@page("booking, let go and paid all the same", Stake.LEDGER, is_private=True)
def _booking_late(stage: Stage) -> Seen:
    return stage.booking_page(*_paid_after_the_end(stage))


@page("booking, not paid and ended by the house", Stake.LEDGER, is_private=True)
def _booking_ended_by_house(stage: Stage) -> Seen:
    visitor, booking_id = stage.hold(slug=CABIN)
    with stage.shop.app.app_context():
        reservations.cancel_booking(
            stage.shop.runtime, booking_id, CancelReason.STAFF, STAFF, None, f"form-{booking_id}"
        )
    return stage.booking_page(visitor, booking_id)


@page("booking, held", Stake.LEDGER, is_private=True)
def _booking_held(stage: Stage) -> Seen:
    return stage.booking_page(*stage.hold())


@page("booking, held, a card was declined", Stake.LEDGER, is_private=True)
def _booking_declined(stage: Stage) -> Seen:
    return stage.booking_page(*stage.paid(NO_FUNDS))


@page("booking, over", Stake.LEDGER, is_private=True)
def _booking_over(stage: Stage) -> Seen:
    visitor, booking_id = stage.hold()
    stage.shop.pass_time(minutes=46)
    return stage.booking_page(visitor, booking_id)


@page("booking, a bank is at work", Stake.LEDGER, is_private=True)
def _booking_processing(stage: Stage) -> Seen:
    return stage.booking_page(*stage.paid(method="sepa_debit"))


@page("booking, a bank is at work, nights gone", Stake.LEDGER, is_private=True)
def _booking_processing_gone(stage: Stage) -> Seen:
    return stage.booking_page(*_too_late(stage, method="sepa_debit"))


@page("booking, paid in another currency", Stake.NOTHING_FALSE, is_private=True)
def _booking_other_currency(stage: Stage) -> Seen:
    visitor, booking_id = _odd_amount(stage)
    _rewrite(stage, update(Payment).where(Payment.booking_id == booking_id).values(currency="usd"))
    return stage.booking_page(visitor, booking_id)


@page("booking, a person must look", Stake.LEDGER, is_private=True)
def _booking_review(stage: Stage) -> Seen:
    return stage.booking_page(*_odd_amount(stage))


@page("booking, nights gone, refund on its way", Stake.LEDGER, is_private=True)
def _booking_gone(stage: Stage) -> Seen:
    return stage.booking_page(*_too_late(stage))


@page("booking, nights gone, refund sent", Stake.LEDGER, is_private=True)
def _booking_gone_sent(stage: Stage) -> Seen:
    visitor, booking_id = _too_late(stage)
    _let_refunds_go(stage)
    return stage.booking_page(visitor, booking_id)


@page("booking, let go", Stake.LEDGER, is_private=True)
def _booking_let_go(stage: Stage) -> Seen:
    visitor, booking_id = stage.hold()
    shown = stage.look("/pay/cancelled", visitor).answer
    return Seen(stage.press(visitor, shown, "/pay/release").answer, booking_id)


@page("booking, payment failed", Stake.LEDGER, is_private=True)
def _booking_failed(stage: Stage) -> Seen:
    visitor, booking_id = stage.hold()
    intent_id = stage.shop.pay(booking_id, method="sepa_debit")["payment_intent"]["id"]
    stage.shop.stripe.post(f"payments/{intent_id}/settle", {"outcome": "failed"})
    stage.shop.stripe.settle_down()
    return stage.booking_page(visitor, booking_id)


@page("booking, cancelled, refund on its way", Stake.LEDGER, is_private=True)
def _booking_refund_waits(stage: Stage) -> Seen:
    return stage.booking_page(*_cancelled_by_staff(stage))


def _cancelled_by_staff(stage: Stage, card: str = "4242424242424242", part: int | None = None) -> tuple[Visitor, int]:
    """Paid, then cancelled, with as much coming back as said: all of it, a part, or nothing."""
    visitor, booking_id = stage.paid(card)
    booking: Booking = stage.shop.booking(booking_id)
    back = Money(booking.amount_minor if part is None else part, booking.currency)
    with stage.shop.app.app_context():
        reservations.cancel_booking(
            stage.shop.runtime,
            booking_id,
            CancelReason.STAFF,
            STAFF,
            back if back.minor else None,
            f"form-{booking_id}",
        )
    return visitor, booking_id


@page("booking, cancelled, refund pending at Stripe", Stake.LEDGER, is_private=True)
def _booking_refund_pending(stage: Stage) -> Seen:
    visitor, booking_id = _cancelled_by_staff(stage, REFUND_WAITS)
    _let_refunds_go(stage)
    return stage.booking_page(visitor, booking_id)


@page("booking, cancelled, refund sent", Stake.LEDGER, is_private=True)
def _booking_refunded(stage: Stage) -> Seen:
    visitor, booking_id = _cancelled_by_staff(stage)
    _let_refunds_go(stage)
    return stage.booking_page(visitor, booking_id)


@page("booking, cancelled, a part sent", Stake.LEDGER, is_private=True)
def _booking_refunded_part(stage: Stage) -> Seen:
    visitor, booking_id = _cancelled_by_staff(stage, part=10_000)
    _let_refunds_go(stage)
    return stage.booking_page(visitor, booking_id)


@page("booking, cancelled, nothing comes back", Stake.LEDGER, is_private=True)
def _booking_nothing_back(stage: Stage) -> Seen:
    return stage.booking_page(*_cancelled_by_staff(stage, part=0))


@page("booking, cancelled, refund failed", Stake.LEDGER, is_private=True)
def _booking_refund_failed(stage: Stage) -> Seen:
    visitor, booking_id = _cancelled_by_staff(stage, REFUND_FAILS)
    _let_refunds_go(stage)
    stage.shop.pass_time(minutes=2)
    return stage.booking_page(visitor, booking_id)


@page("booking, of somebody else", status=404, is_private=True)
def _booking_foreign(stage: Stage) -> Seen:
    _, booking_id = stage.paid()
    return Seen(stage.booking_page(stage.visitor(), booking_id).answer)


# --- what a guest does with a booking ---------------------------------------------------------------------------------


def below(name: str, more: str, stake: Stake = Stake.NOTHING_FALSE, scene: Callable[[Stage], Any] = Stage.paid) -> None:
    """Put a page below a booking into the catalogue; the booking is one that was paid, or as `scene` leaves it."""
    show: Scene = lambda stage: stage.booking_page(*scene(stage), more)  # noqa: E731
    CATALOGUE.append(State(name, show, stake, is_private=True))


def _paid_with_wishes(stage: Stage) -> tuple[Visitor, int]:
    visitor = stage.visitor()
    assert visitor.book_and_pay(CABIN, stage.nights(slug=CABIN), **_WISHES).status_code == 303
    booking_id = stage.shop.bookings()[-1].id
    stage.shop.pay(booking_id)
    return visitor, booking_id


below("voucher", "/voucher")
below("receipt", "/receipt", Stake.LEDGER)
below("receipt, with extras, a child and a code", "/receipt", Stake.LEDGER, lambda stage: _paid_with_wishes(stage))
below("receipt, a part went back", "/receipt", scene=lambda stage: _part_sent(stage))
below("details of a booking", "/details")
below("your data", "/privacy")
below("cancel, all comes back", "/cancel")
below("cancel, a part comes back", "/cancel", scene=lambda stage: _paid_soon(stage, days=4))
below("cancel, nothing comes back", "/cancel", scene=lambda stage: _paid_soon(stage, days=1))
below("cancel, all went back before", "/cancel", scene=lambda stage: _goodwill(stage))
below("cancel, in a dispute", "/cancel", scene=lambda stage: _disputed(stage))
below("receipt, dispute lost", "/receipt", scene=lambda stage: _disputed(stage, "lost"))
below("cancel, not paid yet", "/cancel", Stake.LEDGER, Stage.hold)
below("cancel, a bank is at work", "/cancel", Stake.LEDGER, lambda stage: stage.paid(method="sepa_debit"))
below("cancel, a person must look", "/cancel", scene=lambda stage: _odd_amount(stage))


def _part_sent(stage: Stage) -> tuple[Visitor, int]:
    visitor, booking_id = _cancelled_by_staff(stage, part=10_000)
    _let_refunds_go(stage)
    return visitor, booking_id


def _paid_soon(stage: Stage, days: int) -> tuple[Visitor, int]:
    """A stay that begins in some days: in each language in a listing of its own, as the nights are the same."""
    return stage.paid(slug=ROOM if stage.prefix else LOFT, stay=stage.shop.stay(2, ahead=days))


@page("details of a booking, wrong", Stake.NOTHING_FALSE, 422, is_private=True)
def _details_wrong(stage: Stage) -> Seen:
    return stage.send_form(*stage.paid(), "/details", name=" ", phone="call me", message="x" * 501)


@page("details of a booking, kept", Stake.LEDGER, is_private=True)
def _details_kept(stage: Stage) -> Seen:
    return stage.send_form(*stage.paid(), "/details", name="Grace B. Hopper", arrival_time="")


@page("booking, mail sent once more", Stake.LEDGER, is_private=True)
def _sent_again(stage: Stage) -> Seen:
    return stage.send_form(*stage.paid(), "", "/resend")


@page("booking, cancelled by its guest", Stake.LEDGER, is_private=True)
def _cancelled_by_guest(stage: Stage) -> Seen:
    return stage.send_form(*stage.paid(), "/cancel")


@page("cancel, another amount meanwhile", Stake.NOTHING_FALSE, 409, is_private=True)
def _cancel_changed(stage: Stage) -> Seen:
    return stage.send_form(*_paid_soon(stage, days=20), "/cancel", shown_minor="99900")


@page("cancel, Stripe is silent", Stake.UNPAID, 503, is_private=True)
def _cancel_silent(stage: Stage) -> Seen:
    visitor, booking_id = stage.hold()
    path = f"/b/{stage.shop.booking(booking_id).reference}/cancel"
    shown = stage.look(path, visitor).answer
    stage.stripe_fails("POST")
    return stage.press(visitor, shown, path)


@page("your data, not sure", Stake.NOTHING_FALSE, 422, is_private=True)
def _erase_unsure(stage: Stage) -> Seen:
    visitor, booking_id = stage.paid()
    reference = stage.shop.booking(booking_id).reference
    shown = fields_of(stage.look(f"/b/{reference}/privacy", visitor).answer.text)
    sent = {"csrf_token": shown["csrf_token"]}
    return Seen(stage.follow(visitor, visitor.post(f"/b/{reference}/erase", sent)), booking_id)


@page("your data, erasure asked", Stake.NOTHING_FALSE, is_private=True)
def _erase_asked(stage: Stage) -> Seen:
    return stage.send_form(*stage.paid(), "/privacy", "/erase", is_sure="y")


@page("find my booking", is_private=True)
def _lookup(stage: Stage) -> Seen:
    return stage.look("/manage")


@page("find my booking, empty", status=422, is_private=True)
def _lookup_empty(stage: Stage) -> Seen:
    visitor = stage.visitor()
    shown = stage.look("/manage", visitor).answer
    return stage.press(visitor, shown, "/manage", reference="", email="")


@page("find my booking, sent", is_private=True)
def _lookup_sent(stage: Stage) -> Seen:
    visitor = stage.visitor()
    shown = stage.look("/manage", visitor).answer
    return stage.press(visitor, shown, "/manage", reference="H7K2M9QX", email="grace@example.org")


@page("link from a mail", is_private=True)
def _link(stage: Stage) -> Seen:
    _, booking_id = stage.paid()
    return stage.look(f"/m/{_token(stage, booking_id)}")


def _token(stage: Stage, booking_id: int) -> str:
    with stage.shop.app.app_context(), transaction() as session:
        booking = session.get_one(Booking, booking_id)
        return access.mint_link(session, booking, LinkPurpose.BOOKING, stage.shop.clock.now())


@page("link that opens nothing", status=404, is_private=True)
def _dead_link(stage: Stage) -> Seen:
    return stage.look("/m/none")


# --- errors ---------------------------------------------------------------------------------------------------------

looks("error, no such page", "/nowhere", HTTPStatus.NOT_FOUND)
looks("error, no such stay", "/stays/nowhere", HTTPStatus.NOT_FOUND)
for _status in ERRORS:
    looks(f"error {_status}", f"/staged/{_status}", _status)
    CATALOGUE.append(
        State(
            f"error {_status} while paying",
            lambda stage, status=_status: stage.look(f"/pay/staged/{status}"),  # type: ignore[misc]
            Stake.UNKNOWN,
            _status,
            is_private=True,
        )
    )


# --- the guest club -------------------------------------------------------------------------------------------------


@contextmanager
def club(stage: Stage) -> Iterator[int]:
    """As long as this lasts there is a club; the id of its plan."""
    with stage.shop.app.app_context():
        plan = db.session.scalars(select(ClubPlan.id)).first()
        end_read()
        if plan is None:
            terms = PlanTerms(CLUB, Money(900, "eur"), Interval.MONTH, 14, 1000)
            plan = club_plans.add_plan(stage.shop.runtime, terms, "ada@example.org")
            catalog_sync.sync_catalog(stage.shop.runtime)
        club_plans.switch_club(stage.shop.runtime, 1, True, "ada@example.org")
    try:
        yield plan
    finally:
        with stage.shop.app.app_context():
            club_plans.switch_club(stage.shop.runtime, 1, False, "ada@example.org")


def _club_link(stage: Stage, email: str) -> str:
    with stage.shop.app.app_context(), transaction() as session:
        return f"/club/m/{guest_accounts.mint_link(session, email, 'en', stage.shop.clock.now())}"


def _signed_in(stage: Stage) -> Visitor:
    """Somebody new who has opened a link."""
    visitor = stage.visitor()
    link = _club_link(stage, f"{uuid.uuid4().hex[:8]}@example.org")
    stage.press(visitor, stage.look(link, visitor).answer, link)
    return visitor


def joined(stage: Stage, plan: int) -> Visitor:
    """Somebody new who has joined."""
    visitor = _signed_in(stage)
    page = stage.look("/club", visitor).answer
    answer = visitor.post("/club/join", {**fields_of(page.text), "plan": str(plan), "agree": "y"})
    stage.shop.stripe.pay(answer.headers["Location"].rpartition("/")[2])
    stage.shop.stripe.settle_down()
    return visitor


@page("club", is_private=True)
def _club(stage: Stage) -> Seen:
    with club(stage):
        return stage.look("/club")


@page("club, address wrong", status=422, is_private=True)
def _club_wrong(stage: Stage) -> Seen:
    with club(stage):
        visitor = stage.visitor()
        return stage.press(visitor, stage.look("/club", visitor).answer, "/club/sign-in", email="nobody")


@page("club, link sent", is_private=True)
def _club_sent(stage: Stage) -> Seen:
    with club(stage):
        visitor = stage.visitor()
        shown = stage.look("/club", visitor).answer
        return stage.press(visitor, shown, "/club/sign-in", email="grace@example.org")


@page("club, link from the mail", is_private=True)
def _club_link_page(stage: Stage) -> Seen:
    with club(stage):
        return stage.look(_club_link(stage, "grace@example.org"))


@page("club, link that opens nothing", status=404, is_private=True)
def _club_dead_link(stage: Stage) -> Seen:
    with club(stage):
        return stage.look("/club/m/none")


@page("club, signed in", is_private=True)
def _club_signed_in(stage: Stage) -> Seen:
    with club(stage):
        return stage.look("/club", _signed_in(stage))


@page("club, no tick", status=422, is_private=True)
def _club_no_tick(stage: Stage) -> Seen:
    with club(stage) as plan:
        visitor = _signed_in(stage)
        return stage.press(visitor, stage.look("/club", visitor).answer, "/club/join", plan=str(plan))


@page("club, account of somebody who has not joined", is_private=True)
def _club_account_empty(stage: Stage) -> Seen:
    with club(stage):
        return stage.look("/club/account", _signed_in(stage))


@page("club, account of a member", is_private=True)
def _club_account(stage: Stage) -> Seen:
    with club(stage) as plan:
        return stage.look("/club/account", joined(stage, plan))


@page("club, account while Stripe is silent", is_private=True)
def _club_account_silent(stage: Stage) -> Seen:
    with club(stage) as plan:
        visitor = joined(stage, plan)
        with stage.stripe_is_silent():
            return stage.look("/club/account", visitor)


@page("club, Stripe does not answer who wants to join", Stake.UNPAID, status=503, is_private=True)
def _club_trouble(stage: Stage) -> Seen:
    with club(stage) as plan:
        visitor = _signed_in(stage)
        shown = stage.look("/club", visitor).answer
        with stage.stripe_is_silent():
            return stage.press(visitor, shown, "/club/join", plan=str(plan), agree="y")


@page("results, a member's")
def _results_of_member(stage: Stage) -> Seen:
    stay = stage.free
    with club(stage) as plan:
        visitor = joined(stage, plan)
        return stage.look("/stays", visitor, arrive=str(stay.arrive), leave=str(stay.leave), guests="2")


@page("stay, a member's")
def _stay_of_member(stage: Stage) -> Seen:
    with club(stage) as plan:
        return stage.ask(stage.free, visitor=joined(stage, plan))


@page("stay, in the club")
def _stay_in_club(stage: Stage) -> Seen:
    with club(stage):
        return stage.ask(stage.free)


# --- saved cards ------------------------------------------------------------------------------------------------------


@page("review, the card will be saved", Stake.NOT_YET, is_private=True)
def _review_with_consent(stage: Stage) -> Seen:
    visitor, stay = stage.visitor(), stage.nights(slug=CABIN)
    with keeping_cards(stage.shop):
        visitor.review_form(CABIN, stay)
        args = {"arrive": stay.arrive.isoformat(), "leave": stay.leave.isoformat(), "guests": "2"}
        return Seen(visitor.get(f"/stays/{CABIN}/review", **args))


def _with_card(stage: Stage) -> tuple[Visitor, Booking]:
    visitor, stay = stage.visitor(), stage.nights(slug=CABIN)
    with keeping_cards(stage.shop):
        visitor.post(f"/stays/{CABIN}/review", visitor.review_form(CABIN, stay))
    booking = stage.shop.bookings()[-1]
    stage.shop.pay(booking.id)
    stage.shop.work()
    return visitor, booking


@page("booking: confirmed, with a saved card", Stake.LEDGER, is_private=True)
def _booking_with_card(stage: Stage) -> Seen:
    visitor, booking = _with_card(stage)
    return Seen(visitor.get(f"/b/{booking.reference}"), booking.id)


@page("review, with a deposit and a card that will be saved", Stake.NOT_YET, is_private=True)
def _review_deposit_with_consent(stage: Stage) -> Seen:
    visitor, stay = stage.visitor(), stage.nights(slug=CABIN)
    with keeping_cards(stage.shop), deposits(stage, CABIN):
        visitor.review_form(CABIN, stay)
        args = {"arrive": stay.arrive.isoformat(), "leave": stay.leave.isoformat(), "guests": "2"}
        return Seen(visitor.get(f"/stays/{CABIN}/review", **args))


@page("booking, its balance waits for the saved card", Stake.LEDGER, is_private=True)
def _booking_deposit_with_card(stage: Stage) -> Seen:
    with deposits(stage, CABIN):
        visitor, booking = _with_card(stage)
    return Seen(visitor.get(f"/b/{booking.reference}"), booking.id)


@page("saved cards: one", is_private=True)
def _saved_cards(stage: Stage) -> Seen:
    visitor, booking = _with_card(stage)
    return Seen(visitor.get(f"/b/{booking.reference}/cards"), booking.id)


@page("saved cards: removed", is_private=True)
def _card_removed(stage: Stage) -> Seen:
    visitor, booking = _with_card(stage)
    path = f"/b/{booking.reference}/cards"
    form = fields_of(visitor.get(path).text)
    visitor.post(f"{path}/{cards_of(stage.shop, booking.id)[0].id}/remove", {"csrf_token": form["csrf_token"]})
    return Seen(visitor.get(path), booking.id)


@page("what is owed, on a page of ours", Stake.NOTHING_FALSE, is_private=True)
def _on_page(stage: Stage) -> Seen:
    visitor, booking = _with_card(stage)
    due_id = owe(stage.shop, booking.id, stage.shop.clock.today(), kind=DueKind.DAMAGE)
    path = f"/b/{booking.reference}/pay/{due_id}"
    with offering_page(stage.shop):
        form = fields_of(visitor.get(path).text)
        visitor.post(f"{path}/card", {"csrf_token": form["csrf_token"]})
        return Seen(visitor.get(f"{path}/card"), booking.id)


NAMES = [state.name for state in CATALOGUE]
STATES = {state.name: state for state in CATALOGUE}
assert len(STATES) == len(NAMES)
