"""A guest's copy of their data, and their erasure: when it waits, what goes, and what stays provable."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from booking import jobs
from booking.database import transaction
from booking.domain.money import Money
from booking.domain.personal_data import OF_BOOKINGS, Holds
from booking.domain.states import CancelReason, RefundStatus, Source
from booking.extensions import Base, db
from booking.models import AccessLink, Attempt, Booking, Dispute, OutboxRow, Refund, WebhookEvent
from booking.models.instance import LinkPurpose
from booking.models.outbox import OutboxState
from booking.queries.personal import Obstacle
from booking.services import access, privacy, reservations, reviews, self_service, timeline
from booking.services.reservations import GuestDetails
from booking.services.timeline import Cause
from tests.support.shop import Shop

ZORA = GuestDetails("Zora Canary-Quill", "zora.quill@canary.example", "+44 20 7946 0991", "The violet suitcase is mine")
ARRIVES = "17:30"
# What a booking has only where something more happened to it.
NOT_OF_EACH = (
    "card_consent",
    "saved_card",
    "access_link",
    "refund",
    "dispute",
    "evidence_draft",
    "evidence_file",
    "evidence_submission",
    "stay_change",
    "due",
    "customer",
    "stay_request",
    "authorisation",
)
# What must be nowhere once she is erased; each too long to stand in a random key by chance. Her telephone number is
# found with and without its spaces.
TRACES = (ZORA.name, "Canary", "Quill", ZORA.email, "zora.quill", ZORA.phone, "violet suitcase", ARRIVES)


@pytest.fixture
def cancelled(shop: Shop) -> Iterator[int]:
    """Zora booked, paid, changed her details, opened a link, cancelled and has her money; staff wrote about her."""
    booking_id = shop.book(shop.stay(), ZORA, "zora")
    shop.pay(booking_id)
    with shop.app.app_context():
        self_service.change_details(
            shop.runtime, booking_id, self_service.Details(ZORA.name, ZORA.phone, ARRIVES, ZORA.message)
        )
        _be_written_about(shop, booking_id)
        cause = Cause(Source.WEB)
        total = shop.booking(booking_id).amount
        reservations.cancel_booking(shop.runtime, booking_id, CancelReason.GUEST, cause, total, "f" * 32)
        shop.work()
        shop.stripe.settle_down()
        shop.work()
        yield booking_id


def _be_written_about(shop: Shop, booking_id: int) -> None:
    with transaction() as session:
        booking = session.get_one(Booking, booking_id)
        booking.needs_review = True
        access.mint_link(session, booking, LinkPurpose.BOOKING, shop.clock.now())
        note = f"called {ZORA.phone}, Mrs Quill was friendly"
        for source in (Source.STAFF, Source.CLI):
            timeline.record(session, booking, "note", Cause(source), shop.clock.now(), note=note)
    reviews.close_review(shop.runtime, booking_id, "ada@example.org", "Talked to the lady with the suitcase")


def ask_and_sweep(shop: Shop, booking_id: int) -> list[str]:
    """Ask for the erasure, let the staff's mail about it go out, and let the sweep come by."""
    privacy.ask_erasure(shop.runtime, booking_id)
    shop.work()
    return privacy.erase_due(shop.runtime)


def dump(shop: Shop) -> str:
    """Every value of every row of every table."""
    with shop.app.app_context():
        rows = [
            repr(tuple(row)) for table in Base.metadata.sorted_tables for row in db.session.execute(select(table)).all()
        ]
    return "\n".join(rows)


def traces_in(text: str) -> list[str]:
    # Not what a clock says: a log of the shop may be of the very minute at which the guest wants to come.
    told = re.sub(r"(?i)\b\d\d:\d\d(:\d\d| UTC)|T\d\d:\d\d", "", text).lower()
    return [trace for trace in TRACES if trace.lower() in told]


# --- the copy -------------------------------------------------------------------------------------------------------


def test_the_copy_has_everything_that_is_held_and_no_secret(shop: Shop, cancelled: int) -> None:
    with shop.app.app_context():
        text = json.dumps(privacy.export_data(shop.runtime, cancelled), ensure_ascii=False)
        secrets = [link.token_hash for link in db.session.scalars(select(AccessLink))]
        secrets += [attempt.url for attempt in db.session.scalars(select(Attempt)) if attempt.url]

    assert set(TRACES) - set(traces_in(text)) == set()
    assert [secret for secret in secrets if secret in text] == []
    assert shop.booking(cancelled).browser_key not in text
    assert "client_secret" not in text
    assert "ada@example.org" not in json.dumps(json.loads(text)["held"]["booking_event"])


