"""`flask verify` names every broken promise: each fault is planted by hand, on each database, and must be found."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.money import Money
from booking.domain.pricing import Quote, QuoteLine
from booking.domain.rates import LineKind
from booking.domain.states import BookingStatus, CancelReason, DueKind, DueStatus, RefundReason, Source
from booking.extensions import db
from booking.models import (
    Attempt,
    Authorisation,
    Booking,
    BookingEvent,
    CardConsent,
    ClubPlan,
    Dispute,
    Due,
    EvidenceDraft,
    EvidenceFile,
    EvidenceSubmission,
    GuestAccount,
    Instance,
    Joining,
    Membership,
    Night,
    Occupancy,
    OutboxRow,
    Payment,
    PortalVisit,
    Refund,
    SavedCard,
    StayRequest,
    WebhookEvent,
)
from booking.models.outbox import OutboxState
from booking.models.webhook import InboxOutcome
from booking.queries.invariants import PROMISES, Given, Promise
from booking.services import instance, refunds, verification
from booking.services.verification import Verdict
from tests.support.shop import LINUS, Shop

EVERYTHING = tuple(promise.code for promise in PROMISES)
Plant = Callable[[int, int], None]


def by_hand(statement) -> None:
    """Change rows as no code of the shop would."""
    db.session.execute(statement)


def set_booking(**values) -> Plant:
    return lambda paid, unpaid: by_hand(update(Booking).where(Booking.id == paid).values(**values))


def set_payment(**values) -> Plant:
    return lambda paid, unpaid: by_hand(update(Payment).where(Payment.booking_id == paid).values(**values))


def set_attempt(**values) -> Plant:
    return lambda paid, unpaid: by_hand(update(Attempt).where(Attempt.booking_id == paid).values(**values))


def set_step(kind: str, /, **values) -> Plant:
    of_kind = update(BookingEvent).where(BookingEvent.kind == kind)
    return lambda paid, unpaid: by_hand(of_kind.where(BookingEvent.booking_id == paid).values(**values))


def add_refund(**values) -> Plant:
    def plant(paid: int, unpaid: int) -> None:
        payment = db.session.query(Payment).filter_by(booking_id=paid).one()
        usual = {
            "booking_id": paid, "payment_id": payment.id, "amount_minor": 100, "currency": "eur",
            "status": "succeeded", "reason": RefundReason.GOODWILL, "idempotency_key": "k", "params": {"amount": 100},
            "first_sent_at": payment.captured_at, "stripe_refund_id": "re_1", "token": "t1",
        }  # fmt: skip
        by_hand(insert(Refund).values({**usual, **values}))

    return plant


def twice_by_itself(paid: int, unpaid: int) -> None:
    for number in ("1", "2"):
        add_refund(
            reason=RefundReason.DUPLICATE, token=number, stripe_refund_id=f"re_{number}", idempotency_key=number
        )(paid, unpaid)


def sell_to_another(paid: int, unpaid: int) -> None:
    """A second confirmed booking over the same nights, as a broken import would write it."""
    first = db.session.get_one(Booking, paid)
    dates = {"unit_id": first.unit_id, "arrive": first.arrive, "leave": first.leave}
    confirmed = {"status": BookingStatus.CONFIRMED, "confirmed_at": first.confirmed_at, "hold_until": None}
    by_hand(update(Booking).where(Booking.id == unpaid).values(**dates, **confirmed))


def let_go_early(paid: int, unpaid: int) -> None:
    by_hand(update(Booking).where(Booking.id == unpaid).values(status=BookingStatus.EXPIRED))


def hold_for_ever(paid: int, unpaid: int) -> None:
    by_hand(update(Booking).where(Booking.id == unpaid).values(hold_until=None))


def overdue(paid: int, unpaid: int) -> None:
    booking = db.session.get_one(Booking, unpaid)
    booking.hold_until = booking.created_at - timedelta(hours=1)


def confirmed_again(paid: int, unpaid: int) -> None:
    step = db.session.query(BookingEvent).filter_by(booking_id=paid, kind="confirmed").one()
    by_hand(
        insert(BookingEvent).values(
            booking_id=paid, at=step.at, kind="confirmed", source=Source.REDIRECT, actor="", note="",
            old_status=BookingStatus.PENDING, new_status=BookingStatus.CONFIRMED,
        )
    )  # fmt: skip


def forget_the_event(paid: int, unpaid: int) -> None:
    by_hand(delete(WebhookEvent))


def fail_an_event(paid: int, unpaid: int) -> None:
    event = db.session.query(WebhookEvent).first()
    assert event is not None
    event.outcome, event.received_at = InboxOutcome.FAILED, event.received_at - timedelta(hours=3)


def give_up_a_mail(paid: int, unpaid: int) -> None:
    by_hand(update(OutboxRow).values(state=OutboxState.DEAD))


def forget_a_mail(paid: int, unpaid: int) -> None:
    row = db.session.query(OutboxRow).filter_by(booking_id=paid).first()
    assert row is not None
    row.state, row.run_after = OutboxState.DUE, row.run_after - timedelta(hours=2)


def another_instance(paid: int, unpaid: int) -> None:
    by_hand(update(Instance).values(instance_id="another-shop"))


def refund_in_yen(paid: int, unpaid: int) -> None:
    add_refund(currency="jpy")(paid, unpaid)


def ask(state: str, days: int = 1) -> Plant:
    """The booking that waits is a request, to be answered in so many days."""

    def plant(paid: int, unpaid: int) -> None:
        booking = db.session.get_one(Booking, unpaid)
        booking.hold_until = booking.created_at + timedelta(days=9)
        at = booking.created_at
        by_hand(
            insert(StayRequest).values(
                booking_id=unpaid, state=state, answer_hours=48, consent=["I ask."], consented_at=at, asked_at=at,
                answer_by=at + timedelta(days=days),
            )
        )  # fmt: skip

    return plant


def review(paid: int, unpaid: int) -> None:
    """Money came for the booking that waits, and it was not what was agreed: a person looks."""
    by_hand(update(Booking).where(Booking.id == unpaid).values(needs_review=True))


def reserve(state: str, **values: Any) -> Plant:
    """A sum on the card of whoever waits."""

    def plant(paid: int, unpaid: int) -> None:
        attempt = db.session.query(Attempt).filter_by(booking_id=unpaid).one()
        usual = {"booking_id": unpaid, "attempt_id": attempt.id, "payment_intent_id": "pi_1", "state": state}
        sums = {"amount_minor": attempt.amount_minor, "currency": "eur", "authorised_at": attempt.created_at}
        keys = {"capture_key": "capture:1", "release_key": "release:1"}
        by_hand(insert(Authorisation).values({**usual, **sums, **keys, **values}))

    return plant


def all_of(*plants: Plant) -> Plant:
    def plant(paid: int, unpaid: int) -> None:
        for each in plants:
            each(paid, unpaid)

    return plant


# --- a fee on a saved card, paid ------------------------------------------------------------------------------------

OWED = 4200
NOTHING: dict[str, Any] = {}


def now_of(booking_id: int) -> datetime:
    return db.session.get_one(Booking, booking_id).created_at


def consent(**values: Any) -> Plant:
    """What the guest who paid agreed to."""

    def plant(paid: int, unpaid: int) -> None:
        usual = {"booking_id": paid, "text": ["Damage."], "language": "en", "agreed_at": now_of(paid),
                 "no_show_minor": 0, "damage_minor": OWED, "currency": "eur"}  # fmt: skip
        by_hand(insert(CardConsent).values({**usual, **values}))

    return plant


def card(of_paid: bool = True, **values: Any) -> Plant:
    """A card that one of the guests has saved."""

    def plant(paid: int, unpaid: int) -> None:
        owner, name = (paid, "his") if of_paid else (unpaid, "hers")
        usual = {"booking_id": owner, "customer_id": f"cus_{name}", "payment_method_id": f"pm_{name}",
                 "brand": "visa", "last4": "4242", "exp_month": 1, "exp_year": 2030, "is_default": True}  # fmt: skip
        by_hand(insert(SavedCard).values({**usual, **values}))

    return plant


def owe(**values: Any) -> Plant:
    """Damage that the guest who paid has done."""

    def plant(paid: int, unpaid: int) -> None:
        usual = {"booking_id": paid, "kind": DueKind.DAMAGE, "status": DueStatus.PAID, "amount_minor": OWED,
                 "currency": "eur", "due_on": now_of(paid).date()}  # fmt: skip
        by_hand(insert(Due).values({**usual, **values}))

    return plant


def charge(number: int = 2, *, is_paid: bool = True, instead: dict[str, Any] = NOTHING, **values: Any) -> Plant:
    """A try to charge that to the card."""

    def plant(paid: int, unpaid: int) -> None:
        due = db.session.query(Due).order_by(Due.id.desc()).first()
        app = db.session.query(Instance).one().instance_id
        params = {"amount": OWED, "currency": "eur", "customer": "cus_his", "payment_method": "pm_his",
                  "metadata": {"app": app}}  # fmt: skip
        usual = {"booking_id": paid, "number": number, "token": f"t{number}", "purpose": "charge",
                 "channel": "off_session", "due_id": due.id if due else None, "amount_minor": OWED, "currency": "eur",
                 "idempotency_key": f"charge:{number}", "params": {**params, **instead},
                 "status": "paid" if is_paid else "failed", "payment_intent_id": f"pi_fee_{number}",
                 "expires_at": now_of(paid)}  # fmt: skip
        by_hand(insert(Attempt).values({**usual, **values}))
        if is_paid:
            _pay(paid, number)

    return plant


def _pay(booking_id: int, number: int) -> None:
    attempt = db.session.query(Attempt).filter_by(booking_id=booking_id, number=number).one()
    by_hand(
        insert(Payment).values(
            booking_id=booking_id, attempt_id=attempt.id, payment_intent_id=f"pi_fee_{number}", amount_minor=OWED,
            currency="eur", captured_at=now_of(booking_id), source=Source.WORKER,
        )
    )  # fmt: skip


SPLIT = {"kind": "deposit", "now_minor": 1000, "later_minor": 5000, "currency": "eur", "due_on": "2027-01-01"}
MEMBERS_QUOTE = Quote(
    1, 2, (QuoteLine(LineKind.MEMBER, 1, Money(-5, "eur"), Money(-5, "eur"), "10"),), Money(50, "eur")
).as_json()


def set_rows(model: Any, **values: Any) -> Plant:
    return lambda paid, unpaid: by_hand(update(model).values(**values))


FEE = all_of(consent(), card(), owe(), charge())
REMOVED = {"is_default": False, "removed_at": text("'2020-01-01 00:00:00'"), "detach_key": "detach:1"}


# --- a member -------------------------------------------------------------------------------------------------------


def join(**values: Any) -> Plant:
    """Somebody who has joined the club."""

    def plant(paid: int, unpaid: int) -> None:
        now = now_of(paid)
        by_hand(insert(ClubPlan).values(lookup_key="club", name="Club", price_minor=900, currency="eur",
                                        interval="month", off_share=1000))  # fmt: skip
        by_hand(insert(GuestAccount).values(email="grace@example.org", language="en", stripe_customer_id="cus_her"))
        plan_id, account_id = db.session.query(ClubPlan).one().id, db.session.query(GuestAccount).one().id
        by_hand(insert(Joining).values(
            account_id=account_id, plan_id=plan_id, status="done", token="j", idempotency_key="join:1",
            params={"mode": "subscription"}, consent="I join.", agreed_at=now, expires_at=now, session_id="cs_1",
        ))  # fmt: skip
        usual = {"account_id": account_id, "plan_id": plan_id, "subscription_id": "sub_1", "livemode": False,
                 "status": "active", "price_minor": 900, "currency": "eur", "off_share": 1000, "period_start": now,
                 "period_end": now + timedelta(days=30), "joined_at": now, "looked_at": now}  # fmt: skip
        by_hand(insert(Membership).values({**usual, **values}))
        by_hand(insert(PortalVisit).values(account_id=account_id, idempotency_key="portal:1",
                                           params={"customer": "cus_her"}, asked_at=now))  # fmt: skip

    return plant


def join_again(paid: int, unpaid: int) -> None:
    first = db.session.query(Membership).one()
    kept = {column.name: getattr(first, column.name) for column in Membership.__table__.columns}
    by_hand(insert(Membership).values({**kept, "id": first.id + 1, "subscription_id": "sub_2"}))


# --- an answer to a dispute -----------------------------------------------------------------------------------------

PAPER = b"%PDF-1.4 the terms"


def answer(**values: Any) -> Plant:
    """A dispute of the payment, with its answer at the bank."""

    def plant(paid: int, unpaid: int) -> None:
        payment, now = db.session.query(Payment).filter_by(booking_id=paid).one(), now_of(paid)
        by_hand(insert(Dispute).values(booking_id=paid, payment_id=payment.id, stripe_dispute_id="dp_1",
                                       amount_minor=payment.amount_minor, currency="eur",
                                       status="under_review"))  # fmt: skip
        dispute_id = db.session.query(Dispute).one().id
        by_hand(insert(EvidenceFile).values(
            dispute_id=dispute_id, kind="terms", name="terms.pdf", content=PAPER, digest=sha256(PAPER).hexdigest(),
            size=len(PAPER), pages=1, made_at=now, idempotency_key="evidence-file:1", stripe_file_id="file_1",
        ))  # fmt: skip
        texts = {"service_date": "1 May", "refund_policy": str(db.session.query(EvidenceFile).one().id)}
        by_hand(insert(EvidenceDraft).values(dispute_id=dispute_id, texts=texts, saved_by="ada@example.org",
                                             saved_at=now, idempotency_key="evidence-draft:1"))  # fmt: skip
        usual = {"dispute_id": dispute_id, "state": "sent", "texts": texts, "idempotency_key": "evidence-submit:1",
                 "submitted_by": "ada@example.org", "asked_at": now, "submitted_at": now}  # fmt: skip
        by_hand(insert(EvidenceSubmission).values({**usual, **values}))
        by_hand(update(Booking).where(Booking.id == paid).values(disputed=True))

    return plant


FAULTS: list[tuple[str, Plant, str]] = [
    ("I1", sell_to_another, "are both confirmed for the same nights"),
    ("I1", lambda paid, unpaid: by_hand(delete(Night).where(Night.booking_id == paid)), "nights but holds 0"),
    ("I1", set_booking(status="expired"), "which has no claim to it"),
    ("I2", set_payment(amount_minor=1), "is confirmed with 1 paid of"),
    ("I3", set_booking(status="expired"), "belong nowhere"),
    (
        "I3",
        lambda paid, unpaid: by_hand(
            update(Booking).where(Booking.id == paid).values(
                status="cancelled", cancel_reason=CancelReason.STAFF, cancelled_at=Booking.created_at
            )
        ),
        "belong nowhere",
    ),
    ("I3", set_payment(amount_minor=999_999), "belong nowhere"),
    ("I3", set_booking(payment_status="refunded"), "says refunded, its ledger says paid"),
    ("I4", confirmed_again, "was confirmed 2 times"),
    ("I4", twice_by_itself, "was refunded by itself 2 times"),
    ("I5", fail_an_event, "was not handled since"),
    ("I5", give_up_a_mail, "was given up"),
    ("I5", forget_a_mail, "is overdue"),
    ("I7", set_step("confirmed", old_status="cancelled"), "went from cancelled to confirmed"),
    ("I7", set_step("confirmed", old_status="expired"), "left expired, but was pending"),
    ("I8", add_refund(amount_minor=999_999), "minor units more go back than payment"),
    ("I8", refund_in_yen, "has a refund in another currency"),
    ("I9", set_payment(amount_minor=999_999), "is not of the amount that was agreed"),
    ("I9", set_attempt(amount_minor=5), "asked Stripe for another amount"),
    ("I11", set_payment(captured_at=text("'2999-01-01 00:00:00+00'")), "without proof of a payment"),
    ("I11", forget_the_event, "without proof of a payment"),
    ("I13", set_attempt(idempotency_key=""), "has no key"),
    ("I13", add_refund(idempotency_key=None), "has no key"),
    ("I14", let_go_early, "could still be paid"),
    ("I15", another_instance, "under the id of another shop"),
    ("I16", set_step("confirmed", kind="refund_succeeded"), "was moved by refund_succeeded"),
    ("I19", set_step("confirmed", note="key sk_live_abc"), "holds a secret key"),
    ("I20", set_booking(status="pending"), "is pending, but its timeline ends with confirmed"),
    ("I20", hold_for_ever, "nothing will ever end it"),
    ("I20", overdue, "is the worker running?"),
    ("I13", all_of(ask("accepting"), reserve("capturing")), "with no frozen parameters"),
    ("I3", all_of(ask("asked"), reserve("held")), "says unpaid, its ledger says authorized"),
    ("I24", ask("asked"), "waits for an answer with 0 sums"),
    ("I24", reserve("held"), "is kept, and nothing waits for it"),
    ("I24", all_of(ask("declined"), reserve("held")), "is kept, and nothing waits for it"),
    ("I24", all_of(ask("asked", days=-1), reserve("held")), "waits past the time to answer"),
    ("I24", reserve("releasing", updated_at=text("'2020-01-01 00:00:00'")), "is still on the guest's card"),
    ("I2", all_of(consent(), card(), owe()), "is paid, and no payment of its amount came"),
    (
        "I2",
        all_of(
            owe(kind=DueKind.BALANCE, status=DueStatus.OPEN),
            set_booking(status=BookingStatus.CANCELLED, cancel_reason=CancelReason.GUEST),
        ),
        "is still owed for it",
    ),
    ("I2", all_of(set_booking(plan=SPLIT), owe(kind=DueKind.BALANCE, status=DueStatus.OPEN)), "its parts come to"),
    ("I3", all_of(FEE, set_rows(Due, status=DueStatus.OPEN)), "is kept for due 1, which is open"),
    ("I3", all_of(FEE, set_rows(Due, status=DueStatus.WAIVED)), "is kept for due 1, which is waived"),
    ("I3", all_of(FEE, charge(3)), "due 1 was paid twice"),
    ("I9", all_of(FEE, set_rows(Due, currency="usd")), "is in another currency"),
    ("I9", all_of(FEE, set_rows(Due, kind=DueKind.BALANCE)), "is not one for due 1"),
    ("I9", all_of(FEE, lambda paid, unpaid: set_rows(Due, booking_id=unpaid)(paid, unpaid)), "is not one for due 1"),
    ("I9", charge(purpose="balance", channel="checkout"), "is for something owed, and names nothing"),
    ("I13", all_of(FEE, set_rows(SavedCard, **{**REMOVED, "detach_key": None})), "is to be forgotten and has no key"),
    ("I13", all_of(join(), set_rows(Joining, idempotency_key="")), "joining 1 has no key"),
    ("I13", all_of(join(), set_rows(PortalVisit, params={})), "portal visit 1 has no key or no frozen parameters"),
    ("I13", all_of(answer(), set_rows(EvidenceFile, idempotency_key="")), "its evidence_file has no key"),
    ("I13", all_of(answer(), set_rows(EvidenceDraft, idempotency_key="")), "its evidence_draft has no key"),
    ("I13", all_of(answer(), set_rows(EvidenceSubmission, idempotency_key="")), "its evidence_submission has no key"),
    ("I23", all_of(set_booking(member_off=1000)), "has the members' rate and no membership"),
    ("I23", all_of(join(), set_booking(membership_id=1)), "names a membership that took nothing off"),
    ("I23", all_of(join(), set_booking(membership_id=1, member_off=500, quote=MEMBERS_QUOTE)), "has 10 % off, but 5 %"),
    ("I23", all_of(join(), join_again), "has 2 memberships that run"),
    (
        "I23",
        join(period_start=text("'2020-01-01 00:00:00'"), period_end=text("'2020-02-01 00:00:00'"),
             looked_at=text("'2020-01-15 00:00:00'")),
        "is over by the calendar and nobody asked Stripe",
    ),
    ("I23", join(subscription_id=""), "with no subscription or no customer behind it"),
    ("I23", all_of(join(), set_rows(GuestAccount, stripe_customer_id=None)), "with no subscription or no customer"),
    ("I23", join(status="canceled"), "is canceled, and its end says something else"),
    ("I23", join(ended_at=text("'2020-01-15 00:00:00'")), "is active, and its end says something else"),
    (
        "I23",
        all_of(join(), lambda paid, unpaid: by_hand(delete(Membership))),
        "joining 1 is done, and its account has no membership",
    ),
    ("I25", all_of(FEE, set_rows(SavedCard, customer_id="cus_other")), "charges a card that was not saved with it"),
    (
        "I25",
        all_of(consent(), card(), card(of_paid=False), owe(), charge(instead={"payment_method": "pm_hers"})),
        "charges a card that was not saved with it",
    ),
    ("I25", all_of(consent(), card(), charge(is_paid=False)), "charges a card for nothing that is owed"),
    (
        "I25",
        all_of(FEE, lambda paid, unpaid: by_hand(delete(CardConsent))),
        "charges a card, and nothing was agreed before",
    ),
    (
        "I25",
        all_of(FEE, set_rows(CardConsent, agreed_at=text("'2999-01-01 00:00:00'"))),
        "charges a card, and nothing was agreed before",
    ),
    ("I25", card(), "is kept, and its guest agreed to nothing"),
    ("I25", set_attempt(purpose="guarantee"), "is confirmed on a card, and its guest never agreed"),
    ("I25", all_of(FEE, set_rows(CardConsent, damage_minor=OWED - 1)), "asked for as damage, and 4199 were agreed to"),
    ("I25", owe(kind=DueKind.NO_SHOW_FEE), "asked for as no_show_fee, and 0 were agreed to"),
    ("I25", all_of(FEE, set_rows(SavedCard, **{**REMOVED, "is_default": True})), "is the one that would be charged"),
    ("I25", all_of(FEE, set_rows(SavedCard, **REMOVED)), "was removed, and Stripe keeps it"),
    ("I26", all_of(answer(), set_rows(EvidenceFile, content=b"%PDF-1.4 other terms")), "is not what was made"),
    ("I26", answer(texts={"refund_policy": "77"}), "names file 77, which is not one of its own"),
    ("I26", all_of(answer(), set_rows(EvidenceFile, kind="voucher")), "names file 1, which is not one of its own"),
    ("I26", all_of(answer(), set_rows(EvidenceFile, stripe_file_id=None)), "and file 1 never reached Stripe"),
    ("I26", answer(texts={"service_date": "2 May"}), "is not the draft that staff saved last"),
    (
        "I26",
        answer(state="sending", submitted_at=None, asked_at=text("'2020-01-01 00:00:00'")),
        "is on its way for too long",
    ),
    ("I27", lambda paid, unpaid: by_hand(update(Occupancy).values(bits=0)), "3 taken, but offered by searches"),
    (
        "I27",
        lambda paid, unpaid: by_hand(insert(Occupancy).values(chunk=7, unit_id=1, bits=2**61 + 1)),
        "2 free, but hidden from searches",
    ),
]  # fmt: skip


@pytest.fixture
def house(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> tuple[Shop, int, int]:
    """One booking that is paid and one that waits, with every mail sent."""
    monkeypatch.setattr(instance, "KEPT_SECONDS", 0)  # what is changed by hand counts at once
    paid = shop.book(shop.stay(ahead=30))
    shop.pay(paid)
    shop.work()
    unpaid = shop.book(shop.stay(ahead=60), LINUS, "linus")
    return shop, paid, unpaid


def look(shop: Shop) -> dict[str, list[str]]:
    with shop.app.app_context():
        proofs = verification.verify(shop.runtime)
    return {proof.code: list(proof.problems) for proof in proofs if proof.verdict is Verdict.BROKEN}


SOUND = {
    "a fee on a saved card": FEE,
    "a fee that the house gave up": all_of(FEE, owe(status=DueStatus.WAIVED)),
    "a card that was refused": all_of(consent(), card(), owe(status=DueStatus.OPEN), charge(is_paid=False)),
    "a card that Stripe forgot": all_of(FEE, set_rows(SavedCard, **REMOVED, detached_at=text("'2020-01-02 00:00:00'"))),
    "a request that a person looks at": all_of(ask("asked", days=-1), review),
    "a member": join(),
    "a member of old": join(status="canceled", ended_at=text("'2020-01-15 00:00:00'")),
    "an answer": answer(),
    "an answer of an erased guest": all_of(
        answer(texts={}), set_rows(EvidenceDraft, texts={}), set_rows(EvidenceFile, content=b"")
    ),
}  # fmt: skip


@pytest.mark.parametrize("plant", SOUND.values(), ids=SOUND)
def test_control_what_is_planted_and_sound_breaks_no_promise(house: tuple[Shop, int, int], plant: Plant) -> None:
    shop, paid, unpaid = house
    with shop.app.app_context():
        plant(paid, unpaid)
        db.session.commit()

    assert look(shop) == {}


def test_a_shop_that_runs_keeps_every_promise(house: tuple[Shop, int, int]) -> None:
    shop, _, _ = house

    assert look(shop) == {}


def test_what_changes_while_it_is_looked_at_is_no_fault(
    house: tuple[Shop, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A promise sets rows against rows, in more than one statement: all of them must be of one moment."""
    shop, _, unpaid = house
    seen: list[int | None] = []

    def look_twice(session: Session, _given: Given) -> Iterator[str]:
        for _ in range(2):
            seen.append(session.scalar(select(func.count(Night.day)).where(Night.booking_id == unpaid)))
            with shop.app.app_context(), transaction() as other:
                other.execute(delete(Night).where(Night.booking_id == unpaid))
        yield from ()

    shop.breaks = EVERYTHING
    monkeypatch.setattr(verification, "PROMISES", (Promise("I0", "", (look_twice,)),))
    with shop.app.app_context():
        verification.verify(shop.runtime)
        now = db.session.scalar(select(func.count(Night.day)).where(Night.booking_id == unpaid))

    assert (seen, now) == ([3, 3], 0)


