"""R11: clocks that are wrong by ten minutes or a day, or step; nights on which clocks change; eight time zones.

Scenario 27 (a minute and a half, parameters that grew old) is in test_clocks_and_patience.py.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from booking import metrics
from booking.domain.dates import Stay
from booking.domain.errors import DatesUnavailable, StayRuleBroken
from booking.domain.states import CancelReason, Source
from booking.domain.terms import refund_steps
from booking.extensions import db
from booking.gateways.payments import GatewayRefused
from booking.models import Booking, Property
from booking.queries.guest import find_guest_booking
from booking.queries.nights import free_unit_ids
from booking.services import reconciliation, reservations
from booking.services.timeline import Cause
from tests.support.shop import LINUS, MemoryMailer, ShiftedClock, Shop, Visitor, add_listing, outfit

REVIEW = "/stays/harbour-loft/review"
DAY, TEN_MINUTES = timedelta(days=1), timedelta(minutes=10)


def _wrong_by(skew: timedelta) -> str:
    return f"{skew.total_seconds() / 60:+.0f} minutes"


@pytest.fixture
def step(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Has the clock of the shop's machine step; Stripe's and the guest's go on as they were."""
    skew = [timedelta(0)]
    # The library looks at the machine's clock itself.
    machine = SimpleNamespace(time=lambda: time.time() + skew[0].total_seconds())
    monkeypatch.setattr("stripe._webhook.time", machine)
    monkeypatch.setattr(
        shop.runtime.payments._inner, "_clock", SimpleNamespace(now=lambda: datetime.now(UTC) + skew[0])
    )

    def step(by: timedelta) -> None:
        skew[0] += by
        shop.clock.offset += by

    return step


def _hold_for(shop: Shop, minutes: int) -> None:
    settings = replace(shop.runtime.settings, hold_minutes=minutes)
    shop.app.extensions["holdfast"] = replace(shop.runtime, settings=settings)


def _is_free(shop: Shop, stay: Stay) -> bool:
    with shop.app.app_context():
        return bool(free_unit_ids(db.session(), shop.listing_id, stay, shop.clock.now()))


def _session(shop: Shop, booking_id: int) -> Any:
    return shop.stripe_client().checkout.sessions.retrieve(shop.session_of(booking_id))


def _assert_over(shop: Shop, booking_id: int, stay: Stay) -> None:
    """Nobody can pay any more, here and at Stripe, and the nights are free."""
    assert _session(shop, booking_id).status == "expired"
    assert shop.state(booking_id) == ("expired", "unpaid")
    assert _is_free(shop, stay)


def _expire_holds(shop: Shop) -> list[str]:
    with shop.app.app_context():
        return reservations.expire_holds(shop.runtime)


def _reconcile(shop: Shop) -> None:
    with shop.app.app_context():
        reconciliation.reconcile(shop.runtime)


# --- a clock that is wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skew", [-DAY, -TEN_MINUTES, DAY], ids=_wrong_by)
def test_a_session_that_stripe_will_not_open_by_its_clock_is_told_to_guest_and_staff_until_ours_is_right(
    shop: Shop, step: Callable[[timedelta], None], skew: timedelta
) -> None:
    step(skew)
    grace, stay = Visitor(shop.url), shop.stay()
    form = grace.review_form("harbour-loft", stay)

    page = grace.post(REVIEW, form)

    (booking,) = shop.bookings()
    assert page.status_code == 502
    assert "did not accept the request. The house has been told" in page.text
    assert "Nothing was charged." in page.text
    assert shop.mails(booking.id) == ["checkout_refused"]
    assert shop.stripe.sessions() == []

    step(-skew)
    again = grace.post(REVIEW, form)
    shop.pay(booking.id)

    assert again.headers["Location"] == shop.attempts(booking.id)[-1].url
    assert shop.state(booking.id) == ("confirmed", "paid")
    assert len(shop.stripe.sessions()) == 1