def test_each_column_that_may_name_a_guest_is_in_the_copy(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay(), ZORA, "zora")
    small_shop.pay(booking_id)

    with small_shop.app.app_context():
        held: Any = privacy.export_data(small_shop.runtime, booking_id)["held"]

    for table, columns in OF_BOOKINGS.items():
        told = {column for column, holds in columns.items() if holds in (Holds.GUEST, Holds.MAY, Holds.FACT)}
        untold = {column for column, holds in columns.items() if holds in (Holds.KEY, Holds.STAFF)}
        for row in held[table]:
            assert told <= set(row)
            assert not untold & set(row)
        assert held[table] or table in NOT_OF_EACH


# --- when -----------------------------------------------------------------------------------------------------------


def test_nobody_is_erased_who_did_not_ask(shop: Shop, cancelled: int) -> None:
    assert privacy.erase_due(shop.runtime) == []
    assert shop.booking(cancelled).guest_name == ZORA.name


def test_a_guest_who_is_expected_is_erased_after_the_stay(shop: Shop) -> None:
    booking_id = shop.book(shop.stay(), ZORA, "zora")
    shop.pay(booking_id)
    with shop.app.app_context():
        assert ask_and_sweep(shop, booking_id) == []
        assert privacy.look_for_obstacle(shop.runtime, booking_id) is Obstacle.STAY
        shop.clock.offset += timedelta(days=30 + 3 + 2)

        assert privacy.erase_due(shop.runtime) == [f"booking {booking_id}: its guest is erased"]

    assert traces_in(dump(shop)) == []
    assert shop.state(booking_id) == ("confirmed", "paid")


def test_a_guest_who_never_paid_is_erased_at_once(shop: Shop) -> None:
    booking_id = shop.book(shop.stay(), ZORA, "zora")
    with shop.app.app_context():
        self_service.cancel_as_guest(shop.runtime, booking_id, Money(0, "eur"), "0" * 32)
        assert ask_and_sweep(shop, booking_id)

    assert traces_in(dump(shop)) == []


def test_money_on_its_way_back_makes_it_wait(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay(), ZORA, "zora")
    small_shop.pay(booking_id)
    with small_shop.app.app_context():
        total = small_shop.booking(booking_id).amount
        self_service.cancel_as_guest(small_shop.runtime, booking_id, total, "0" * 32)

        assert privacy.look_for_obstacle(small_shop.runtime, booking_id) is Obstacle.MONEY
        privacy.ask_erasure(small_shop.runtime, booking_id)
        assert privacy.erase_due(small_shop.runtime) == []


def _hold_up(shop: Shop, booking_id: int, what: Obstacle | str) -> None:
    with transaction() as session:
        booking = session.get_one(Booking, booking_id)
        if what == "review":
            booking.needs_review = True
        elif what == "owed":
            booking.refund_failed = True
        elif what == "refund":
            session.scalars(select(Refund)).one().status = RefundStatus.PENDING
        elif what == "mail":
            session.scalars(select(OutboxRow).limit(1)).one().state = OutboxState.DUE
        else:
            refund = session.scalars(select(Refund)).one()
            session.add(Dispute(
                booking_id=booking_id, payment_id=refund.payment_id, stripe_dispute_id="du_1", amount_minor=1,
                currency="eur", status="under_review", funds_withdrawn=True,
            ))  # fmt: skip


@pytest.mark.parametrize(
    ("what", "obstacle"),
    [("review", Obstacle.MONEY), ("owed", Obstacle.MONEY), ("refund", Obstacle.MONEY), ("mail", Obstacle.MAIL),
     ("dispute", Obstacle.DISPUTE)],
)  # fmt: skip
def test_what_is_not_settled_makes_it_wait(small_shop: Shop, what: str, obstacle: Obstacle) -> None:
    small_shop.breaks = ("I3", "I5")
    booking_id = small_shop.book(small_shop.stay(), ZORA, "zora")
    small_shop.pay(booking_id)
    with small_shop.app.app_context():
        total = small_shop.booking(booking_id).amount
        self_service.cancel_as_guest(small_shop.runtime, booking_id, total, "0" * 32)
        small_shop.work()
        small_shop.stripe.settle_down()
        small_shop.work()
        privacy.ask_erasure(small_shop.runtime, booking_id)
        small_shop.work()
        _hold_up(small_shop, booking_id, what)

        assert privacy.look_for_obstacle(small_shop.runtime, booking_id) is obstacle
        assert privacy.erase_due(small_shop.runtime) == []

    assert small_shop.booking(booking_id).guest_name == ZORA.name