@pytest.mark.parametrize(("code", "plant", "words"), FAULTS, ids=[f"{code} {words}" for code, _, words in FAULTS])
def test_every_fault_is_found(house: tuple[Shop, int, int], code: str, plant: Plant, words: str) -> None:
    shop, paid, unpaid = house
    shop.breaks = EVERYTHING
    with shop.app.app_context():
        plant(paid, unpaid)
        db.session.commit()

    found = look(shop)

    assert any(words in line for line in found.get(code, [])), found


ASKED = add_refund(amount_minor=300, status="requested", stripe_refund_id=None, token="t2", idempotency_key="k2")


@pytest.mark.parametrize("told_first", [True, False])
def test_a_refund_that_news_of_another_overtook_waits_for_stripes_word(
    house: tuple[Shop, int, int], told_first: bool
) -> None:
    """The dashboard may give back what we were about to; Stripe will refuse ours. Asked for later it is a fault."""
    shop, paid, _ = house
    shop.breaks = EVERYTHING
    with shop.app.app_context():
        all_of_it = db.session.query(Payment).filter_by(booking_id=paid).one().amount_minor
        told = add_refund(amount_minor=all_of_it, reason=RefundReason.EXTERNAL)
        for plant in (told, ASKED) if told_first else (ASKED, told):
            plant(paid, 0)
        db.session.commit()

    assert ("I8" in look(shop)) is told_first


