"""Mail is asked for once, written from facts, sent after the commit, and never goes round in circles."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from booking.database import transaction
from booking.domain.money import Money
from booking.domain.states import BookingStatus, CancelReason, ChangeStatus, DueKind, DueStatus
from booking.extensions import db
from booking.gateways.mail import Letter, MailFailed
from booking.models import AccessLink, Booking, Due, OutboxRow, StayChange
from booking.models.instance import LinkPurpose
from booking.models.outbox import OutboxState
from booking.services import access, delivery, outbox
from booking.services.notifications import GuestMail, StaffNotice, report_dead_mail, tell_guest, tell_staff
from booking.services.outbox import Task
from tests.support.letter_facts import OF_CHANGE, OF_CHARGE, OF_REQUEST
from tests.support.shop import MemoryMailer, ShiftedClock, Shop, add_listing

CONFIRMED: dict[str, object] = {
    "status": BookingStatus.CONFIRMED,
    "confirmed_at": datetime(2026, 11, 21, tzinfo=UTC),
    "hold_until": None,
}


@pytest.fixture
def house(app: Flask) -> Shop:
    """A shop without Stripe and with one booking, number 1."""
    runtime = app.extensions["holdfast"]
    shop = Shop(app, None, runtime.clock, runtime.mailer, "", add_listing(app))  # type: ignore[arg-type]
    shop.place(shop.stay())
    return shop


def tell(house: Shop, kind: GuestMail | StaffNotice, *, booking: bool = True, **more: object) -> None:
    with house.app.app_context(), transaction() as session:
        found = session.get_one(Booking, 1) if booking else None
        if isinstance(kind, GuestMail):
            tell_guest(session, found, kind, house.clock.now(), **more)  # type: ignore[arg-type]
        else:
            tell_staff(session, kind, house.clock.now(), found, **more)  # type: ignore[arg-type]


def test_asking_twice_for_one_mail_is_asking_once(house: Shop) -> None:
    tell(house, GuestMail.CONFIRMED)
    tell(house, GuestMail.CONFIRMED)

    house.work()

    assert len(house.mailer.letters) == 1


def test_two_refunds_are_two_mails(house: Shop) -> None:
    for number in (1, 2, 2):
        tell(house, GuestMail.REFUND_SENT, fact_id=number, refund=Money(100 * number, "eur"))

    house.work()

    assert [letter.subject.split(" on ")[0] for letter in house.mailer.letters] == ["€1.00", "€2.00"]


def test_mail_of_a_transaction_that_fails_is_never_sent(house: Shop) -> None:
    with house.app.app_context(), pytest.raises(RuntimeError), transaction() as session:
        tell_guest(session, session.get_one(Booking, 1), GuestMail.CONFIRMED, house.clock.now())
        raise RuntimeError

    assert house.work() == []


def test_link_in_a_mail_opens_the_booking_and_only_its_hash_is_kept(house: Shop) -> None:
    tell(house, GuestMail.CONFIRMED)
    house.work()

    (token,) = re.findall(r"http://127\.0\.0\.1:8000/m/(\S+)", house.mailer.letters[0].text)
    with house.app.app_context():
        kept = db.session.query(AccessLink).one()
        assert (kept.purpose, token in kept.token_hash) == (LinkPurpose.BOOKING, False)
        opened = access.open_link(house.runtime, token)
        assert opened
        assert opened.reference == house.booking(1).reference


def test_manage_link_opens_once(house: Shop) -> None:
    tell(house, GuestMail.MANAGE_LINK, fact_id="first")
    house.work()

    (token,) = re.findall(r"/m/(\S+)", house.mailer.letters[0].text)
    with house.app.app_context():
        assert access.open_link(house.runtime, token)
        assert access.open_link(house.runtime, token) is None


def test_no_token_stands_in_the_outbox(house: Shop) -> None:
    tell(house, GuestMail.MANAGE_LINK, fact_id="first")
    house.work()

    token = re.findall(r"/m/(\S+)", house.mailer.letters[0].text)[0]
    with house.app.app_context():
        row = db.session.query(OutboxRow).one()
        assert token not in str(row.payload) + row.dedupe_key


def test_second_try_has_the_same_message_id(house: Shop) -> None:
    tried: list[Letter] = []

    class FlakyMailer(MemoryMailer):
        def send(self, letter: Letter) -> None:
            tried.append(letter)
            if len(tried) == 1:
                raise MailFailed("try later")

    house.app.extensions["holdfast"] = replace(house.runtime, mailer=FlakyMailer())
    tell(house, GuestMail.CONFIRMED)
    house.work()
    house.clock.offset += delivery.outbox.LONGEST_WAIT
    house.work()

    assert len(tried) == 2
    assert tried[0].message_id == tried[1].message_id
    assert re.fullmatch(r"<[0-9a-f]{32}@127\.0\.0\.1>", tried[0].message_id)


def test_no_transaction_is_open_while_a_mail_is_sent(house: Shop) -> None:
    class WatchingMailer(MemoryMailer):
        def send(self, letter: Letter) -> None:
            assert not db.session().in_transaction()
            super().send(letter)

    mailer = WatchingMailer()
    house.app.extensions["holdfast"] = replace(house.runtime, mailer=mailer)
    tell(house, GuestMail.CONFIRMED)
    tell(house, StaffNotice.NEW_BOOKING)
    house.work()

    assert len(mailer.letters) == 2


def test_guest_mail_answers_to_the_house(house: Shop) -> None:
    tell(house, GuestMail.CONFIRMED)
    house.work()

    assert (house.mailer.letters[0].to, house.mailer.letters[0].reply_to) == ("grace@example.org", "ada@example.org")


def test_staff_mail_goes_to_the_house_and_leads_to_the_booking(house: Shop) -> None:
    tell(house, StaffNotice.NEEDS_REVIEW, note="The amount is wrong.")
    house.work()

    (letter,) = house.mailer.letters
    assert letter.to == "ada@example.org"
    assert "The amount is wrong." in letter.text
    assert "http://127.0.0.1:8000/admin/bookings/1" in letter.text


def test_notice_without_a_booking_is_mailed_once_for_each_piece_of_news(house: Shop) -> None:
    for note in ("Session a", "Session a", "Session b"):
        tell(house, StaffNotice.UNMATCHED, booking=False, note=note)

    house.work()

    assert len(house.mailer.letters) == 2


# The state in which a mail is true, where that is not the state of a stay that was just chosen.
STATE_FOR: dict[str, dict[str, object]] = {
    GuestMail.CONFIRMED: CONFIRMED,
    GuestMail.PRE_ARRIVAL: CONFIRMED,
    GuestMail.STAY_CHANGED: CONFIRMED,
    GuestMail.CHANGE_OFF: CONFIRMED,
    GuestMail.PAY_DIFFERENCE: CONFIRMED,
    GuestMail.BALANCE_DUE: CONFIRMED,
    GuestMail.BALANCE_REMINDER: CONFIRMED,
    GuestMail.REQUEST_RECEIVED: {"payment_status": "authorized"},
    GuestMail.HOLD_EXPIRED: {"status": BookingStatus.EXPIRED, "hold_until": None},
    GuestMail.CANCELLED: {"status": BookingStatus.CANCELLED, "cancel_reason": CancelReason.GUEST},
}


CHARGING = (GuestMail.CHARGE_ANNOUNCED, GuestMail.CHARGE_FAILED, GuestMail.PAY_DUE)
OWING = (GuestMail.BALANCE_DUE, GuestMail.BALANCE_REMINDER, *CHARGING)
FACTS_OF: dict[str, dict[str, object]] = {
    **dict.fromkeys((GuestMail.PAY_DIFFERENCE, GuestMail.CHANGE_OFF), OF_CHANGE),
    **dict.fromkeys(CHARGING, OF_CHARGE),
    **dict.fromkeys((GuestMail.REQUEST_RECEIVED, GuestMail.REQUEST_DECLINED, GuestMail.REQUEST_OFF), OF_REQUEST),
}


def put(house: Shop, **values: object) -> None:
    """Put booking 1 into a state, as it is for a moment in the middle of a story."""
    with house.app.app_context(), transaction() as session:
        session.execute(update(Booking).where(Booking.id == 1).values(**values))


@pytest.mark.parametrize("kind", [*GuestMail, *StaffNotice])
def test_every_kind_is_delivered(house: Shop, kind: GuestMail | StaffNotice) -> None:
    put(house, **STATE_FOR.get(kind, {"guests": 2}))
    if kind is GuestMail.PAY_DIFFERENCE:
        _offer_a_change(house)
    if kind in OWING:
        _owe_a_balance(house)
    tell(house, kind, **FACTS_OF.get(kind, {}))

    house.work()

    assert len(house.mailer.letters) == 1


def _owe_a_balance(house: Shop) -> None:
    """Something is left to pay."""
    with house.app.app_context(), transaction() as session:
        booking = session.get_one(Booking, 1)
        due = {"kind": DueKind.BALANCE, "status": DueStatus.OPEN, "due_on": booking.arrive, "currency": "eur"}
        session.add(Due(booking_id=1, amount_minor=5000, **due))


def _offer_a_change(house: Shop) -> None:
    """Another night, held for an hour."""
    with house.app.app_context(), transaction() as session:
        booking = session.get_one(Booking, 1)
        stays = {"from_arrive": booking.arrive, "from_leave": booking.leave, "from_guests": 2, "from_minor": 100}
        new = {"unit_id": booking.unit_id, "arrive": booking.arrive, "leave": booking.leave + timedelta(days=1)}
        session.add(
            StayChange(
                booking_id=1, status=ChangeStatus.OPEN, **stays, **new, guests=2, amount_minor=200, currency="eur",
                quote={}, hold_until=house.clock.now() + timedelta(hours=1), requested_by="ada@example.org",
                form_token="f" * 32,
            )
        )  # fmt: skip


def test_notice_before_there_is_a_property_goes_to_the_sender(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        tell_staff(session, StaffNotice.CHECKOUT_REFUSED, ShiftedClock().now(), note="No account.")
    with app.app_context():
        delivery.run_due(app.extensions["holdfast"])

    assert app.extensions["holdfast"].mailer.letters[0].to == "bookings@localhost"


def test_mail_for_a_booking_that_is_gone_is_given_up(house: Shop) -> None:
    tell(house, GuestMail.CONFIRMED)
    with house.app.app_context(), transaction() as session:
        row = session.query(OutboxRow).one()
        row.payload, row.booking_id = {**row.payload, "booking_id": 99}, None

    house.work()

    with house.app.app_context():
        assert OutboxState.DEAD in [row.state for row in db.session.query(OutboxRow)]


def dead_task(house: Shop) -> Task:
    with house.app.app_context():
        row = db.session.query(OutboxRow).order_by(OutboxRow.id.desc()).first()
        assert row
        return Task(row.id, row.kind, row.dedupe_key, row.payload, 12)


def test_staff_hear_of_a_guest_mail_that_was_given_up(house: Shop) -> None:
    tell(house, GuestMail.CONFIRMED)
    with house.app.app_context(), transaction() as session:
        report_dead_mail(session, dead_task(house), house.clock.now())

    house.work()

    assert [letter.to for letter in house.mailer.letters] == ["grace@example.org", "ada@example.org"]


def test_nobody_hears_of_a_staff_mail_that_was_given_up(house: Shop) -> None:
    tell(house, StaffNotice.NEW_BOOKING)
    with house.app.app_context(), transaction() as session:
        report_dead_mail(session, dead_task(house), house.clock.now())

    assert len(house.work()) == 1


# --- a mail that has waited tells nothing that is not true any more ---------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "values", "why"),
    [
        (GuestMail.CONFIRMED, STATE_FOR[GuestMail.CANCELLED], "the booking was cancelled first"),
        (GuestMail.PROCESSING, CONFIRMED, "the result of the payment was known first"),
        (GuestMail.PRE_ARRIVAL, STATE_FOR[GuestMail.CANCELLED], "nobody is expected"),
        (GuestMail.HOLD_EXPIRED, CONFIRMED, "the guest is booking"),
        (GuestMail.REFUND_SENT, {"erased_at": datetime(2026, 11, 21, tzinfo=UTC)}, "the guest's data was erased"),
    ],
)
def test_mail_that_is_no_longer_true_is_not_sent_and_says_so(
    house: Shop, kind: GuestMail, values: dict[str, object], why: str
) -> None:
    tell(house, kind)
    put(house, **values)

    (line,) = house.work()

    assert why in line
    assert house.mailer.letters == []
    with house.app.app_context():
        row = db.session.scalars(select(OutboxRow)).one()
        assert (row.state, why in row.last_error) == (OutboxState.DONE, True)


@pytest.mark.parametrize(("days", "letters"), [(0, 1), (1, 0), (60, 0)])
def test_nobody_is_told_how_to_arrive_who_should_be_there(house: Shop, days: int, letters: int) -> None:
    put(house, **CONFIRMED)
    tell(house, GuestMail.PRE_ARRIVAL)
    with house.app.app_context():
        booking = db.session.get_one(Booking, 1)
        until_arrival = booking.arrive - booking.listing.property.today(house.clock.now())
    house.clock.offset += until_arrival + timedelta(days=days)

    house.work()

    assert len(house.mailer.letters) == letters


# --- exactly once ---------------------------------------------------------------------------------------------------


def test_worker_that_dies_after_sending_sends_the_same_letter_again_and_no_other(house: Shop) -> None:
    class Died(BaseException):
        """As good as a kill: nothing of ours catches it."""

    class MortalMailer(MemoryMailer):
        def send(self, letter: Letter) -> None:
            super().send(letter)
            if len(self.letters) == 1:
                raise Died

    mailer = MortalMailer()
    house.app.extensions["holdfast"] = replace(house.runtime, mailer=mailer)
    tell(house, GuestMail.MANAGE_LINK)
    with pytest.raises(Died):
        house.work()
    assert house.work() == []  # another worker looks at once: the row is still leased
    house.clock.offset += outbox.LEASE + timedelta(seconds=1)
    house.work()
    house.work()

    assert len(mailer.letters) == 2
    assert len({letter.message_id for letter in mailer.letters}) == 1


def test_two_mails_of_one_kind_have_two_message_ids(house: Shop) -> None:
    for number in (1, 2):
        tell(house, GuestMail.REFUND_SENT, fact_id=number)

    house.work()

    assert len({letter.message_id for letter in house.mailer.letters}) == 2


# --- the guest's language -------------------------------------------------------------------------------------------


def test_guest_is_written_to_in_the_language_of_the_booking_and_the_house_in_its_own(house: Shop) -> None:
    put(house, language="de", **CONFIRMED)
    tell(house, GuestMail.CONFIRMED)
    tell(house, StaffNotice.NEW_BOOKING)
    house.work()

    to_guest, to_house = house.mailer.letters
    assert (to_guest.language, to_house.language) == ("de", "en")
    assert "http://127.0.0.1:8000/de/m/" in to_guest.text
    assert "http://127.0.0.1:8000/admin/bookings/1" in to_house.text


def test_hosts_own_words_come_in_the_guests_language(house: Shop) -> None:
    put(house, language="de", **CONFIRMED)
    with house.app.app_context(), transaction() as session:
        place = session.get_one(Booking, 1).listing.property
        place.directions, place.translations = "Along the quay.", {"de": {"directions": "Am Kai entlang."}}
    tell(house, GuestMail.PRE_ARRIVAL)

    house.work()

    assert "Am Kai entlang." in house.mailer.letters[0].text


def test_link_to_the_same_nights_holds_dates_and_guests(house: Shop) -> None:
    stay = house.booking(1).stay
    put(house, **STATE_FOR[GuestMail.HOLD_EXPIRED])
    tell(house, GuestMail.HOLD_EXPIRED)

    house.work()

    path = f"/stays/harbour-loft?arrive={stay.arrive}&leave={stay.leave}&guests=2"
    assert f"http://127.0.0.1:8000{path}" in house.mailer.letters[0].text
