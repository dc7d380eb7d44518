"""What the shop forgets by itself: when it is old enough, and never before it is settled."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select

from booking import jobs
from booking.domain.money import Money
from booking.extensions import db
from booking.models import AccessLink, WebhookEvent
from booking.models.webhook import InboxOutcome
from booking.services import reservations, retention, self_service
from tests.services.test_privacy import ZORA, dump, traces_in
from tests.support.shop import Shop

A_DAY = timedelta(days=1)


def forget(shop: Shop, after: timedelta, **settings: int) -> list[str]:
    """What the sweep tells after so long."""
    shop.clock.offset += after
    with shop.app.app_context():
        return retention.forget_old(replace(shop.runtime, settings=replace(shop.runtime.settings, **settings)))


def _stayed(shop: Shop) -> int:
    """Zora has paid and everything about it is done."""
    booking_id = shop.book(shop.stay(nights=3, ahead=30), ZORA, "zora")
    shop.pay(booking_id)
    with shop.app.app_context():
        shop.work()
    return booking_id


def _never_paid(shop: Shop) -> int:
    """Zora held nights, let them go, and was told."""
    booking_id = shop.book(shop.stay(), ZORA, "zora")
    with shop.app.app_context():
        self_service.cancel_as_guest(shop.runtime, booking_id, Money(0, "eur"), "0" * 32)
        shop.work()
    return booking_id


def test_who_never_paid_is_forgotten_after_a_month(shop: Shop) -> None:
    booking_id = _never_paid(shop)

    assert forget(shop, retention.UNPAID_FOR - A_DAY) == []
    assert shop.booking(booking_id).guest_name == ZORA.name
    assert forget(shop, 2 * A_DAY) == ["1 guests who never paid"]

    assert traces_in(dump(shop)) == []
    assert shop.causes(booking_id, "erased") == ["timer"]
    assert forget(shop, A_DAY) == []


def test_who_paid_and_cancelled_is_kept(shop: Shop) -> None:
    booking_id = _stayed(shop)
    with shop.app.app_context():
        self_service.cancel_as_guest(shop.runtime, booking_id, shop.booking(booking_id).amount, "0" * 32)
        shop.work()
        shop.stripe.settle_down()
        shop.work()

    forget(shop, timedelta(days=400))

    assert shop.booking(booking_id).guest_name == ZORA.name


def test_who_is_still_paying_is_kept(shop: Shop) -> None:
    booking_id = shop.book(shop.stay(), ZORA, "zora")

    assert forget(shop, retention.UNPAID_FOR + A_DAY) == []

    assert shop.booking(booking_id).guest_name == ZORA.name


def test_who_stayed_is_kept_unless_the_house_has_decided(shop: Shop) -> None:
    booking_id = _stayed(shop)

    forget(shop, timedelta(days=33 + 200))  # 199 of UTC's days, where the house's next day has begun

    assert shop.booking(booking_id).guest_name == ZORA.name
    assert "1 guests of long ago" in forget(shop, timedelta(0), keep_guests_days=198)
    assert traces_in(dump(shop)) == []
    assert shop.broken_promises() == []


def test_who_stayed_is_kept_as_long_as_was_decided(shop: Shop) -> None:
    booking_id = _stayed(shop)

    told = forget(shop, timedelta(days=33 + 200), keep_guests_days=201)

    assert "1 guests of long ago" not in told
    assert shop.booking(booking_id).guest_name == ZORA.name


def test_payloads_are_emptied_and_what_they_did_is_still_known(small_shop: Shop) -> None:
    booking_id = _stayed(small_shop)
    with small_shop.app.app_context():
        before = {event.id: (event.type, event.outcome) for event in db.session.scalars(select(WebhookEvent))}
    assert len(before) > 1

    assert forget(small_shop, retention.PAYLOADS_FOR + A_DAY) == [f"{len(before)} payloads of events"]

    with small_shop.app.app_context():
        after = list(db.session.scalars(select(WebhookEvent)))
    assert {event.id: (event.type, event.outcome) for event in after} == before
    assert all(event.payload == {"erased": True} for event in after)
    assert small_shop.booking(booking_id).guest_name == ZORA.name
    assert forget(small_shop, A_DAY) == []


def test_an_event_that_is_stuck_keeps_its_payload(small_shop: Shop) -> None:
    small_shop.breaks = ("I5",)
    _stayed(small_shop)
    with small_shop.app.app_context():
        event = db.session.scalars(select(WebhookEvent).limit(1)).one()
        event.outcome = InboxOutcome.FAILED
        db.session.commit()
        event_id = event.id

    forget(small_shop, retention.PAYLOADS_FOR + A_DAY)

    with small_shop.app.app_context():
        assert "data" in db.session.get_one(WebhookEvent, event_id).payload


def test_links_that_have_run_out_are_dropped(small_shop: Shop) -> None:
    _stayed(small_shop)
    days_to_the_end = timedelta(days=33 + 31)

    assert _links(small_shop) > 0
    forget(small_shop, days_to_the_end + retention.DEAD_LINKS_FOR - A_DAY)
    assert _links(small_shop) > 0
    forget(small_shop, 2 * A_DAY)
    assert _links(small_shop) == 0


def _links(shop: Shop) -> int:
    with shop.app.app_context():
        return db.session.scalar(select(func.count()).select_from(AccessLink)) or 0


def test_the_worker_looks_each_night() -> None:
    assert jobs.forget_old in jobs.TIMETABLE


def test_expired_holds_count_as_never_paid(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay(), ZORA, "zora")
    small_shop.pass_time(minutes=60)
    with small_shop.app.app_context():
        reservations.expire_holds(small_shop.runtime)
        small_shop.work()

    assert forget(small_shop, retention.UNPAID_FOR + A_DAY) == ["1 guests who never paid"]
    assert small_shop.booking(booking_id).erased_at is not None