@pytest.mark.parametrize(
    ("drop", "code", "words"),
    [
        ("DROP INDEX uq_attempt_booking_id_live", "I4", "uq_attempt_booking_id_live is gone"),
        ("DROP INDEX uq_joining_account_id_live", "I4", "uq_joining_account_id_live is gone"),
        (
            "ALTER TABLE evidence_draft RENAME TO draft_before",
            "I4",
            "idempotency_key of the table `evidence_draft` can repeat",
        ),
    ],
)
def test_a_key_that_was_dropped_is_missed(house: tuple[Shop, int, int], drop: str, code: str, words: str) -> None:
    shop, _, _ = house
    shop.breaks = EVERYTHING
    with shop.app.app_context():
        db.session.execute(text(drop))
        if "RENAME" in drop:  # a copy has the columns and none of the keys
            db.session.execute(text("CREATE TABLE evidence_draft AS SELECT * FROM draft_before"))
        db.session.commit()

    assert any(words in line for line in look(shop)[code])


def test_nights_without_their_key_can_be_sold_twice_and_that_is_seen(house: tuple[Shop, int, int]) -> None:
    shop, paid, _ = house
    shop.breaks = EVERYTHING
    night = shop.nights(paid)[0]
    with shop.app.app_context():
        db.session.execute(text("ALTER TABLE night RENAME TO night_before"))
        db.session.execute(text("CREATE TABLE night AS SELECT * FROM night_before"))
        db.session.execute(text("INSERT INTO night SELECT * FROM night_before WHERE day = :day"), {"day": night.day})
        db.session.commit()

    problems = look(shop)["I1"]

    assert any("a night can be sold twice" in line for line in problems)
    assert any(f"night of {night.day}: more than one owner" in line for line in problems)


