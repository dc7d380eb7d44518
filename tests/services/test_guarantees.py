"""Reserve now, pay later: a card is kept and nothing is paid, and the one door confirms by it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from booking.domain.money import Money
from booking.domain.states import (
    AttemptPurpose,
    AttemptStatus,
    BookingStatus,
    CancelReason,
    DueKind,
    DueStatus,
    PaymentStatus,
    Source,
)
from booking.gateways.payments import EvidenceState, PaymentEvidence
from booking.models import Due, Payment
from booking.services import settlement
from booking.services.cases import Outcome
from booking.services.settlement import Settled
from tests.support.later import LATER
from tests.support.memory_shop import MemoryShop, open_memory_shop

S, B, A = EvidenceState, BookingStatus, AttemptStatus


@pytest.fixture
def later() -> Iterator[MemoryShop]:
    """A shop with one unit, whose guests leave a card and pay 14 days before they arrive."""
    for shop in open_memory_shop():
        shop.ask_for(LATER)
        yield shop


def _place(shop: MemoryShop, browser: str = "grace") -> int:
    """Hold 30 April to 3 May, for 477 euros."""
    return shop.place(shop.stay(ahead=60), browser)


def _given(shop: MemoryShop, booking_id: int, number: int = 1, **changes: Any) -> PaymentEvidence:
    """Stripe says that a card was given, in a session of the mode `setup`."""
    nothing = {"mode": "setup", "payment_intent_id": None, "charge_id": None, "amount": None}
    return shop.evidence(booking_id, S.NOTHING_DUE, number, **{**nothing, **changes})


def _kept(shop: MemoryShop) -> list[int]:
    """The attempts whose cards the worker is to keep."""
    return [payload["attempt_id"] for kind, _, payload, *_ in shop.errands() if kind == "keep_card"]


def test_a_card_confirms_the_booking_and_all_of_its_price_is_owed(later: MemoryShop) -> None:
    booking_id = _place(later)
    assert later.attempt(booking_id).purpose is AttemptPurpose.GUARANTEE

    settled = later.settle(_given(later, booking_id))

    assert settled == Settled(Outcome.CONFIRMED, booking_id)
    booking, (due,) = later.booking(booking_id), later.rows(Due)
    assert (booking.status, booking.payment_status, booking.hold_until) == (B.CONFIRMED, PaymentStatus.UNPAID, None)
    assert (booking.confirmed_at, booking.confirmed_via) == (later.now, Source.WEBHOOK)
    assert (due.kind, due.status, due.amount) == (DueKind.BALANCE, DueStatus.OPEN, booking.amount)
    assert due.due_on == date(2027, 4, 16)
    assert later.attempt(booking_id).status is A.PAID
    assert later.nights(booking_id) == [(booking.unit_id, None)] * 3
    assert later.story(booking_id) == [("confirmed", ""), ("balance_owed", "due 1, until 2027-04-16")]
    assert [payload["mail"] for _, payload in later.mails()] == ["confirmed", "new_booking"]
    assert (later.rows(Payment), _kept(later)) == ([], [1])


def test_the_same_card_told_of_twice_confirms_once(later: MemoryShop) -> None:
    booking_id = _place(later)
    later.settle(_given(later, booking_id))
    before = later.all_rows()

    assert later.settle(_given(later, booking_id)) == Settled(Outcome.ALREADY, booking_id)
    assert later.all_rows() == before


def test_a_card_ends_the_other_pages_and_one_given_on_such_a_page_later_changes_nothing(later: MemoryShop) -> None:
    booking_id = _place(later)
    later.try_again(booking_id)

    later.settle(_given(later, booking_id, number=1))
    assert [row.status for row in later.attempts(booking_id)] == [A.PAID, A.SUPERSEDED]
    assert later.settle(_given(later, booking_id, number=2)) == Settled(Outcome.NOTHING, booking_id)

    assert later.attempt(booking_id, 2).status is A.PAID
    assert [kind for kind, _ in later.story(booking_id)] == ["confirmed", "balance_owed"]
    assert _kept(later) == [1, 2]


def test_a_card_for_a_booking_that_is_over_brings_nothing_back(later: MemoryShop) -> None:
    booking_id = _place(later)
    later.settle(replace(_given(later, booking_id), state=S.FAILED))
    mails, story = later.mails(), later.story(booking_id)

    assert later.settle(_given(later, booking_id)) == Settled(Outcome.NOTHING, booking_id)

    assert (later.booking(booking_id).status, later.nights(booking_id)) == (B.CANCELLED, [])
    assert (later.mails(), later.story(booking_id), later.rows(Due)) == (mails, story, [])


MISFITS: list[tuple[dict[str, Any], str]] = [
    ({"livemode": True}, "it is of the other mode (test or live)"),
    ({"mode": "payment"}, "the session is of mode payment"),
    ({"booking_id": "999"}, "it names another booking"),
    ({"amount": Money(500, "eur")}, "5.00 EUR came where nothing was agreed"),
]


@pytest.mark.parametrize(("changes", "problem"), MISFITS, ids=[str(changes) for changes, _ in MISFITS])
def test_a_card_that_was_not_given_as_agreed_is_for_a_person_to_decide_on(
    later: MemoryShop, changes: dict[str, Any], problem: str
) -> None:
    booking_id = _place(later)
    in_tag = {name: value for name, value in changes.items() if name == "booking_id"}
    evidence = _given(later, booking_id, **{name: changes[name] for name in changes.keys() - in_tag.keys()})

    settled = later.settle(replace(evidence, tag=replace(evidence.tag, **in_tag)))

    booking = later.booking(booking_id)
    assert settled == Settled(Outcome.NEEDS_REVIEW, booking_id)
    assert (booking.status, booking.needs_review, booking.hold_until) == (B.PENDING, True, None)
    assert later.story(booking_id) == [("needs_review", problem)]
    assert later.nights(booking_id) == [(booking.unit_id, None)] * 3


def test_money_where_only_a_card_was_asked_for_is_for_a_person_to_decide_on(later: MemoryShop) -> None:
    booking_id = _place(later)

    assert later.settle(later.evidence(booking_id, mode="setup")).outcome is Outcome.NEEDS_REVIEW

    assert later.story(booking_id, "payment_received") == [
        ("needs_review", "477.00 EUR came where nothing was agreed"),
    ]


def test_who_gives_a_card_late_is_moved_to_an_equal_unit_that_is_free(two_units: MemoryShop) -> None:
    two_units.ask_for(LATER)
    late = _place(two_units)
    two_units.outlast(late)
    quick = _place(two_units, browser="linus")

    assert two_units.settle(_given(two_units, late)) == Settled(Outcome.MOVED, late)

    assert two_units.booking(late).unit_id != two_units.booking(quick).unit_id
    assert two_units.story(late)[0] == ("confirmed", "moved to an equal unit")


def test_where_the_nights_are_gone_nothing_is_owed_and_both_sides_hear_of_it(
    later: MemoryShop, caplog: pytest.LogCaptureFixture
) -> None:
    booking_id = _place(later)
    later.outlast(booking_id)
    rival = later.place(later.booking(booking_id).stay, browser="linus")
    caplog.set_level("WARNING", settlement.logger.name)

    assert later.settle(_given(later, booking_id)) == Settled(Outcome.DATES_GONE, booking_id)

    booking = later.booking(booking_id)
    assert (booking.status, booking.cancel_reason) == (B.CANCELLED, CancelReason.DATES_UNAVAILABLE)
    assert (booking.cancelled_at, booking.hold_until) == (later.now, None)
    assert (later.nights(booking_id), len(later.nights(rival)), later.rows(Due)) == ([], 3, [])
    words = "a card was given, but the nights were taken and no equal unit was free"
    assert later.story(booking_id) == [("dates_gone", words)]
    note = "Two guests booked the same nights; this one had paid nothing, and the card is forgotten."
    (first, told), (_, staff) = later.mails()
    assert (first, told) == ("mail:dates_gone:1", {"mail": "dates_gone", "booking_id": booking_id, "facts": {}})
    assert staff == {"mail": "staff_dates_gone", "booking_id": booking_id, "facts": {}, "note": note}
    said = [line.getMessage() for line in caplog.records if line.name == settlement.logger.name]
    assert said == [f"Booking {booking_id} cancelled due to availability conflict"]


@pytest.mark.parametrize("did_somebody_try", [False, True])
def test_a_hold_that_ran_out_is_confirmed_by_a_card_where_nobody_else_has_the_nights(
    later: MemoryShop, did_somebody_try: bool
) -> None:
    booking_id = _place(later)
    later.outlast(booking_id)
    if did_somebody_try:
        later.outlast(later.place(later.booking(booking_id).stay, browser="linus"))

    assert later.settle(_given(later, booking_id)).outcome is Outcome.CONFIRMED
    assert [end for _, end in later.nights(booking_id)] == [None] * 3
