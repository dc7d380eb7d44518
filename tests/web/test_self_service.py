"""The pages on which guests look after their own booking, as a browser without JavaScript sees them."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from icalendar import Calendar

from booking.database import transaction
from booking.domain.money import Money
from booking.domain.states import CancelReason, RefundStatus, Source
from booking.gateways.payments import GatewayUnavailable
from booking.models import Booking, Property, Refund
from booking.models.payment import CALLED_OFF
from booking.queries.guest import GuestState
from booking.services import privacy, staff
from booking.services.reservations import cancel_booking
from booking.services.timeline import Cause
from booking.web.manage import blueprint as manage
from tests.support.shop import GRACE, Visitor, fields_of, patched

POSTS = ("details", "resend", "cancel", "erase", "keep")
PAGES = ("", "/details", "/cancel", "/voucher", "/receipt", "/privacy", "/data", "/calendar.ics")


@pytest.fixture
def shop(small_shop):
    return small_shop


@pytest.fixture
def grace(shop):
    """A guest who has booked and paid."""
    visitor = Visitor(shop.url)
    visitor.book_and_pay("harbour-loft", shop.stay())
    shop.pay(1)
    return visitor


@pytest.fixture
def unpaid(shop):
    """A guest who came back from Stripe's page without paying."""
    visitor = Visitor(shop.url)
    visitor.book_and_pay("harbour-loft", shop.stay())
    return visitor


def text_of(response):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text)))


def path_of(shop, more=""):
    return f"/b/{shop.booking(1).reference}{more}"


def page(shop, visitor, more=""):
    return visitor.get(path_of(shop, more))


def send(shop, visitor, more, source=None, **typed):
    """Send the form of a page with some fields typed anew."""
    form = fields_of(page(shop, visitor, more if source is None else source).text)
    return visitor.post(path_of(shop, more), {**form, **typed})


def go_to(shop, days_before):
    shop.clock.offset += shop.booking(1).arrive - shop.clock.today() - timedelta(days=days_before)


def cancel_for(shop, refund=None):
    with shop.app.app_context():
        cause = Cause(Source.STAFF, "ada@example.org")
        cancel_booking(shop.runtime, 1, CancelReason.STAFF, cause, refund, "f" * 32)


def change(shop, model, **values):
    with shop.app.app_context(), transaction() as session:
        for row in session.query(model):
            for name, value in values.items():
                setattr(row, name, value)


# --- who may --------------------------------------------------------------------------------------------------------


def test_a_stranger_is_told_of_no_page(shop, grace):
    stranger = Visitor(shop.url)

    assert {more: page(shop, grace, more).status_code for more in PAGES} == dict.fromkeys(PAGES, 200)
    assert {more: page(shop, stranger, more).status_code for more in PAGES} == dict.fromkeys(PAGES, 404)


def test_a_stranger_changes_nothing(shop, grace):
    stranger = Visitor(shop.url)
    form = fields_of(stranger.get("/manage").text)
    typed = {"name": "Linus", "shown_minor": "0", "form_token": "0" * 32, "is_sure": "y"}

    for more in POSTS:
        assert stranger.post(path_of(shop, f"/{more}"), {**form, **typed}).status_code == 404

    booking = shop.booking(1)
    assert (booking.guest_name, booking.status, booking.erase_asked_at) == (GRACE.name, "confirmed", None)


def test_a_form_without_its_secret_changes_nothing(shop, grace):
    typed = {"name": "Linus", "shown_minor": "0", "form_token": "0" * 32, "is_sure": "y"}

    for more in POSTS:
        assert grace.post(path_of(shop, f"/{more}"), typed).status_code == 400

    booking = shop.booking(1)
    assert (booking.guest_name, booking.status, booking.erase_asked_at) == (GRACE.name, "confirmed", None)


def test_looking_at_an_address_changes_nothing_and_what_only_shows_takes_no_form(shop, grace):
    form = fields_of(grace.get("/manage").text)

    assert {page(shop, grace, f"/{more}").status_code for more in ("resend", "erase", "keep")} == {405}
    for more in ("voucher", "receipt", "privacy", "data", "calendar.ics"):
        assert grace.post(path_of(shop, f"/{more}"), form).status_code == 405