def test_an_instance_id_from_the_settings_is_no_other_shops(small_shop: Shop) -> None:
    settings = replace(small_shop.runtime.settings, instance_id="harbour-shop")
    small_shop.app.extensions["holdfast"] = replace(small_shop.runtime, settings=settings)

    small_shop.pay(small_shop.book(small_shop.stay()))

    assert look(small_shop) == {}


def test_promises_that_no_database_shows_are_not_claimed(house: tuple[Shop, int, int]) -> None:
    shop, _, _ = house
    with shop.app.app_context():
        proofs = verification.verify(shop.runtime)

    assert [proof.code for proof in proofs] == [f"I{number}" for number in range(1, 28)]
    unseen = [proof.code for proof in proofs if proof.verdict is Verdict.UNSEEN]
    assert unseen == ["I6", "I12", "I17", "I18", "I21"]


# --- against Stripe -------------------------------------------------------------------------------------------------


def compare(shop: Shop) -> verification.Comparison:
    with shop.app.app_context():
        return verification.compare_with_stripe(shop.runtime)


def test_ledger_and_stripe_agree_to_the_cent(house: tuple[Shop, int, int]) -> None:
    shop, paid, _ = house
    total = shop.booking(paid).amount_minor
    with shop.app.app_context():
        refunds.order_refund(shop.runtime, paid, Money(1234, "eur"), "ada@example.org", "form-1")

    before = compare(shop)
    shop.work()
    shop.stripe.settle_down()
    after = compare(shop)

    assert before.differences == after.differences == ()
    (balance,) = after.balances
    assert (balance.captured_here, balance.captured_there) == (total, total)
    assert (balance.refunded_here, balance.refunded_there) == (1234, 1234)