@pytest.mark.parametrize("skew", [-TEN_MINUTES, TEN_MINUTES], ids=_wrong_by)
@pytest.mark.parametrize("minutes", [50, 1425])
def test_with_a_clock_wrong_by_ten_minutes_nights_are_kept_for_as_long_as_their_session_can_be_paid(
    shop: Shop, step: Callable[[timedelta], None], skew: timedelta, minutes: int
) -> None:
    _hold_for(shop, minutes)
    step(skew)
    stay = shop.stay()
    booking_id = shop.book(stay)

    session = _session(shop, booking_id)
    shop.pass_time(seconds=session.expires_at - session.created - 60)

    assert _session(shop, booking_id).status == "open"
    assert not _is_free(shop, stay)
    assert _expire_holds(shop) == []
    with pytest.raises(DatesUnavailable):
        shop.place(stay, LINUS, "linus")
    shop.stripe.pay(session.id)
    shop.come_back(session.id)
    assert shop.state(booking_id) == ("confirmed", "paid")


@pytest.mark.parametrize("skew", [-TEN_MINUTES, TEN_MINUTES], ids=_wrong_by)
def test_with_a_clock_wrong_by_ten_minutes_nights_that_nobody_paid_are_on_sale_again_in_the_end(
    shop: Shop, step: Callable[[timedelta], None], skew: timedelta
) -> None:
    _hold_for(shop, 50)
    step(skew)
    shop.stripe.drop_webhooks()
    stay = shop.stay()
    booking_id = shop.book(stay)

    shop.pass_time(minutes=61)
    _expire_holds(shop)

    _assert_over(shop, booking_id, stay)