def test_staff_see_a_booking_but_change_it_on_their_own_pages(shop, grace):
    with shop.app.app_context():
        staff.create_staff(shop.runtime, "ada@example.org", "Ada", "correct horse battery staple")
    ada = Visitor(shop.url)
    login = fields_of(ada.get("/admin/login").text)
    ada.post("/admin/login", {**login, "email": "ada@example.org", "password": "correct horse battery staple"})

    shown = page(shop, ada)
    assert shown.status_code == 200
    assert "Change details" not in shown.text
    assert page(shop, ada, "/details").status_code == 404
    assert ada.post(path_of(shop, "/resend"), fields_of(ada.get("/manage").text)).status_code == 404


def test_changing_too_often_is_refused_with_words(shop, grace, monkeypatch):
    monkeypatch.setattr(manage, "CHANGES_PER_HOUR", 1)
    object.__setattr__(shop.runtime.settings, "rate_limits", True)

    answers = [send(shop, grace, "/details", phone=f"+49 40 555{number}") for number in range(2)]

    assert [answer.status_code for answer in answers] == [303, 429]
    assert answers[1].headers["Retry-After"]
    assert shop.booking(1).guest_phone == "+49 40 5550"


# --- the page -------------------------------------------------------------------------------------------------------


def test_a_booked_guest_finds_everything_on_one_page(shop, grace):
    change(shop, Property, directions="Bus 12 to the old harbour.", contact_phone="+49 40 5550123")

    words = text_of(page(shop, grace))

    booking = shop.booking(1)
    for sentence in (
        "You're booked, Grace",
        f"{booking.reference[:4]}-{booking.reference[4:]}",
        f"you have paid €{booking.amount.major:.2f}",
        "from 15:00",
        "by 11:00",
        "1 Quay, Seal Harbour",
        "Your confirmation is on its way to g•••@example.org.",
        "Bus 12 to the old harbour.",
        "+49 40 5550123",
        "not said yet",
    ):
        assert sentence in words
    for button in ("Add to calendar", "Print voucher", "Receipt", "Change details", "Cancel booking"):
        assert button in words
    assert GRACE.email not in page(shop, grace).text

    shop.work()
    assert "We sent your confirmation to g•••@example.org." in text_of(page(shop, grace))


def test_a_stay_that_is_over_offers_a_receipt_and_no_change(shop, grace):
    go_to(shop, days_before=-5)

    words = text_of(page(shop, grace))

    assert "Your stay is over" in words
    assert f"You paid €{shop.booking(1).amount.major:.2f}" in words
    assert "Receipt" in words
    for gone in ("Change details", "Cancel booking", "Add to calendar", "Free cancellation"):
        assert gone not in words
    for more in ("/details", "/cancel"):
        assert page(shop, grace, more).status_code == 303


def test_each_state_has_its_part_and_a_title(app):
    loader, environment = app.jinja_env.loader, app.jinja_env
    for state in GuestState:
        assert f'"{state.value}": _(' in loader.get_source(environment, "manage/_title.html")[0]
        assert "<h1>" in loader.get_source(environment, f"manage/_{state.value}.html")[0]


def test_a_refund_is_told_from_the_wish_to_the_bank(shop, grace):
    cancel_for(shop, Money(1000, "eur"))
    asked = text_of(page(shop, grace))
    assert "€10.00 is on its way back to you" in asked
    assert re.search(r"€10.00 Asked for on \w+ \d+ \w+\. We are handing it to our payment provider", asked)

    change(shop, Refund, status=RefundStatus.PENDING)
    assert "on its way through the banks since" in text_of(page(shop, grace))
    change(shop, Refund, status=RefundStatus.REQUESTED)

    shop.work()
    shop.stripe.settle_down()
    sent = text_of(page(shop, grace))
    assert "sent to your bank on" in sent
    assert f"€10.00 of the €{shop.booking(1).amount.major:.2f} you paid has been sent back" in sent

    shop.clock.offset += timedelta(days=13)
    assert "It should be on your statement by now" in text_of(page(shop, grace))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"status": RefundStatus.FAILED}, "This refund did not go through on"),
        ({"status": RefundStatus.CANCELED, "failure_reason": CALLED_OFF}, "your bank had already given you this money"),
    ],
)
def test_a_refund_that_did_not_go_out_is_told_as_it_is(shop, grace, values, words):
    shop.breaks = ("I3", "I5")
    cancel_for(shop, Money(1000, "eur"))
    change(shop, Refund, **values)
    change(shop, Booking, refund_failed=values["status"] is RefundStatus.FAILED)

    told = text_of(page(shop, grace))

    assert words in told
    assert "−€10.00" not in told