def test_a_refund_in_the_dashboard_that_nobody_told_of_is_a_difference(house: tuple[Shop, int, int]) -> None:
    shop, paid, _ = house
    shop.stripe.drop_webhooks()
    shop.stripe_client().refunds.create(
        params={"payment_intent": shop.payments(paid)[0].payment_intent_id, "amount": 500}
    )

    (difference,) = compare(shop).differences

    assert difference.endswith("0.00 EUR refunded here, 5.00 EUR at Stripe")


def test_a_payment_that_is_missing_on_either_side_is_a_difference(house: tuple[Shop, int, int]) -> None:
    shop, paid, unpaid = house
    shop.breaks = EVERYTHING
    shop.stripe.drop_webhooks()
    shop.pay(unpaid)
    with shop.app.app_context():
        by_hand(update(Payment).values(payment_intent_id="pi_nobody"))
        db.session.commit()

    differences = compare(shop).differences

    assert sum("no payment here knows of it" in line for line in differences) == 2
    assert [line for line in differences if line.startswith("pi_nobody")] == [
        f"pi_nobody (booking {paid}): in our ledger, but Stripe has no such charge"
    ]


def test_another_amount_is_a_difference(house: tuple[Shop, int, int]) -> None:
    shop, _, _ = house
    shop.breaks = EVERYTHING
    with shop.app.app_context():
        by_hand(update(Payment).values(amount_minor=Payment.amount_minor + 1))
        db.session.commit()

    assert "here, " in compare(shop).differences[0]
    assert compare(shop).differences[0].endswith("at Stripe")


def test_money_of_other_shops_on_the_account_is_no_difference(house: tuple[Shop, int, int]) -> None:
    shop, _, _ = house
    shop.stripe_client().payment_intents.create(
        params={"amount": 500, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )  # fmt: skip

    assert compare(shop).differences == ()