def test_who_thinks_better_of_it_stays(shop: Shop, cancelled: int) -> None:
    privacy.ask_erasure(shop.runtime, cancelled)
    privacy.withdraw_erasure(shop.runtime, cancelled)
    privacy.withdraw_erasure(shop.runtime, cancelled)
    shop.work()

    assert privacy.erase_due(shop.runtime) == []
    assert shop.causes(cancelled, "erasure_withdrawn") == ["web"]


def test_staff_are_told_once_that_somebody_asks(shop: Shop, cancelled: int) -> None:
    for _ in range(3):
        privacy.ask_erasure(shop.runtime, cancelled)

    assert shop.mails(cancelled).count("erasure_asked") == 1
    assert shop.causes(cancelled, "erasure_asked") == ["web"]


# --- what goes, and what stays --------------------------------------------------------------------------------------


def test_no_trace_is_left_in_the_whole_database_and_every_promise_still_holds(shop: Shop, cancelled: int) -> None:
    assert set(traces_in(dump(shop))) == set(TRACES)
    before = shop.booking(cancelled)

    privacy.ask_erasure(shop.runtime, cancelled)
    shop.work()
    jobs.erase_guests(shop.runtime)

    assert jobs.erase_guests in jobs.TIMETABLE
    assert traces_in(dump(shop)) == []
    assert shop.broken_promises() == []
    after = shop.booking(cancelled)
    kept = ("reference", "arrive", "leave", "guests", "amount_minor", "quote", "terms", "status", "payment_status")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert after.erased_at is not None
    assert len(shop.payments(cancelled)) == len(shop.refunds(cancelled)) == 1
    assert shop.causes(cancelled, "erased") == ["timer"]


def test_erased_once_is_erased_for_good(shop: Shop, cancelled: int) -> None:
    ask_and_sweep(shop, cancelled)
    erased_at = shop.booking(cancelled).erased_at
    shop.clock.offset += timedelta(days=1)

    assert privacy.erase_due(shop.runtime) == []
    assert shop.booking(cancelled).erased_at == erased_at


def test_no_link_opens_an_erased_booking_and_none_is_mailed(shop: Shop, cancelled: int) -> None:
    with transaction() as session:
        booking = session.get_one(Booking, cancelled)
        token = access.mint_link(session, booking, LinkPurpose.BOOKING, shop.clock.now())
    ask_and_sweep(shop, cancelled)
    mails = shop.mails(cancelled)

    access.request_link(shop.runtime, shop.booking(cancelled).reference, "")

    assert access.open_link(shop.runtime, token) is None
    assert shop.mails(cancelled) == mails


def test_news_that_names_the_guest_after_that_is_forgotten_by_the_next_sweep(shop: Shop, cancelled: int) -> None:
    ask_and_sweep(shop, cancelled)
    (event,) = shop.stripe.events("checkout.session.completed")
    with transaction() as session:
        session.delete(session.get_one(WebhookEvent, event["id"]))
    shop.clock.offset += timedelta(seconds=1)
    shop.stripe.resend(event["id"])
    assert ZORA.email in dump(shop)

    privacy.erase_due(shop.runtime)

    assert traces_in(dump(shop)) == []


def test_another_guest_keeps_everything(shop: Shop, cancelled: int) -> None:
    other = shop.book(shop.stay(ahead=60))
    shop.pay(other)
    shop.work()

    ask_and_sweep(shop, cancelled)

    text = dump(shop)
    assert "grace@example.org" in text
    assert shop.booking(other).guest_name == "Grace Hopper"
    assert "customer_email" in shop.attempts(other)[-1].params


def test_the_file_of_the_database_has_no_trace_either(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay(), ZORA, "zora")
    with small_shop.app.app_context():
        file = Path(db.engine.url.database or "")
        self_service.cancel_as_guest(small_shop.runtime, booking_id, Money(0, "eur"), "0" * 32)
        assert ZORA.email.encode() in _pages_of(file)

        assert ask_and_sweep(small_shop, booking_id)
        db.session.remove()

        assert traces_in(_pages_of(file).decode("utf-8", "replace")) == []


def _pages_of(file: Path) -> bytes:
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return b"".join(part.read_bytes() for part in sorted(file.parent.glob(f"{file.name}*")) if part.suffix != ".lock")