def test_a_disputed_payment_is_named_and_points_to_the_house(shop, grace):
    change(shop, Booking, disputed=True)

    words = text_of(page(shop, grace))
    assert "Your bank has asked us about this payment" in words
    assert "To cancel, ask the house: ada@example.org" in words
    assert "in a dispute, so the booking cannot be cancelled here" in text_of(page(shop, grace, "/cancel"))
    change(shop, Booking, disputed=False)


# --- details --------------------------------------------------------------------------------------------------------


def test_a_guest_changes_details_and_the_house_sees_them(shop, grace):
    shown = page(shop, grace, "/details")
    assert f'value="{GRACE.name}"' in shown.text
    assert re.findall(r'<option[^>]*value="(\d\d:\d\d)"', shown.text)[:2] == ["15:00", "15:30"]

    answer = send(shop, grace, "/details", name="Grace B. Hopper", arrival_time="17:30", message="By <boat>")

    assert (answer.status_code, answer.headers["Location"]) == (303, path_of(shop))
    told = page(shop, grace)
    assert 'role="status"' in told.text
    assert "Your details are saved." in text_of(told)
    assert "17:30" in text_of(told)
    assert "By &lt;boat&gt;" in told.text
    assert 'role="status"' not in page(shop, grace).text
    assert shop.booking(1).guest_name == "Grace B. Hopper"


def test_bad_details_name_each_problem_and_keep_what_was_typed(shop, grace):
    answer = send(shop, grace, "/details", name="  ", phone="call me", message="x" * 600)

    assert answer.status_code == 422
    assert "<title>Error: " in answer.text
    words = text_of(answer)
    for problem in ("Enter your name.", "Enter a telephone number like", "at most 500 characters"):
        assert problem in words
    assert 'value="call me"' in answer.text
    assert "x" * 600 in answer.text
    assert shop.booking(1).guest_name == GRACE.name


def test_a_time_that_nobody_offered_is_refused(shop, grace):
    for time in ("03:00", "15:15", "9" * 400):
        assert send(shop, grace, "/details", arrival_time=time).status_code == 422


def test_whatever_a_guest_is_called_is_shown_and_run_nowhere(shop, grace):
    for name in ("<script>alert(1)</script>", "\u202egnirts", "🦭 O'Neil", "{{ 7*7 }}", "=1+1"):
        assert send(shop, grace, "/details", name=name).status_code == 303
        for more in ("", "/voucher", "/receipt", "/details"):
            shown = page(shop, grace, more)
            assert shown.status_code == 200
            assert "<script>alert" not in shown.text
            assert ">49<" not in shown.text


# --- once more ------------------------------------------------------------------------------------------------------


def test_the_confirmation_is_mailed_once_more_and_said_politely(shop, grace):
    shop.work()
    answer = send(shop, grace, "/resend", source="")

    assert answer.status_code == 303
    assert "We are sending your confirmation to g•••@example.org once more." in text_of(page(shop, grace))
    shop.work()
    assert len(shop.mailer.subjects_to(GRACE.email)) == 2
    assert shop.causes(1, "confirmation_resent") == ["web"]


def test_there_is_nothing_to_send_once_more_before_paying(shop, unpaid):
    answer = unpaid.post(path_of(shop, "/resend"), fields_of(page(shop, unpaid, "/details").text))

    assert answer.status_code == 409
    assert shop.mails(1) == []


# --- cancelling -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "sentence", "button"),
    [
        (30, "Cancel now: all of your €{full} back.", "Cancel and get €{full} back"),
        (4, "Cancel now: €{half} back, €{half} kept, because it is 4 days before arrival.", "get €{half} back"),
        (1, "Cancel now: nothing back, €{full} kept, because it is 1 day before arrival.", "without money back"),
        (0, "Cancel now: nothing back, €{full} kept, because you arrive today.", "Cancel without money back"),
    ],
)
def test_the_consequence_stands_there_before_anything_is_done(shop, grace, days, sentence, button):
    go_to(shop, days)
    total = shop.booking(1).amount
    facts = {"full": f"{total.major:.2f}", "half": f"{total.percent(50).major:.2f}"}

    words = text_of(page(shop, grace, "/cancel"))

    assert sentence.format(**facts) in words
    assert button.format(**facts) in words
    assert shop.booking(1).status == "confirmed"