@pytest.mark.parametrize("skew", [TEN_MINUTES, DAY], ids=_wrong_by)
def test_with_a_clock_that_is_fast_every_webhook_is_refused_counted_and_made_up_for_by_asking(
    shop: Shop, step: Callable[[timedelta], None], skew: timedelta, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    refused: list[int] = []
    monkeypatch.setattr(metrics, "count_bad_signature", lambda: refused.append(1))
    first, second = shop.book(shop.stay()), shop.book(shop.stay(ahead=50), LINUS, "linus")
    shop.stripe.drop_webhooks()
    step(skew)
    caplog.set_level(logging.WARNING)

    for booking_id in (first, second):
        shop.stripe.pay(shop.session_of(booking_id), wait=False)
    events = shop.stripe.events()

    assert {answer["status"] for event in events for answer in shop.stripe.resend(event["id"])} == {400}
    assert len(refused) == len(events)
    (why,) = {line.why for line in caplog.records if line.getMessage() == "webhook_refused"}
    assert why.endswith("too long ago")
    assert shop.state(first) == shop.state(second) == ("pending", "unpaid")

    shop.come_back(shop.session_of(first))
    _reconcile(shop)

    assert shop.state(first) == shop.state(second) == ("confirmed", "paid")
    assert (shop.causes(first, "confirmed"), shop.causes(second, "confirmed")) == (["redirect"], ["reconcile"])

    step(-skew)
    (event,) = (e for e in shop.stripe.events("checkout.session.completed") if _is_of(e, shop.session_of(first)))
    assert [answer["status"] for answer in shop.stripe.resend(event["id"])] == [200]
    assert len(shop.payments(first)) == 1


def _is_of(event: dict[str, Any], session_id: str) -> bool:
    return bool(event["data"]["object"]["id"] == session_id)


@pytest.mark.parametrize("skew", [-TEN_MINUTES, -DAY], ids=_wrong_by)
def test_with_a_clock_that_is_slow_webhooks_are_taken_in_and_the_log_says_what_is_wrong(
    shop: Shop, step: Callable[[timedelta], None], skew: timedelta, caplog: Any
) -> None:
    booking_id = shop.book(shop.stay())
    step(skew)
    caplog.set_level(logging.ERROR)

    shop.pay(booking_id)

    told = [line.seconds_ahead for line in caplog.records if line.getMessage() == "clock_skew"]
    assert told
    assert all(abs(seconds + skew.total_seconds()) < 60 for seconds in told)
    assert shop.state(booking_id) == ("confirmed", "paid")


# --- a clock that steps ---------------------------------------------------------------------------------------------


def test_a_clock_that_leaps_ahead_ends_no_hold_before_stripe_has_ended_its_session(
    shop: Shop, step: Callable[[timedelta], None]
) -> None:
    stay = shop.stay()
    booking_id = shop.book(stay)
    _silence(shop)
    step(timedelta(hours=1))

    assert _expire_holds(shop)[0].endswith("will be tried again")
    assert shop.state(booking_id) == ("pending", "unpaid")

    shop.stripe.post("faults", [])
    step(DAY)
    _expire_holds(shop)

    _assert_over(shop, booking_id, stay)


def test_a_hold_ended_because_the_clock_leapt_while_stripe_was_silent_is_confirmed_when_it_is_paid(
    shop: Shop, step: Callable[[timedelta], None]
) -> None:
    booking_id = shop.book(shop.stay())
    _silence(shop)
    step(DAY)  # Stripe's silence is waited for an hour, by the one clock that is wrong
    _expire_holds(shop)
    assert shop.state(booking_id) == ("expired", "unpaid")

    shop.stripe.post("faults", [])
    step(-DAY)
    shop.pay(booking_id)

    assert shop.state(booking_id) == ("confirmed", "paid")
    assert len(shop.nights(booking_id)) == 3


def _silence(shop: Shop) -> None:
    shop.stripe.post("faults", [{"kind": "reset", "method": "*", "path_prefix": "/v1/checkout", "times": 99}])


def test_nights_taken_over_because_the_clock_leapt_are_sold_once_and_the_other_guest_gets_all_back(
    shop: Shop, step: Callable[[timedelta], None]
) -> None:
    stay = shop.stay()
    early = shop.book(stay)
    step(DAY)
    late = shop.place(stay, LINUS, "linus").booking_id
    step(-DAY)
    with pytest.raises(GatewayRefused):  # what it would ask for was frozen with the wrong time in it
        shop.check_out(late)
    shop.check_out(late)

    shop.pay(late)
    shop.pay(early)
    shop.work()

    assert shop.state(late) == ("confirmed", "paid")
    assert shop.state(early) == ("cancelled", "refunded")
    assert [refund.amount for refund in shop.refunds(early)] == [shop.booking(early).amount]


@pytest.mark.parametrize("back", [TEN_MINUTES, DAY], ids=_wrong_by)
@pytest.mark.parametrize("is_told", [True, False])
def test_a_clock_that_steps_back_keeps_no_nights_beyond_stripes_word(
    shop: Shop, step: Callable[[timedelta], None], back: timedelta, is_told: bool
) -> None:
    stay = shop.stay()
    booking_id = shop.book(stay)
    if not is_told:
        shop.stripe.drop_webhooks()
    step(-back)

    shop.pass_time(minutes=36)
    _reconcile(shop)

    _assert_over(shop, booking_id, stay)


@pytest.mark.parametrize("back", [TEN_MINUTES, DAY], ids=_wrong_by)
def test_what_was_asked_for_before_the_clock_stepped_back_is_done_once(
    shop: Shop, step: Callable[[timedelta], None], back: timedelta
) -> None:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)
    with shop.app.app_context():
        total, cause = shop.booking(booking_id).amount, Cause(Source.STAFF, "ada@example.org")
        reservations.cancel_booking(shop.runtime, booking_id, CancelReason.STAFF, cause, total, "form-1")
    step(-back)

    shop.work()
    _reconcile(shop)
    refunded = shop.state(booking_id)
    shop.pass_time(seconds=back.total_seconds() + 1)
    shop.work()

    assert refunded == ("cancelled", "refunded")
    assert len(shop.stripe.created("/v1/refunds")) == 1
    # The confirmation is not among them: it was not sent before the booking was cancelled, and would not be true.
    assert len({letter.subject for letter in shop.mailer.letters}) == len(shop.mailer.letters) == 3
    assert len(shop.mails(booking_id)) == 4


# --- days, by the calendar of the property --------------------------------------------------------------------------

# Where clocks change by half an hour, at midnight, never; a day ahead of Greenwich, and eleven hours behind.
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
]
LEAP_DAY = date(2028, 2, 29)
NOW = datetime(2027, 1, 10, 12, 0, tzinfo=UTC)


class StandingClock(ShiftedClock):
    """Tells the time that a test set."""

    time = NOW

    def now(self) -> datetime:
        return self.time


@pytest.fixture(params=ZONES)
def abroad(
    app: Flask, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Shop, ZoneInfo]]:
    """A property in one zone, served by a machine in another."""
    servers = {ZoneInfo(zone).key for zone in ZONES} - {request.param}
    with monkeypatch.context() as patch:
        patch.setenv("TZ", sorted(servers)[ZONES.index(request.param) % len(servers)])
        time.tzset()
        clock, mailer = StandingClock(), MemoryMailer()
        outfit(app, clock, mailer)
        listing_id = add_listing(app, nightly_minor=10_000, weekend_minor=10_000, tourist_tax_minor=0, units=1)
        with app.app_context():
            db.session.query(Property).one().timezone = request.param
            db.session.commit()
        yield Shop(app, None, clock, mailer, "", listing_id), ZoneInfo(request.param)  # type: ignore[arg-type]
    time.tzset()


