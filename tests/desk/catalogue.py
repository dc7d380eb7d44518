"""Every page of the desk: how to bring the demo shop there. A page that is new belongs into this list.

A scene is given the stage of tests/pages: `stage.desk(path)` opens a page as Ada, `stage.at_desk(path, **typed)` sends
a form of it. Few rich states are worth more than many: one with all that a page can show, one with its refusals.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pyotp
from sqlalchemy import select

from booking.database import transaction
from booking.domain.evidence import draft_texts
from booking.domain.roles import Role
from booking.domain.states import DueKind, Source
from booking.extensions import db
from booking.models import Booking, Dispute, Listing, WebhookEvent
from booking.models.staff import StaffLinkPurpose
from booking.queries.disputes import get_stay_case
from booking.queries.staff import Present
from booking.services import charges, codes, evidence, job_work, people, reconciliation, sign_ins, staff, trials
from booking.services.reservations import GuestDetails
from booking.services.sign_ins import Place
from booking.services.timeline import Cause
from tests.pages.catalogue import CABIN, DISPUTED, REFUND_FAILS, STOLEN, Scene, State, deposits, with_balance
from tests.pages.stage import LOFT, PASSWORD, Seen, Stage
from tests.support.cards import SAYS_NO, keeping_cards, note_no_show, owe, swap_card
from tests.support.free_units import free_units_by_listing
from tests.support.later import LATER
from tests.support.servers import wait_until
from tests.support.shop import GRACE, Visitor, fields_of

DESK: list[State] = []
# What somebody may type: no space to break at, letters of a script that runs the other way, and markup.
LONG = "Wolfeschlegelsteinhausenbergerdorff" * 3
HOSTILE = f'<b>{LONG}</b> "=1+1" \N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}'[:120]


def page(name: str, status: int = 200) -> Callable[[Scene], Scene]:
    """Put a scene into the list."""

    def add(scene: Scene) -> Scene:
        DESK.append(State(name, scene, status=status))
        return scene

    return add


def look(path: str, status: int = 200, **params: str) -> None:
    """A page that needs nothing but its address."""
    DESK.append(State(f"{path} {params or ''}".strip(), lambda stage: stage.desk(path, **params), status=status))


@page("sign in")
def _sign_in(stage: Stage) -> Seen:
    return stage.look("/admin/login", next="/admin/bookings")


@page("sign in, refused", 422)
def _sign_in_refused(stage: Stage) -> Seen:
    visitor = stage.visitor()
    form = fields_of(visitor.get("/admin/login").text)
    return Seen(visitor.post("/admin/login", {**form, "email": "ada@example.org", "password": "wrong"}))


@page("a booking: disputed, by a guest with a hostile name")
def _disputed(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_dispute(stage)}")


def _dispute(stage: Stage) -> int:
    """A guest who likes trouble paid, wrote a long message, and had the bank take the money back."""
    stay = stage.nights(slug=CABIN)
    guest: GuestDetails = replace(GRACE, name=HOSTILE, message=f"{LONG}\n{HOSTILE}")
    visitor = stage.visitor()
    visitor.post(f"/stays/{CABIN}/review", visitor.review_form(CABIN, stay, guest))
    booking_id = stage.shop.bookings()[-1].id
    stage.shop.pay(booking_id, DISPUTED)
    stage.shop.pass_time(seconds=5)
    wait_until(lambda: stage.shop.disputes(booking_id), what="news of the dispute")
    return booking_id


@page("a booking: paid")
def _paid(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_paid_booking(stage)}")


def _paid_booking(stage: Stage) -> int:
    _, booking_id = stage.paid(slug=CABIN, stay=stage.nights(slug=CABIN))
    stage.shop.work()
    return booking_id


@page("a booking: cancelled, the refund failed")
def _refund_failed(stage: Stage) -> Seen:
    _, booking_id = stage.paid(REFUND_FAILS, slug=CABIN, stay=stage.nights(slug=CABIN))
    stage.at_desk(f"/bookings/{booking_id}/cancel/check?refund=full", f"/bookings/{booking_id}/cancel")
    stage.shop.work()
    stage.shop.pass_time(minutes=2)
    stage.shop.stripe.settle_down()
    return stage.desk(f"/bookings/{booking_id}")


@page("requests: one waits, one was declined")
def _requests(stage: Stage) -> Seen:
    _asked_booking(stage)
    declined = _asked_booking(stage)
    stage.at_desk(f"/requests/{declined}", f"/requests/{declined}/decline", reason=HOSTILE)
    return stage.desk("/requests")


def _asked_booking(stage: Stage) -> int:
    """A guest asks, with a name that nobody has."""
    visitor, stay = stage.visitor(), stage.nights(slug=CABIN)
    with stage.listing(CABIN, takes_requests=True):
        form = visitor.review_form(CABIN, stay, replace(GRACE, name=HOSTILE, message=f"{LONG}\n{HOSTILE}"))
        visitor.post(f"/stays/{CABIN}/review", form)
    booking_id = stage.shop.bookings()[-1].id
    stage.shop.pay(booking_id)
    return booking_id


@page("a request")
def _request(stage: Stage) -> Seen:
    return stage.desk(f"/requests/{_asked_booking(stage)}")


@page("a request: too many words", 422)
def _request_wordy(stage: Stage) -> Seen:
    booking_id = _asked_booking(stage)
    return stage.at_desk(f"/requests/{booking_id}", f"/requests/{booking_id}/decline", reason="x" * 501)


@page("a request: accepted")
def _request_accepted(stage: Stage) -> Seen:
    booking_id = _asked_booking(stage)
    return stage.at_desk(f"/requests/{booking_id}", f"/requests/{booking_id}/accept")


@page("a request: its money does not fit")
def _request_reviewed(stage: Stage) -> Seen:
    booking_id = _asked_booking(stage)
    with stage.shop.app.app_context(), transaction() as session:
        session.get_one(Booking, booking_id).needs_review = True
    return stage.desk(f"/requests/{booking_id}")


@page("a booking: a request")
def _booking_request(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_asked_booking(stage)}")


@page("a booking: held")
def _held(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_held_booking(stage)}")


@page("a booking: a card was declined, and why is not for the guest")
def _declined(stage: Stage) -> Seen:
    _, booking_id = stage.paid(STOLEN, slug=CABIN, stay=stage.nights(slug=CABIN))
    return stage.desk(f"/bookings/{booking_id}")


def _held_booking(stage: Stage) -> int:
    return stage.hold()[1]


@page("a booking that is not there", 404)
def _no_booking(stage: Stage) -> Seen:
    return stage.desk("/bookings/999999")


@page("let go")
def _let_go(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_held_booking(stage)}/let-go")


@page("address")
def _address(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_paid_booking(stage)}/address")


@page("note")
def _note(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_paid_booking(stage)}/note")


@page("note, refused", 422)
def _note_refused(stage: Stage) -> Seen:
    return stage.at_desk(f"/bookings/{_paid_booking(stage)}/note", text=LONG * 9)


@page("link for the guest")
def _link(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_paid_booking(stage)}/link")


@page("link for the guest, made")
def _link_made(stage: Stage) -> Seen:
    return stage.at_desk(f"/bookings/{_paid_booking(stage)}/link")


@page("more time to pay")
def _more_time(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_held_booking(stage)}/more-time")


@page("move")
def _move(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_paid_booking(stage)}/move")


@page("move, nothing chosen", 422)
def _move_nothing(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_paid_booking(stage)}/move/check")


@page("move, the consequence")
def _check_move(stage: Stage) -> Seen:
    booking_id = _paid_booking(stage)
    choice = re.search(r'name="unit_id" value="(\d+)"', stage.desk(f"/bookings/{booking_id}/move").answer.text)
    assert choice
    return stage.desk(f"/bookings/{booking_id}/move/check", unit_id=choice[1])


_NEW = "/bookings/new"


@page("book for a guest, the price")
def _phone(stage: Stage) -> Seen:
    return stage.desk(_NEW, **_phone_stay(stage))


def _phone_stay(stage: Stage) -> dict[str, str]:
    stay = stage.nights(slug=CABIN)
    with stage.shop.app.app_context():
        listing_id = db.session.scalars(select(Listing.id).where(Listing.slug == CABIN)).one()
    return {"listing": str(listing_id), "arrive": str(stay.arrive), "leave": str(stay.leave), "guests": "2"}


@page("book for a guest, a stay that cannot be", 422)
def _phone_past(stage: Stage) -> Seen:
    return stage.desk(_NEW, **{**_phone_stay(stage), "arrive": "2020-01-01", "leave": "2020-01-02", "guests": "99"})


@page("book for a guest, refused", 422)
def _phone_refused(stage: Stage) -> Seen:
    shown = f"{_NEW}?{urlencode(_phone_stay(stage))}"
    return stage.at_desk(shown, f"{_NEW}/check", name=HOSTILE, email="nobody", agreed="much", message=LONG)


@page("book for a guest, the consequence of a link")
def _phone_link(stage: Stage) -> Seen:
    return _phone_check(stage, method="stripe")


@page("book for a guest, a listing whose guests pay a deposit")
def _phone_plan(stage: Stage) -> Seen:
    with deposits(stage, CABIN):
        return stage.desk(_NEW, **_phone_stay(stage))


@page("book for a guest, the consequence of a link for a deposit")
def _phone_deposit(stage: Stage) -> Seen:
    with deposits(stage, CABIN):
        return _phone_check(stage, method="stripe", plan="plan")


@page("book for a guest, the consequence of a link for a card")
def _phone_later(stage: Stage) -> Seen:
    with deposits(stage, CABIN, LATER):
        return _phone_check(stage, method="stripe", plan="plan", agreed="321", reason=LONG)


@page("book for a guest, the consequence of cash and another price")
def _phone_cash(stage: Stage) -> Seen:
    return _phone_check(stage, method="cash", agreed="200", reason=f"{LONG} comes every year", receipt_note="17")


def _phone_check(stage: Stage, **typed: str) -> Seen:
    shown = f"{_NEW}?{urlencode(_phone_stay(stage))}"
    return stage.at_desk(shown, f"{_NEW}/check", name=HOSTILE, email="grace@example.org", language="en", **typed)


@page("a booking: paid in cash, some of it owed to the guest")
def _paid_cash(stage: Stage) -> Seen:
    form = fields_of(_phone_check(stage, method="cash").answer.text)
    stage.press(stage.staff(), _phone_check(stage, method="cash").answer, f"/admin{_NEW}", **form)
    booking_id = stage.shop.bookings()[-1].id
    stage.at_desk(f"/bookings/{booking_id}/refund/check?amount=20", f"/bookings/{booking_id}/refund")
    return stage.desk(f"/bookings/{booking_id}")


@page("change of dates")
def _change(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_paid_booking(stage)}/change")


@page("change of dates, refused", 422)
def _change_refused(stage: Stage) -> Seen:
    return _change_check(stage, nights=0, guests="99")[1]


@page("change of dates, it costs more")
def _change_dearer(stage: Stage) -> Seen:
    return _change_check(stage, nights=1)[1]


@page("change of dates, it costs less")
def _change_cheaper(stage: Stage) -> Seen:
    return _change_check(stage, nights=-1)[1]


@page("a booking: a change waits for its difference")
def _change_waits(stage: Stage) -> Seen:
    booking_id, check = _change_check(stage, nights=1)
    stage.press(stage.staff(), check.answer, f"/admin/bookings/{booking_id}/change")
    return stage.desk(f"/bookings/{booking_id}")


def _change_check(stage: Stage, nights: int, guests: str = "2") -> tuple[int, Seen]:
    """The check of a change by so many nights; the nights behind the stay are free."""
    stay = stage.nights(4, slug=CABIN)
    kept = type(stay)(stay.arrive, stay.leave - timedelta(days=1))
    _, booking_id = stage.paid(slug=CABIN, stay=kept)
    wanted = {"arrive": str(kept.arrive), "leave": str(kept.leave + timedelta(days=nights)), "guests": guests}
    return booking_id, stage.desk(f"/bookings/{booking_id}/change/check", **wanted, price="new")


@page("cancel")
def _cancel(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_paid_booking(stage)}/cancel")


@page("cancel, the consequence")
def _check_cancel(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_paid_booking(stage)}/cancel/check", refund="other", amount="20")


@page("refund")
def _refund(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_paid_booking(stage)}/refund")


@page("refund, the consequence")
def _check_refund(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_paid_booking(stage)}/refund/check", amount="20")


@page("refund, more than there is", 422)
def _refund_too_much(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_paid_booking(stage)}/refund/check", amount="99999999")


@page("a payout, with a payment that is not ours")
def _payout(stage: Stage) -> Seen:
    at_once = "4000000000000077"
    stage.paid(at_once, slug=CABIN, stay=stage.nights(slug=CABIN))
    paid = {"amount": 900, "currency": "eur", "confirm": True, "payment_method": "pm_card_bypassPending"}
    stage.shop.stripe_client().payment_intents.create(params={**paid, "return_url": "https://example.org"})
    (payout,) = stage.shop.stripe.post("payouts", {})
    return stage.desk(f"/payouts/{payout['id']}")


@page("a dispute: with files")
def _with_files(stage: Stage) -> Seen:
    with stage.shop.app.app_context():
        texts = draft_texts(get_stay_case(db.session(), db.session.get_one(Dispute, 1).booking))
        evidence.attach_papers(stage.shop.runtime, 1, texts, "", "ada@example.org")
    return stage.desk("/disputes/1")


@page("a dispute")
def _a_dispute(stage: Stage) -> Seen:
    return stage.desk("/disputes/1")


@page("closures, refused", 422)
def _closures_refused(stage: Stage) -> Seen:
    return stage.at_desk("/closures", unit_id="1", arrive="2027-03-05", leave="2027-03-01", reason=LONG)


@page("an event from Stripe")
def _event(stage: Stage) -> Seen:
    with stage.shop.app.app_context():
        event_id = db.session.scalars(select(WebhookEvent.id)).first()
    return stage.desk(f"/webhooks/{event_id}")


@page("a listing, refused", 422)
def _listing_refused(stage: Stage) -> Seen:
    typed = {"name": HOSTILE, "slug": LONG, "max_guests": "0", "bedrooms": "x", "description": "d" * 4001}
    return stage.at_desk("/listings/1", **typed)


@page("a new listing, refused", 422)
def _new_listing_refused(stage: Stage) -> Seen:
    return stage.at_desk("/listings/new", name="", nightly=LONG, max_guests="0", units="0")


@page("the house, refused", 422)
def _house_refused(stage: Stage) -> Seen:
    return stage.at_desk("/house", name="", timezone=LONG, contact_email="nobody", address=HOSTILE)


@page("a unit that stays in use", 409)
def _unit_stays(stage: Stage) -> Seen:
    booking = stage.shop.booking(_paid_booking(stage))
    return stage.at_desk(f"/units/{booking.unit_id}", f"/units/{booking.unit_id}/rest")


@page("setting up, a test booking that waits")
def _trial_waits(stage: Stage) -> Seen:
    with stage.shop.app.app_context():
        trials.place_trial(stage.shop.runtime, "Ada", "ada@example.org")
    return stage.desk("/setup")


@page("work that waits")
def _work_waits(stage: Stage) -> Seen:
    return stage.desk(f"/jobs/{_compare(stage)}")


@page("work that is done")
def _work_done(stage: Stage) -> Seen:
    job_id = _compare(stage)
    with stage.shop.app.app_context():
        job_work.run_due(stage.shop.runtime)
    return stage.desk(f"/jobs/{job_id}")


def _compare(stage: Stage) -> int:
    with stage.shop.app.app_context():
        return job_work.ask_for_reconciling(stage.shop.runtime, "ada@example.org")


@page("rates: a listing with one of everything")
def _rates_full(stage: Stage) -> Seen:
    days = {"first_on": "2027-06-01", "last_on": "2027-08-31"}
    many = {f"weekday_{weekday}": "240.50" for weekday in range(7)}
    stage.at_desk("/rates/seasons/1", name=HOSTILE[:60], nightly_minor="198", **days, **many)
    stage.at_desk("/rates/days/1", first_on="2027-12-24", nightly_minor="300")
    stage.at_desk("/rates/discounts/1", name=LONG[:60], off="7.5", min_nights="14", min_lead="30", max_lead="90")
    stage.at_desk("/rates/fees/1", name=LONG[:60], amount_minor="25", per="stay")
    return stage.desk("/rates/listing/1")


@page("rates: a property with one of everything")
def _property_rates(stage: Stage) -> Seen:
    days = {"first_on": "2027-06-01", "last_on": "2027-08-31", "until_on": "2027-05-01"}
    stage.at_desk(
        "/rates/coupons/1", code="ABCDEFGHIJKLMNOPQRST", off_share="10", min_nights="3", most_uses="5", **days
    )
    stage.at_desk("/rates/extras/1", name=LONG[:60], amount_minor="12", per="guest_night", most="3")
    stage.at_desk("/rates/taxes/1", name=HOSTILE[:60], share="7", parts="room")
    return stage.desk("/rates/property/1")


@page("rates: a season, previewed")
def _season_previewed(stage: Stage) -> Seen:
    days = {"first_on": "2027-06-01", "last_on": "2027-08-31"}
    return stage.at_desk("/rates/seasons/1", name=LONG[:60], nightly_minor="198", preview="yes", **days)


@page("rates: a season, refused", 422)
def _season_refused(stage: Stage) -> Seen:
    return stage.at_desk("/rates/seasons/1", name=LONG, nightly_minor="1,200", first_on="soon", weekday_1="free")


@page("rates: a tax, refused", 422)
def _tax_refused(stage: Stage) -> Seen:
    return stage.at_desk("/rates/taxes/1", name="", share="700")


for _path in "prices more-guests tourist-tax days seasons discounts fees extras taxes coupons".split():
    look(f"/rates/{_path}/1")


@page("stay rules of a listing, with a range and a stay that cannot be")
def _listing_rules(stage: Stage) -> Seen:
    _add_range(stage)
    return stage.desk(f"/rules/{_loft(stage)}", arrive="2027-07-06", leave="2027-07-08", guests="2")


@page("stay rules, refused", 422)
def _rules_refused(stage: Stage) -> Seen:
    here = f"/rules/{_loft(stage)}"
    return stage.at_desk(here, min_nights="40", max_nights="two", turnover_days="99", horizon_days="")


@page("a range of days, refused", 422)
def _range_refused(stage: Stage) -> Seen:
    here = f"/rules/{_loft(stage)}/ranges"
    return stage.at_desk(
        f"{here}/new", here, name=LONG, first_on="2027-08-31", last_on="2027-07-01", min_nights="0", avoid_gaps=""
    )


@page("a range of days, new")
def _new_range(stage: Stage) -> Seen:
    return stage.desk(f"/rules/{_loft(stage)}/ranges/new")


@page("a range of days")
def _range(stage: Stage) -> Seen:
    _add_range(stage)
    page = stage.desk(f"/rules/{_loft(stage)}").answer.text
    found = re.search(r"/admin(/rules/\d+/ranges/\d+)\"", page)
    assert found
    return stage.desk(found[1])


@page("a policy, tried on an example")
def _policy_tried(stage: Stage) -> Seen:
    return stage.at_desk("/policies/new", name=HOSTILE[:60], grace_hours="24", grace_least_days="14", preview="1")


@page("a policy, refused", 422)
def _policy_refused(stage: Stage) -> Seen:
    return stage.at_desk("/policies/new", name="", percent_0="120", days_1="", percent_2="5")


@page("policies, one in use")
def _policies(stage: Stage) -> Seen:
    return stage.desk(_make_policy(stage)[: len("/policies")])


@page("a policy")
def _policy(stage: Stage) -> Seen:
    return stage.desk(_make_policy(stage))


look("/club")
look("/club/plans/new")


@page("a plan of the club, refused", 422)
def _club_plan_refused(stage: Stage) -> Seen:
    return stage.at_desk("/club/plans/new", name="", price="nine", trial_days="400", percent="120")


def _make_club_plan(stage: Stage) -> None:
    stage.at_desk(
        "/club/plans/new", name=HOSTILE[:60], price="9.00", currency="eur", interval="month", trial_days="14",
        percent="10",
    )  # fmt: skip


@page("the club with a plan")
def _club(stage: Stage) -> Seen:
    _make_club_plan(stage)
    return stage.desk("/club")


@page("a plan of the club")
def _club_plan(stage: Stage) -> Seen:
    _make_club_plan(stage)
    return stage.desk("/club/plans/1")


look("/payment-plans")


@page("payment plans, one with a deposit")
def _plans(stage: Stage) -> Seen:
    stage.at_desk(f"/payment-plans/listing/{_loft(stage)}", kind="deposit", percent="30", days_before="14")
    return stage.desk("/payment-plans")


@page("the payment plan of a listing")
def _plan(stage: Stage) -> Seen:
    stage.at_desk(f"/payment-plans/listing/{_loft(stage)}", kind="deposit", percent="30", days_before="14")
    return stage.desk(f"/payment-plans/listing/{_loft(stage)}")


@page("the payment plan of a listing that is paid later")
def _plan_later(stage: Stage) -> Seen:
    stage.at_desk(f"/payment-plans/listing/{_loft(stage)}", kind="reserve_now_pay_later", days_before="14")
    return stage.desk(f"/payment-plans/listing/{_loft(stage)}")


@page("the payment plan of a property, refused", 422)
def _plan_refused(stage: Stage) -> Seen:
    return stage.at_desk("/payment-plans/property/1", kind="deposit", percent="120", days_before="")


@page("a booking: a balance is owed")
def _owing(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{with_balance(stage)[1]}")


@page("a balance: taken by the house, or given up")
def _due(stage: Stage) -> Seen:
    return stage.desk(_owed_path(stage))


@page("a balance: nobody said how it was paid", 422)
def _due_refused(stage: Stage) -> Seen:
    path = _owed_path(stage)
    return stage.at_desk(path, f"{path}/taken", method="")


@page("a change, into the balance")
def _change_owing(stage: Stage) -> Seen:
    booking_id = with_balance(stage)[1]
    stay = stage.shop.booking(booking_id).stay
    days = {"arrive": str(stay.arrive), "leave": str(stay.leave + timedelta(days=1))}
    return stage.desk(f"/bookings/{booking_id}/change/check", **days, guests="2", price="new")


def _owed_path(stage: Stage) -> str:
    booking_id = with_balance(stage)[1]
    page = stage.desk(f"/bookings/{booking_id}").answer.text
    found = re.search(r"/admin(/bookings/\d+/owed/\d+)\"", page)
    assert found
    return found[1]


@page("nobody came")
def _no_show(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_arrives_today(stage)}/no-show")


@page("nobody came, the consequence")
def _check_no_show(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_arrives_today(stage)}/no-show/check", free="y")


def _loft(stage: Stage) -> int:
    with stage.shop.app.app_context():
        return db.session.scalars(select(Listing.id).where(Listing.slug == LOFT)).one()


def _arrives_today(stage: Stage) -> int:
    """Somebody who booked at the last minute, in whatever is free; always the same."""
    stay = stage.shop.stay(2, ahead=0)
    with stage.shop.app.app_context():
        here = db.session.scalars(
            select(Booking.id).where(Booking.arrive == stay.arrive, Booking.guest_name == GRACE.name)
        )
        if booking_id := here.first():
            return booking_id
        free = free_units_by_listing(db.session(), stay, stage.shop.clock.now())
        slugs = select(Listing.slug).where(Listing.id.in_(free), Listing.min_nights <= 2, Listing.notice_days == 0)
        slug = db.session.scalars(slugs.order_by(Listing.id)).first()
    assert slug
    return stage.paid(slug=slug, stay=stay)[1]


def _add_range(stage: Stage) -> None:
    here = f"/rules/{_loft(stage)}/ranges"
    typed = {"name": HOSTILE[:60], "first_on": "2027-07-01", "last_on": "2027-08-31", "min_nights": "7"}
    stage.at_desk(
        f"{here}/new", here, **typed, avoid_gaps="yes", arrive_on="5", leave_on="5", every_night="y", turnover_days="1"
    )


def _make_policy(stage: Stage) -> str:
    stage.at_desk("/policies/new", name=f"Firm {LONG}"[:60])
    page = stage.desk("/policies").answer.text
    found = re.search(r"/admin(/policies/\d+)\"", page)
    assert found
    return found[1]


@page("your code")
def _code(stage: Stage) -> Seen:
    visitor = stage.visitor()
    _use_codes(stage, "code@example.org")
    _sign_in_as(visitor, "code@example.org")
    return Seen(visitor.get("/admin/login/code"))


@page("codes, being set up", 422)
def _codes_begun(stage: Stage) -> Seen:
    visitor = stage.visitor()
    _begin_codes(stage, "begun@example.org")
    _sign_in_as(visitor, "begun@example.org")
    return _type_code(visitor, "000000")


@page("recovery codes")
def _recovery(stage: Stage) -> Seen:
    visitor, present = stage.visitor(), _begin_codes(stage, "recovery@example.org")
    _sign_in_as(visitor, "recovery@example.org")
    return _type_code(visitor, _code_of(stage, present))


@page("codes, on")
def _codes_on(stage: Stage) -> Seen:
    visitor, present = stage.visitor(), _begin_codes(stage, "on@example.org")
    _sign_in_as(visitor, "on@example.org")
    _type_code(visitor, _code_of(stage, present))
    return Seen(visitor.get("/admin/account/codes"))


def _use_codes(stage: Stage, email: str) -> None:
    """Somebody who is asked for codes from now on."""
    present = _begin_codes(stage, email)
    code = _code_of(stage, present)
    with stage.shop.app.app_context():
        codes.confirm(stage.shop.runtime, present, code, Place())


def _begin_codes(stage: Stage, email: str) -> Present:
    """Somebody who has a key for an app, and typed no code of it yet."""
    runtime = stage.shop.runtime
    with stage.shop.app.app_context():
        staff.create_staff(runtime, email, HOSTILE, PASSWORD, Role.DESK)
        member = staff.check_password(runtime, email, PASSWORD, None)
        present = sign_ins.find(runtime, sign_ins.sign_in(runtime, member, Place()))
        assert present
        codes.begin(runtime, present)
        return present


def _code_of(stage: Stage, present: Present) -> str:
    with stage.shop.app.app_context():
        seed = codes.show_seed(stage.shop.runtime, db.session(), present, "Holdfast")
    assert seed
    return pyotp.TOTP(seed.text).at(int(stage.shop.runtime.clock.now().timestamp()))


def _type_code(visitor: Visitor, code: str) -> Seen:
    form = fields_of(visitor.get("/admin/account/codes").text)
    return Seen(visitor.post("/admin/account/codes", {**form, "code": code}))


def _sign_in_as(visitor: Visitor, email: str) -> None:
    form = fields_of(visitor.get("/admin/login").text)
    assert visitor.post("/admin/login", {**form, "email": email, "password": PASSWORD}).status_code == 303


@page("is it still you?", 422)
def _proof(stage: Stage) -> Seen:
    return stage.at_desk("/proof?next=/admin/people", "/proof", proof_password="wrong")


@page("an invitation", 422)
def _welcome(stage: Stage) -> Seen:
    visitor, runtime = stage.visitor(), stage.shop.runtime
    with stage.shop.app.app_context():
        staff_id = people.invite(runtime, "ada@example.org", "new@example.org", "New Hand", Role.DESK)
        with transaction() as session:
            token = people.mint_link(session, staff_id, StaffLinkPurpose.INVITATION, runtime.clock.now())
    form = fields_of(visitor.get(f"/admin/m/{token}").text)
    return Seen(visitor.post(f"/admin/m/{token}", {**form, "password": "short"}))


@page("a link that opens nothing", 404)
def _dead_link(stage: Stage) -> Seen:
    return stage.look("/admin/m/nothing")


@page("invite somebody, refused", 422)
def _invite_refused(stage: Stage) -> Seen:
    return stage.at_desk("/people/invite", name=LONG, email="nonsense", role="desk")


@page("the last owner, refused", 422)
def _last_owner(stage: Stage) -> Seen:
    return stage.at_desk("/people/1", "/people/1/role", role="desk")


for _path in ("/people", "/people/1", "/people/invite", "/audit", "/account/codes"):
    look(_path)
look("/audit", about="staff", who="nobody", since="2027-02-30")

for _path in ("/", "/bookings", "/bookings/new", "/disputes", "/closures", "/rates", "/rules", "/webhooks", "/mails"):
    look(_path)
look("/account")
look("/bookings", q="Grace", page="2")
look("/bookings", arrive_from="2027-02-30", payment="paid", listing="1", sort="arrival")
look("/calendar")


@page("the calendar with a request")
def _calendar_with_request(stage: Stage) -> Seen:
    booking_id = _asked_booking(stage)
    return stage.desk("/calendar", **{"from": str(stage.shop.booking(booking_id).arrive), "nights": "14"})


look("/reports")
look("/health")
look("/health", year="2010")
look("/payments")
look("/refunds")
look("/payouts")
look("/refunds", show="failed", page="9")
look("/calendar", **{"from": "yesterday", "nights": "60"})
for _path in (
    "/house",
    "/listings",
    "/listings/new",
    "/listings/1",
    "/listings/1/photos",
    "/listings/1/off-sale",
    "/units/1",
    "/reconcile",
):
    look(_path)
for _step in ("house", "listing", "photo", "stripe", "trial"):
    look("/setup", step=_step)
look("/system", ask="1")
look("/webhooks", outcome="stuck")
look("/nothing-here", status=404)


@page("how paying works, with 3-D Secure")
def _health(stage: Stage) -> Seen:
    _paid_booking(stage)
    _damage_charged(stage)
    with stage.shop.app.app_context():
        reconciliation.reconcile(stage.shop.runtime)
    return stage.desk("/health")


# --- saved cards ------------------------------------------------------------------------------------------------------


look("/cards")


@page("saved cards: an amount that is none", 422)
def _card_rules_refused(stage: Stage) -> Seen:
    return stage.at_desk("/cards", "/cards", damage_most="a lot")


def _booking_with_card(stage: Stage) -> int:
    visitor, stay = stage.visitor(), stage.nights(slug=CABIN)
    with keeping_cards(stage.shop):
        visitor.post(f"/stays/{CABIN}/review", visitor.review_form(CABIN, stay))
    booking_id = stage.shop.bookings()[-1].id
    stage.shop.pay(booking_id)
    stage.shop.work()
    return booking_id


@page("a booking: with a saved card, and damage charged to it and refused")
def _damage_charged(stage: Stage) -> Seen:
    booking_id = _booking_with_card(stage)
    swap_card(stage.shop, booking_id, SAYS_NO)
    due_id = owe(stage.shop, booking_id, stage.shop.clock.today(), kind=DueKind.DAMAGE)
    with stage.shop.app.app_context():
        charges.charge_due(stage.shop.runtime, due_id, Cause(Source.STAFF, "ada@example.org"))
    return stage.desk(f"/bookings/{booking_id}")


@page("charge for damage")
def _ask_fee(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_booking_with_card(stage)}/fee/damage")


@page("charge for damage, too much", 422)
def _fee_refused(stage: Stage) -> Seen:
    path = f"/bookings/{_booking_with_card(stage)}/fee/damage"
    return stage.at_desk(path, f"{path}/check", amount="9999", reason=HOSTILE)


@page("charge for damage: check")
def _check_fee(stage: Stage) -> Seen:
    path = f"/bookings/{_booking_with_card(stage)}/fee/damage"
    return stage.at_desk(path, f"{path}/check", amount="120", reason=f"A broken window. {LONG}")


@page("charge a fee for not coming, with a balance that is still open: check")
def _check_no_show_fee(stage: Stage) -> Seen:
    path = f"/bookings/{_nobody_came(stage)}/fee/no-show"
    return stage.at_desk(path, f"{path}/check", reason="You did not come.")


@page("charge a fee for not coming")
def _ask_no_show_fee(stage: Stage) -> Seen:
    return stage.desk(f"/bookings/{_nobody_came(stage)}/fee/no-show")


def _nobody_came(stage: Stage) -> int:
    """A deposit is paid, its card is kept, and the guest did not come."""
    visitor, stay = stage.visitor(), stage.nights(slug=CABIN)
    with keeping_cards(stage.shop), deposits(stage, CABIN):
        visitor.post(f"/stays/{CABIN}/review", visitor.review_form(CABIN, stay))
    booking_id = stage.shop.bookings()[-1].id
    stage.shop.pay(booking_id)
    stage.shop.work()
    note_no_show(stage.shop, booking_id)
    return booking_id


NAMES = [state.name for state in DESK]