def test_cancelling_does_what_the_page_said_and_tells_where_the_money_is(shop, grace):
    go_to(shop, 4)
    half = shop.booking(1).amount.percent(50)

    answer = send(shop, grace, "/cancel")

    assert (answer.status_code, answer.headers["Location"]) == (303, path_of(shop))
    words = text_of(page(shop, grace))
    assert "This booking is cancelled" in words
    assert f"€{half.major:.2f} is on its way back to you" in words
    assert [refund.amount for refund in shop.refunds(1)] == [half]
    assert page(shop, grace, "/cancel").status_code == 303


def test_both_halves_of_a_double_click_end_on_the_booking_with_one_refund(shop, grace):
    form = fields_of(page(shop, grace, "/cancel").text)

    answers = [grace.post(path_of(shop, "/cancel"), form) for _ in range(2)]

    assert {answer.headers["Location"] for answer in answers} == {path_of(shop)}
    assert len(shop.refunds(1)) == 1


def test_a_page_left_open_over_midnight_asks_again_with_the_new_amounts(shop, grace):
    go_to(shop, 7)
    form = fields_of(page(shop, grace, "/cancel").text)
    shop.clock.offset += timedelta(days=1)

    answer = grace.post(path_of(shop, "/cancel"), form)

    assert answer.status_code == 409
    words = text_of(answer)
    assert "so nothing was cancelled" in words
    assert "because it is 6 days before arrival" in words
    assert shop.booking(1).status == "confirmed"
    assert grace.post(path_of(shop, "/cancel"), fields_of(answer.text)).status_code == 303
    assert shop.booking(1).status == "cancelled"


@pytest.mark.parametrize("field", ["shown_minor", "form_token"])
def test_a_forged_form_cancels_nothing(shop, grace, field):
    for junk in ("", "x", "-1", "\0", "２", "9" * 400, "1.5"):
        assert send(shop, grace, "/cancel", **{field: junk}).status_code == 400

    assert shop.booking(1).status == "confirmed"


def test_less_than_is_due_may_be_agreed_to_but_what_is_due_comes_back(shop, grace):
    send(shop, grace, "/cancel", shown_minor="0")

    assert [refund.amount for refund in shop.refunds(1)] == [shop.booking(1).amount]


def test_unpaid_nights_are_let_go_after_a_word_on_what_that_means(shop, unpaid):
    words = text_of(page(shop, unpaid, "/cancel"))
    assert "No payment for these nights has reached us. You give them up at once." in words

    assert send(shop, unpaid, "/cancel").status_code == 303

    assert "These nights were let go" in text_of(page(shop, unpaid))
    assert shop.nights(1) == []


def test_a_silent_stripe_lets_nothing_go_and_says_so(shop, unpaid):
    def silent(*_args, **_more):
        raise GatewayUnavailable("no answer")

    form = fields_of(page(shop, unpaid, "/cancel").text)
    with patched(shop.runtime.payments, "expire_checkout", silent):
        answer = unpaid.post(path_of(shop, "/cancel"), form)

    assert answer.status_code == 503
    assert "nothing was changed" in text_of(answer)
    assert shop.booking(1).status == "pending"
    assert unpaid.post(path_of(shop, "/cancel"), fields_of(answer.text)).status_code == 303


def test_what_was_paid_while_the_page_was_open_is_booked_and_not_let_go(shop, unpaid):
    form = fields_of(page(shop, unpaid, "/cancel").text)
    shop.pay(1)

    answer = unpaid.post(path_of(shop, "/cancel"), form)

    # It is paid now: cancelling means something else, and gives back what the terms give.
    assert answer.status_code == 303
    assert [refund.amount for refund in shop.refunds(1)] == [shop.booking(1).amount]


# --- paper and files ------------------------------------------------------------------------------------------------


def test_the_voucher_is_enough_to_travel_with(shop, grace):
    change(shop, Property, directions="Bus 12 to the old harbour.")
    send(shop, grace, "/details", arrival_time="17:30")

    sheet = page(shop, grace, "/voucher")

    booking, words = shop.booking(1), text_of(sheet)
    for fact in (
        f"{booking.reference[:4]}-{booking.reference[4:]}", "1 Quay, Seal Harbour", "from 15:00", "by 11:00", "17:30",
        "Grace Hopper, 2 guests", "Bus 12 to the old harbour.", "ada@example.org", f"{shop.url}/manage",
    ):  # fmt: skip
        assert fact in words
    assert 'class="strip big"' in sheet.text