def _changes(zone: ZoneInfo) -> list[date]:
    """The days of 2027 in whose course the clocks change."""
    days = [date(2027, 1, 11) + timedelta(days=offset) for offset in range(350)]
    return [day for day in days if _midnight(day, zone).utcoffset() != _midnight(day + DAY, zone).utcoffset()]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def test_nights_around_each_change_of_clocks_and_a_leap_day_are_counted_and_sold_one_by_one(
    abroad: tuple[Shop, ZoneInfo],
) -> None:
    shop, zone = abroad

    for number, day in enumerate([*_changes(zone), LEAP_DAY]):
        nights = [day - 2 * DAY, day - DAY, day, day + DAY]
        three, before = Stay(nights[1], day + 2 * DAY), Stay(nights[0], nights[1])
        booking = shop.booking(shop.place(three, browser=f"a{number}").booking_id)

        assert [night.day for night in shop.nights(booking.id)] == nights[1:]
        assert (booking.quote["nights"], booking.amount_minor) == (3, 30_000)
        for one in nights[1:]:
            with pytest.raises(DatesUnavailable):
                shop.place(Stay(one, one + DAY), LINUS, f"b{number}")
        assert len(shop.nights(shop.place(before, LINUS, f"c{number}").booking_id)) == 1


def test_today_ends_at_the_propertys_midnight_wherever_the_server_and_the_guest_are(
    abroad: tuple[Shop, ZoneInfo],
) -> None:
    shop, zone = abroad

    for day in [*_changes(zone), LEAP_DAY]:
        night = Stay(day, day + DAY)
        shop.clock.time = (_midnight(day + DAY, zone).astimezone(UTC)) - timedelta(seconds=1)
        assert shop.total(night).minor == 10_000
        shop.clock.time += timedelta(seconds=1)
        with pytest.raises(StayRuleBroken, match="The day of arrival has passed"):
            shop.total(night)


def test_the_last_day_to_cancel_for_everything_ends_at_the_propertys_midnight(abroad: tuple[Shop, ZoneInfo]) -> None:
    shop, zone = abroad

    for number, day in enumerate([*_changes(zone), LEAP_DAY]):
        placed = shop.place(Stay(day + 10 * DAY, day + 11 * DAY), browser=f"a{number}")
        booking = shop.booking(placed.booking_id)
        last = _last_day_for_all(shop, booking.id)
        shop.clock.time = _midnight(last + DAY, zone).astimezone(UTC) - timedelta(seconds=1)
        whole = _comes_back(shop, placed.reference)
        shop.clock.time += timedelta(seconds=1)

        assert whole == booking.amount_minor > _comes_back(shop, placed.reference)
        shop.clock.time = NOW


def _last_day_for_all(shop: Shop, booking_id: int) -> date:
    with shop.app.app_context():
        return refund_steps(db.session.get_one(Booking, booking_id).deal)[0].last_day


def _comes_back(shop: Shop, reference: str) -> int:
    """What the guest's page offers for cancelling now."""
    with shop.app.app_context():
        booking = find_guest_booking(db.session(), reference, shop.clock.now())
        assert booking is not None
        return max((step.refund.minor for step in booking.steps), default=0)


def test_the_end_of_a_hold_is_told_by_the_propertys_clock(abroad: tuple[Shop, ZoneInfo]) -> None:
    shop, zone = abroad

    for number, day in enumerate([*_changes(zone), LEAP_DAY]):
        shop.clock.time = _midnight(day, zone).astimezone(UTC)  # clocks may change while the hold runs
        placed = shop.place(shop.stay(), browser=f"a{number}")
        with shop.app.app_context():
            booking = find_guest_booking(db.session(), placed.reference, shop.clock.now())
            assert booking is not None
            assert booking.pay_until == shop.clock.time + timedelta(minutes=35)
            assert booking.place.clock(booking.pay_until) == f"{booking.pay_until.astimezone(zone):%H:%M}"
            assert booking.place.clock(shop.clock.time) in ("00:00", "01:00")  # where midnight itself is left out