def test_the_receipt_itemises_the_price_and_adds_up_the_ledger(shop, grace):
    cancel_for(shop, Money(1000, "eur"))
    booking = shop.booking(1)

    words = text_of(page(shop, grace, "/receipt"))

    total = booking.amount
    assert "Tourist tax, 2 guests × 3 nights × €3.50" in words
    assert f"Payment {booking.reference}-P1" in words
    assert f"Refund, on its way {booking.reference}-R1" in words
    assert f"Paid in the end €{(total - Money(1000, 'eur')).major:.2f}" in words
    assert "1 Quay, Seal Harbour" in words
    assert shop.payments(1)[0].payment_intent_id not in words


def test_there_is_no_paper_for_what_is_not_paid(shop, unpaid):
    for more in ("/voucher", "/receipt", "/calendar.ics"):
        assert page(shop, unpaid, more).status_code == 404


def test_a_cancelled_stay_has_a_receipt_but_no_voucher(shop, grace):
    cancel_for(shop)

    assert page(shop, grace, "/receipt").status_code == 200
    assert page(shop, grace, "/voucher").status_code == 404


def test_the_calendar_file_rises_with_the_cancellation(shop, grace):
    first = Calendar.from_ical(page(shop, grace, "/calendar.ics").text).walk("VEVENT")[0]
    cancel_for(shop)
    second = Calendar.from_ical(page(shop, grace, "/calendar.ics").text).walk("VEVENT")[0]

    assert (first["sequence"], str(first["status"])) == (0, "CONFIRMED")
    assert (second["sequence"], str(second["status"])) == (1, "CANCELLED")
    assert str(first["uid"]) == str(second["uid"])


# --- one's own data -------------------------------------------------------------------------------------------------


def test_a_guest_takes_a_copy_of_everything_home(shop, grace):
    answer = page(shop, grace, "/data")

    assert answer.headers["Content-Disposition"] == f'attachment; filename="booking-{shop.booking(1).reference}.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    held = json.loads(answer.text)["held"]
    assert held["booking"][0]["guest_email"] == GRACE.email
    assert held["payment"][0]["amount_minor"] == shop.booking(1).amount_minor


def test_erasing_wants_a_tick_says_when_and_can_be_taken_back(shop, grace):
    assert "after" in text_of(page(shop, grace, "/privacy"))
    form = fields_of(page(shop, grace, "/privacy").text)

    answer = grace.post(path_of(shop, "/erase"), {"csrf_token": form["csrf_token"], "is_sure": "y"})

    assert (answer.status_code, answer.headers["Location"]) == (303, path_of(shop, "/privacy"))
    told = text_of(page(shop, grace, "/privacy"))
    assert "You asked for this on" in told
    assert "The house needs your details for your stay, so it happens by itself after" in told
    assert shop.booking(1).erase_asked_at is not None
    assert send(shop, grace, "/keep", source="/privacy").status_code == 303
    assert shop.booking(1).erase_asked_at is None


def test_without_the_tick_nothing_is_asked(shop, grace):
    form = fields_of(page(shop, grace, "/privacy").text)

    answer = grace.post(path_of(shop, "/erase"), {"csrf_token": form["csrf_token"]})

    assert answer.status_code == 422
    assert "Tick the box if you want your data erased." in text_of(answer)
    assert "<title>Error: " in answer.text
    assert shop.booking(1).erase_asked_at is None


def test_once_erased_the_page_is_gone_for_everybody(shop, grace):
    send(shop, grace, "/cancel")
    shop.work()
    shop.stripe.settle_down()
    shop.work()
    send(shop, grace, "/erase", source="/privacy", is_sure="y")
    shop.work()
    with shop.app.app_context():
        assert privacy.erase_due(shop.runtime)

    for more in PAGES:
        assert page(shop, grace, more).status_code == 404


# --- in German ------------------------------------------------------------------------------------------------------


def test_each_page_keeps_the_language_of_its_address(shop, grace):
    for more in PAGES:
        shown = grace.get(f"/de{path_of(shop, more)}")
        assert shown.status_code == 200
        if shown.headers["Content-Type"].startswith("text/html"):
            assert '<html lang="de"' in shown.text
            own = [link for link in re.findall(r'(?:href|action)="(/[^"]*)"', shown.text) if "/b/" in link]
            assert [link for link in own if not link.startswith(("/de/", "/en/"))] == []


def test_a_hold_that_ran_out_offers_no_way_to_cancel(shop, unpaid):
    shop.clock.offset = shop.booking(1).hold_until - datetime.now(UTC)

    assert page(shop, unpaid, "/cancel").status_code == 303
