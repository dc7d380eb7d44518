"""Scenario 25: a dispute overlays a booking; its answer is drafted at Stripe, sent once, and never lost or doubled."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from booking import crashpoints
from booking.database import end_read, transaction
from booking.domain.errors import EvidenceRefused, RefundRefused
from booking.domain.evidence import FIELDS, Texts, draft_texts
from booking.domain.money import Money
from booking.domain.papers import FILE_FIELDS, PaperKind, draft_papers
from booking.domain.states import CancelReason, RefundStatus, Source
from booking.extensions import db
from booking.gateways.payments import GatewayRefused, RefundEvidence, Tag
from booking.models import Booking, Dispute, EvidenceDraft, EvidenceFile, EvidenceSubmission, Payment
from booking.models.evidence import SubmissionState
from booking.queries.disputes import get_stay_case
from booking.services import disputes, evidence, papers, privacy, reconciliation, refund_news, refunds, reservations
from booking.services.evidence import Answer
from booking.services.instance import get_identity
from booking.services.timeline import Cause
from tests.support.crowd import rush
from tests.support.servers import wait_until
from tests.support.shop import Shop, patched

ADA, BEN = "ada@example.org", "ben@example.org"
DISPUTED, INQUIRY = "4000000000000259", "4000000000001976"
UPDATE = "/v1/disputes/"


@pytest.fixture
def case(shop: Shop) -> tuple[Shop, int]:
    """A confirmed booking whose payment is disputed; its id."""
    return shop, _disputed(shop)


def _disputed(shop: Shop, card: str = DISPUTED) -> int:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id, card)
    shop.work()
    shop.pass_time(seconds=5)
    wait_until(lambda: shop.disputes(booking_id), what="news of the dispute")
    return booking_id


def _texts(**changes: str) -> Texts:
    return {**dict.fromkeys(FIELDS, ""), "uncategorized_text": "They came and slept well.", **changes}


def _save(shop: Shop, texts: Texts, seen: str = "", who: str = ADA) -> Answer:
    with shop.app.app_context():
        return evidence.save_draft(shop.runtime, 1, texts, seen, who)


def _submit(shop: Shop, texts: Texts | None = None, seen: str = "", who: str = ADA) -> Answer:
    with shop.app.app_context():
        return evidence.submit_evidence(shop.runtime, 1, texts or _texts(), seen, who)


def _settle(shop: Shop) -> Answer:
    with shop.app.app_context():
        return evidence.settle_submission(shop.runtime, 1, Cause(Source.RECONCILE))


def _reconcile(shop: Shop, *, at_once: bool = True) -> list[str]:
    with shop.app.app_context():
        return [finding.text for finding in reconciliation.reconcile(shop.runtime, at_once=at_once)]


def _draft(shop: Shop) -> EvidenceDraft | None:
    return _one(shop, EvidenceDraft)


def _submission(shop: Shop) -> EvidenceSubmission | None:
    return _one(shop, EvidenceSubmission)


def _one(shop: Shop, model: Any) -> Any:
    with shop.app.app_context():
        row = db.session.get(model, 1)
        db.session.expunge_all()
        return row


def _at_stripe(shop: Shop) -> Any:
    (dispute,) = shop.stripe_client().disputes.list().data
    return dispute.to_dict()


def _submissions(shop: Shop) -> int:
    return int(_at_stripe(shop)["evidence_details"]["submission_count"])


def _kinds(shop: Shop, booking_id: int) -> list[str]:
    return [step.kind for step in shop.timeline(booking_id)]


def _fault(shop: Shop, kind: str, times: int = 1, **more: Any) -> None:
    """Trouble for the next updates of a dispute, and for them alone: a look is a GET."""
    shop.stripe.post("faults", [{"kind": kind, "path_prefix": UPDATE, "method": "POST", "times": times, **more}])


# --- the overlay ----------------------------------------------------------------------------------------------------


def test_scenario_25_a_dispute_moves_nothing_and_blocks_refunds_until_it_is_won(case: tuple[Shop, int]) -> None:
    shop, booking_id = case
    nights = len(shop.nights(booking_id))

    assert (shop.state(booking_id), shop.booking(booking_id).disputed) == (("confirmed", "paid"), True)
    with shop.app.app_context(), pytest.raises(RefundRefused, match="dispute"):
        refunds.order_refund(shop.runtime, booking_id, Money(100, "eur"), ADA, "form-1")

    shop.stripe.post(f"disputes/{shop.disputes(booking_id)[0].stripe_dispute_id}", {"status": "won"})
    shop.stripe.settle_down()
    with shop.app.app_context():
        refunds.order_refund(shop.runtime, booking_id, Money(100, "eur"), ADA, "form-2")

    assert (shop.state(booking_id)[0], len(shop.nights(booking_id))) == ("confirmed", nights)


def test_scenario_25_lost_leaves_the_booking_and_shows_for_good_that_the_money_is_gone(case: tuple[Shop, int]) -> None:
    shop, booking_id = case

    shop.stripe.post(f"disputes/{shop.disputes(booking_id)[0].stripe_dispute_id}", {"status": "lost"})
    shop.stripe.settle_down()

    assert (shop.state(booking_id), shop.booking(booking_id).disputed) == (("confirmed", "paid"), True)
    assert "dispute_lost" in _kinds(shop, booking_id)
    with pytest.raises(EvidenceRefused, match="it is lost"):
        _submit(shop)


def test_scenario_25_a_dispute_of_a_cancelled_and_refunded_booking_brings_nothing_back(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id, INQUIRY)
    shop.work()
    total = shop.booking(booking_id).amount
    with shop.app.app_context():
        cause = Cause(Source.STAFF, ADA)
        reservations.cancel_booking(shop.runtime, booking_id, CancelReason.STAFF, cause, total - Money(100, "eur"), "f")
    shop.work()
    shop.pass_time(seconds=5)

    assert shop.booking(booking_id).disputed
    assert shop.state(booking_id) == ("cancelled", "partially_refunded")
    assert shop.nights(booking_id) == []


def test_an_inquiry_leaves_the_payment_refundable(shop: Shop) -> None:
    booking_id = _disputed(shop, INQUIRY)

    with shop.app.app_context():
        refunds.order_refund(shop.runtime, booking_id, Money(100, "eur"), ADA, "form-1")
    shop.work()

    assert shop.disputes(booking_id)[0].status == "warning_needs_response"
    assert shop.refunds(booking_id)[0].status is RefundStatus.SUCCEEDED


def test_only_the_disputed_one_of_two_payments_is_blocked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("booking.services.settlement.refund_duplicate", lambda case, payment: "duplicate")
    monkeypatch.setattr("booking.services.attempts.end_given_up", lambda *_: False)
    shop.breaks = ("I3",)
    booking_id = shop.book(shop.stay())
    first = shop.session_of(booking_id)
    shop.pass_time(minutes=32)
    shop.check_out(booking_id)
    shop.stripe.pay(shop.session_of(booking_id))
    shop.stripe.pay(first, DISPUTED)
    shop.pass_time(seconds=5)
    total = shop.booking(booking_id).amount

    with shop.app.app_context():
        with pytest.raises(RefundRefused, match="dispute"):
            refunds.order_refund(shop.runtime, booking_id, total + Money(1, "eur"), ADA, "form-1")
        refunds.order_refund(shop.runtime, booking_id, total, ADA, "form-2")

    (refund,) = shop.refunds(booking_id)
    assert refund.payment_id != shop.disputes(booking_id)[0].payment_id


# --- refunds that were asked for before the dispute -----------------------------------------------------------------


@pytest.fixture
def waiting(shop: Shop) -> tuple[Shop, int, Dispute]:
    """A refund by itself that was written, and not sent, when the bank disputed the payment."""
    booking_id = _paid_unheard(shop)
    total = shop.booking(booking_id).amount
    with shop.app.app_context():
        reservations.cancel_booking(shop.runtime, booking_id, CancelReason.GUEST, Cause(Source.WEB), total, "form-1")
    shop.pass_time(seconds=5)
    _hear(shop, "charge.dispute.created")
    shop.work()
    _reconcile(shop)
    return shop, booking_id, shop.disputes(booking_id)[0]


def _paid_unheard(shop: Shop) -> int:
    """Paid with a card that will be disputed, and confirmed by the way back; no event is told by itself."""
    booking_id = shop.book(shop.stay())
    shop.stripe.drop_webhooks()
    shop.stripe.pay(shop.session_of(booking_id), DISPUTED)
    shop.come_back(shop.session_of(booking_id))
    assert shop.state(booking_id) == ("confirmed", "paid")
    return booking_id


def _hear(shop: Shop, event_type: str) -> None:
    shop.stripe.resend(shop.stripe.events(event_type)[-1]["id"])


def test_a_refund_waits_while_the_charge_is_disputed_and_goes_out_when_it_is_won(
    waiting: tuple[Shop, int, Dispute],
) -> None:
    shop, booking_id, dispute = waiting
    assert shop.refunds(booking_id)[0].status is RefundStatus.REQUESTED
    assert shop.stripe.created("/v1/refunds") == []
    assert _kinds(shop, booking_id).count("refund_waits") == 1
    assert "refund_failed" not in shop.mails(booking_id)

    shop.stripe.post(f"disputes/{dispute.stripe_dispute_id}", {"status": "won"})
    _hear(shop, "charge.dispute.closed")
    _reconcile(shop, at_once=False)

    assert shop.refunds(booking_id)[0].status is RefundStatus.SUCCEEDED
    assert shop.state(booking_id) == ("cancelled", "refunded")


def test_a_refund_is_called_off_when_the_bank_has_given_the_guest_the_money(waiting: tuple[Shop, int, Dispute]) -> None:
    shop, booking_id, dispute = waiting

    shop.stripe.post(f"disputes/{dispute.stripe_dispute_id}", {"status": "lost"})
    _hear(shop, "charge.dispute.closed")
    _reconcile(shop, at_once=False)

    assert shop.refunds(booking_id)[0].status is RefundStatus.CANCELED
    assert "refund_called_off" in _kinds(shop, booking_id)
    assert not shop.booking(booking_id).refund_failed
    assert shop.stripe.created("/v1/refunds") == []


def test_a_waiting_refund_is_given_up_when_the_dashboard_has_refunded_some_of_it(
    waiting: tuple[Shop, int, Dispute],
) -> None:
    shop, booking_id, dispute = waiting
    (payment,) = shop.payments(booking_id)
    by_hand = RefundEvidence(
        "re_byhand", RefundStatus.SUCCEEDED, Money(700, "eur"), payment.payment_intent_id, payment.charge_id, Tag()
    )
    with shop.app.app_context():
        identity = get_identity(shop.runtime)
        with transaction() as session:
            refund_news.apply_refund(session, by_hand, Cause(Source.WEBHOOK), shop.clock.now(), identity)

    _reconcile(shop, at_once=False)

    assert [refund.status for refund in shop.refunds(booking_id)] == [RefundStatus.FAILED, RefundStatus.SUCCEEDED]
    assert "refund_failed" in shop.mails(booking_id)
    assert dispute.status == "needs_response"


def test_a_refund_that_stripe_refuses_for_a_dispute_we_have_not_heard_of_waits_too(shop: Shop) -> None:
    booking_id = _paid_unheard(shop)
    shop.pass_time(seconds=5)
    with shop.app.app_context():
        refunds.order_refund(shop.runtime, booking_id, Money(100, "eur"), ADA, "form-1")

    shop.work()

    assert shop.refunds(booking_id)[0].status is RefundStatus.REQUESTED
    assert "refund_failed" not in shop.mails(booking_id)


# --- the draft ------------------------------------------------------------------------------------------------------


def test_scenario_25_the_draft_says_what_we_hold_and_nothing_else(case: tuple[Shop, int]) -> None:
    shop, booking_id = case
    with shop.app.app_context():
        texts = draft_texts(get_stay_case(db.session(), db.session.get_one(Booking, booking_id)))

    booking, letters = shop.booking(booking_id), shop.mailer.subjects_to("grace@example.org")
    assert texts["customer_email_address"] == "grace@example.org"
    assert booking.reference in texts["product_description"]
    assert "the guest chose the dates" in texts["access_activity_log"]
    assert "the booking was confirmed" in texts["access_activity_log"]
    assert "dispute" not in texts["access_activity_log"]
    assert len(letters) == texts["uncategorized_text"].count("\n") == 1
    assert "they have not changed since" in texts["cancellation_policy_disclosure"]


def test_scenario_25_a_draft_lies_at_stripe_and_the_bank_hears_nothing(case: tuple[Shop, int]) -> None:
    shop, booking_id = case

    assert _save(shop, _texts()) is Answer.STAGED

    found = _at_stripe(shop)
    assert found["evidence"]["uncategorized_text"] == "They came and slept well."
    assert (found["status"], found["evidence_details"]["submission_count"]) == ("needs_response", 0)
    draft = _draft(shop)
    assert (draft.saved_by, draft.staged_at is not None) == (ADA, True)
    assert "evidence_staged" in _kinds(shop, booking_id)


def test_a_text_that_was_emptied_is_emptied_at_stripe_too(case: tuple[Shop, int]) -> None:
    shop, _ = case
    _save(shop, _texts(cancellation_rebuttal="Never cancelled."))

    _save(shop, _texts(), _draft(shop).idempotency_key)

    assert _at_stripe(shop)["evidence"]["cancellation_rebuttal"] is None


def test_a_draft_saved_twice_by_a_double_click_is_laid_down_once(case: tuple[Shop, int]) -> None:
    shop, booking_id = case

    assert _save(shop, _texts()) is _save(shop, _texts()) is Answer.STAGED

    assert len(_updates(shop)) == 1
    assert _kinds(shop, booking_id).count("evidence_staged") == 1


def _updates(shop: Shop) -> list[dict[str, Any]]:
    rows = shop.stripe.get("requests", method="POST")
    return [row for row in rows if row["path"].startswith(UPDATE) and row["status"] == 200 and not row["replayed"]]


def test_a_colleagues_newer_draft_is_not_overwritten_unseen(case: tuple[Shop, int]) -> None:
    shop, _ = case
    _save(shop, _texts(uncategorized_text="By Ben."), who=BEN)

    for act in (_save, _submit):
        with pytest.raises(EvidenceRefused, match=r"ben@example\.org saved another draft") as refused:
            act(shop, _texts(uncategorized_text="By Ada."))
        assert refused.value.details["seen"] == _draft(shop).idempotency_key

    assert _draft(shop).texts["uncategorized_text"] == "By Ben."
    assert _submission(shop) is None


def test_a_draft_whose_call_was_lost_is_laid_down_by_the_worker(case: tuple[Shop, int]) -> None:
    shop, _ = case
    _fault(shop, "status_500", times=5)
    assert _save(shop, _texts()) is Answer.UNKNOWN
    shop.stripe.post("faults", [])
    shop.clock.offset += timedelta(minutes=3)

    assert any("draft to dispute 1 staged" in line for line in _reconcile(shop, at_once=False))

    assert _at_stripe(shop)["evidence"]["uncategorized_text"] == "They came and slept well."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"uncategorized_text": "x" * 20_001}, "At most 20,000 characters"),
        ({"customer_name": "x" * 5_001}, "At most 5,000 characters"),
        ({"uncategorized_text": ""}, "Write something"),
    ],
)
def test_what_stripe_would_not_take_is_neither_kept_nor_sent(
    case: tuple[Shop, int], changes: dict[str, str], words: str
) -> None:
    shop, _ = case

    for act in (_save, _submit):
        with pytest.raises(EvidenceRefused, match=words):
            act(shop, _texts(**changes))

    assert (_draft(shop), _submission(shop)) == (None, None)


# --- the submission -------------------------------------------------------------------------------------------------


def test_scenario_25_an_answer_is_sent_once_as_it_was_shown(case: tuple[Shop, int]) -> None:
    shop, booking_id = case

    assert _submit(shop) is Answer.SENT
    with pytest.raises(EvidenceRefused, match=r"ada@example\.org sent the answer"):
        _submit(shop, who=BEN)
    shop.stripe.settle_down()

    row, (call,) = _submission(shop), _updates(shop)
    assert (row.state, row.submitted_by, row.texts) == (SubmissionState.SENT, ADA, _texts())
    assert (call["idempotency_key"], call["params"]["submit"]) == (row.idempotency_key, "true")
    assert (_submissions(shop), shop.disputes(booking_id)[0].status) == (1, "under_review")
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert [kind for kind in _kinds(shop, booking_id) if kind.startswith("evidence")] == [
        "evidence_ordered",
        "evidence_submitted",
    ]


@pytest.mark.usefixtures("patience")
def test_scenario_25_ten_staff_at_once_send_one_answer(case: tuple[Shop, int]) -> None:
    shop, _ = case

    ends = rush(lambda number: _submit(shop, _texts(), who=f"{number}@example.org"), range(10))

    assert [end for end in ends if isinstance(end, Answer)] == [Answer.SENT]
    assert sum(isinstance(end, EvidenceRefused) for end in ends) == 9
    assert _submissions(shop) == len(_updates(shop)) == 1


def test_the_row_stops_a_second_answer_even_where_nobody_looked_for_it(
    case: tuple[Shop, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, _ = case
    _submit(shop)
    monkeypatch.setattr(evidence, "_refuse_unless_open", lambda *_: None)

    with pytest.raises(EvidenceRefused, match="Somebody else has sent the answer just now"):
        _submit(shop, seen=_draft(shop).idempotency_key, who=BEN)

    assert (_submission(shop).submitted_by, _submissions(shop)) == (ADA, 1)


def test_the_database_itself_refuses_a_second_submission(case: tuple[Shop, int]) -> None:
    shop, _ = case
    _submit(shop)
    with shop.app.app_context():
        db.session.add(evidence._new_submission(1, _texts(), BEN, shop.clock.now()))
        with pytest.raises(IntegrityError):
            db.session.flush()


def test_control_without_the_row_stripe_takes_evidence_twice(case: tuple[Shop, int]) -> None:
    shop, booking_id = case
    stripe_id = shop.disputes(booking_id)[0].stripe_dispute_id

    with shop.app.app_context():
        for key in ("one", "two"):
            shop.runtime.payments.submit_evidence(stripe_id, _texts(), key)

    assert _submissions(shop) == 2


def test_an_answer_that_was_sent_but_not_answered_is_settled_by_looking(case: tuple[Shop, int]) -> None:
    shop, booking_id = case
    shop.stripe.drop_webhooks()
    _fault(shop, "status_500_after_effect", times=9)

    assert _submit(shop) is Answer.UNKNOWN
    assert _submission(shop).state is SubmissionState.SENDING
    with pytest.raises(EvidenceRefused):
        _submit(shop, who=BEN)
    shop.clock.offset += timedelta(minutes=3)
    assert any("answer to dispute 1 sent" in line for line in _reconcile(shop, at_once=False))

    assert (_submission(shop).state, _submissions(shop)) == (SubmissionState.SENT, 1)
    assert shop.disputes(booking_id)[0].status == "under_review"


def test_an_answer_that_was_sent_but_whose_key_is_spent_is_found_by_looking(case: tuple[Shop, int]) -> None:
    shop, _ = case
    shop.stripe.drop_webhooks()
    _fault(shop, "status_500_after_effect", times=9)
    assert _submit(shop) is Answer.UNKNOWN
    shop.clock.offset += papers.KEY_IS_SPENT_AFTER + timedelta(seconds=1)

    assert _settle(shop) is Answer.SENT

    assert _submissions(shop) == 1


def test_an_answer_that_never_arrived_is_sent_again_under_its_own_key(case: tuple[Shop, int]) -> None:
    shop, _ = case
    _fault(shop, "status_500", times=9)
    assert _submit(shop) is Answer.UNKNOWN
    key = _submission(shop).idempotency_key
    shop.stripe.post("faults", [])

    assert _settle(shop) is Answer.SENT

    assert (_submission(shop).idempotency_key, _submissions(shop)) == (key, 1)


def test_a_key_that_only_replays_an_error_is_replaced_once_looking_found_nothing(case: tuple[Shop, int]) -> None:
    shop, _ = case
    _fault(shop, "status_500", stored=True)
    assert _submit(shop) is Answer.UNKNOWN
    key = _submission(shop).idempotency_key
    assert _settle(shop) is Answer.UNKNOWN

    shop.clock.offset += papers.KEY_IS_SPENT_AFTER + timedelta(seconds=1)
    assert _settle(shop) is Answer.SENT

    assert (_submission(shop).idempotency_key != key, _submissions(shop)) == (True, 1)


def test_an_answer_that_stripe_refuses_is_kept_as_a_draft_and_can_be_sent_again(case: tuple[Shop, int]) -> None:
    shop, booking_id = case

    def refuse(*_: object) -> None:
        raise GatewayRefused("no", reason="permission_missing")

    with patched(shop.runtime.payments._inner, "submit_evidence", refuse):
        assert _submit(shop) is Answer.REFUSED

    assert (_submission(shop), _draft(shop).texts) == (None, _texts())
    assert "evidence_not_sent" in _kinds(shop, booking_id)
    assert _submit(shop, seen=_draft(shop).idempotency_key) is Answer.SENT


def test_what_was_answered_in_stripes_dashboard_is_not_answered_again(case: tuple[Shop, int]) -> None:
    shop, booking_id = case
    shop.stripe.drop_webhooks()
    stripe_id = shop.disputes(booking_id)[0].stripe_dispute_id
    shop.stripe_client().disputes.update(stripe_id, {"evidence": {"uncategorized_text": "By hand."}, "submit": True})

    assert _submit(shop) is Answer.NOT_NEEDED

    assert (_submission(shop), _submissions(shop)) == (None, 1)
    assert shop.disputes(booking_id)[0].status == "under_review"


def test_a_look_that_sees_a_colleagues_call_does_not_take_the_row_away(case: tuple[Shop, int]) -> None:
    """Ada's call reaches Stripe between the moment Ben read the row and his look: it must not seem the dashboard's."""
    shop, _ = case
    inner, seen = shop.runtime.payments._inner, []
    look = inner.look_up_dispute

    def look_late(stripe_id: str) -> Any:
        if not seen:
            seen.append(stripe_id)
            ready = evidence._make_ready(evidence._find_submission(1), shop.clock.now())
            inner.submit_evidence(stripe_id, ready.texts, ready.key)
        return look(stripe_id)

    with patched(inner, "look_up_dispute", look_late):
        assert _submit(shop) is Answer.UNKNOWN

    assert _settle(shop) is Answer.SENT
    assert (_submission(shop).state, _submissions(shop)) == (SubmissionState.SENT, 1)


@pytest.mark.parametrize(("words", "end"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_scenario_25_the_banks_decision_closes_it(case: tuple[Shop, int], words: str, end: str) -> None:
    shop, booking_id = case
    _submit(shop, _texts(uncategorized_text=words))

    shop.pass_time(minutes=1)

    assert shop.disputes(booking_id)[0].status == end
    assert shop.state(booking_id) == ("confirmed", "paid")


# --- time -----------------------------------------------------------------------------------------------------------


def _remind(shop: Shop) -> list[str]:
    with shop.app.app_context():
        return disputes.remind_of_due(shop.runtime)


def test_scenario_25_staff_is_told_at_once_and_reminded_once_when_it_is_nearly_due(case: tuple[Shop, int]) -> None:
    shop, booking_id = case
    due_by = shop.disputes(booking_id)[0].due_by
    assert shop.mails(booking_id).count("dispute") == 1
    assert _remind(shop) == []

    shop.clock.offset += due_by - shop.clock.now() - disputes.REMIND_BEFORE + timedelta(minutes=1)
    lines = rush(lambda _: _remind(shop), range(4))
    assert sum(map(len, lines)) == 1
    assert _remind(shop) == []

    assert shop.mails(booking_id).count("dispute_due") == 1
    assert _kinds(shop, booking_id).count("dispute_due_soon") == 1
    shop.work()
    letter = next(letter for letter in shop.mailer.letters if letter.subject.startswith("Answer this dispute soon"))
    assert "Answer by" in letter.text
    assert f"{shop.url}/admin/disputes/1" in letter.text


def test_nobody_is_reminded_of_what_was_answered(case: tuple[Shop, int]) -> None:
    shop, booking_id = case
    _submit(shop)

    shop.clock.offset += timedelta(days=19)

    assert _remind(shop) == []
    assert "dispute_due" not in shop.mails(booking_id)


def test_a_dispute_that_ends_long_after_it_was_opened_is_heard_of_without_webhooks(case: tuple[Shop, int]) -> None:
    shop, booking_id = case
    shop.stripe.drop_webhooks()
    _submit(shop)
    shop.pass_time(days=10)
    shop.stripe.post(f"disputes/{shop.disputes(booking_id)[0].stripe_dispute_id}", {"status": "won"})

    lines = _reconcile(shop)

    assert f"booking {booking_id}: dispute 1 is won" in lines
    assert not shop.booking(booking_id).disputed
    assert shop.count(Payment) == 1


# --- files ----------------------------------------------------------------------------------------------------------

FILES = "/v1/files"


def _attach(shop: Shop, texts: Texts | None = None, seen: str = "") -> Answer:
    with shop.app.app_context():
        return evidence.attach_papers(shop.runtime, 1, texts or _texts(), seen, ADA)


def _files(shop: Shop) -> list[EvidenceFile]:
    with shop.app.app_context():
        return list(db.session.scalars(select(EvidenceFile).order_by(EvidenceFile.id)))


def _files_at_stripe(shop: Shop) -> list[Any]:
    return [file.to_dict() for file in shop.stripe_client().files.list().data]


def _chosen(shop: Shop) -> Texts:
    return dict(_draft(shop).texts)


def test_the_files_are_made_uploaded_once_and_go_to_the_bank_as_they_were_shown(case: tuple[Shop, int]) -> None:
    shop, _ = case

    assert _attach(shop) is Answer.STAGED

    named = {FILE_FIELDS[file.kind]: file.stripe_file_id for file in _files(shop)}
    staged = _at_stripe(shop)["evidence"]
    assert {field: staged[field] for field in named} == named
    assert (len(named), None in named.values()) == (4, False)
    assert {file["filename"]: file["size"] for file in _files_at_stripe(shop)} == {
        file.name: file.size for file in _files(shop)
    }
    assert {file["type"] for file in _files_at_stripe(shop)} == {"pdf"}

    assert _attach(shop, seen=_draft(shop).idempotency_key) is Answer.STAGED  # nothing has changed since
    assert len(_files_at_stripe(shop)) == 4

    assert _submit(shop, _chosen(shop), _draft(shop).idempotency_key) is Answer.SENT
    assert (_submissions(shop), len(_files_at_stripe(shop))) == (1, 4)
    assert _at_stripe(shop)["evidence"]["refund_policy"] == named["refund_policy"]


def test_a_mail_goes_to_the_bank_as_it_left_without_the_links_that_open_the_booking(case: tuple[Shop, int]) -> None:
    shop, booking_id = case
    shop.work()

    with shop.app.app_context():
        told = get_stay_case(db.session(), db.session.get_one(Booking, booking_id))
        mails = next(paper for paper in draft_papers(told) if paper.kind is PaperKind.MAILS)

    letter = next(part for part in mails.parts if part.heading.startswith("E-mail of "))
    assert told.letters[0].subject in letter.heading
    assert any("[link]" in line for line in letter.lines)
    assert not any("://" in line for part in mails.parts for line in part.lines)


def test_a_file_that_is_left_out_is_taken_back_and_one_of_the_dashboard_stays(case: tuple[Shop, int]) -> None:
    shop, _ = case
    _attach(shop)
    own = _files_at_stripe(shop)[0]["id"]
    shop.stripe_client().disputes.update(_at_stripe(shop)["id"], {"evidence": {"receipt": own}, "submit": False})
    texts = {**_chosen(shop), "uncategorized_file": ""}

    _save(shop, texts, _draft(shop).idempotency_key)

    staged = _at_stripe(shop)["evidence"]
    assert (staged["uncategorized_file"], staged["receipt"]) == (None, own)
    assert staged["service_documentation"] is not None


def test_files_that_were_never_made_clear_nothing_in_the_dashboard(case: tuple[Shop, int]) -> None:
    shop, _ = case
    with shop.app.app_context():
        other = shop.runtime.payments.upload_evidence_file("other.pdf", b"%PDF-1.4 other", "other")
    evidence_of_theirs = {"evidence": {"refund_policy": other}, "submit": False}
    shop.stripe_client().disputes.update(_at_stripe(shop)["id"], evidence_of_theirs)

    _save(shop, _texts())

    assert _at_stripe(shop)["evidence"]["refund_policy"] == other


@pytest.mark.parametrize("kind", ["status_500_after_effect", "status_500"])
def test_an_upload_whose_end_nobody_knows_is_found_by_its_name_or_made_once(case: tuple[Shop, int], kind: str) -> None:
    shop, _ = case
    shop.stripe.post("faults", [{"kind": kind, "path_prefix": FILES, "method": "POST", "times": 9}])

    assert _attach(shop) is Answer.UNKNOWN
    assert _draft(shop).staged_at is None
    shop.stripe.post("faults", [])
    shop.clock.offset += papers.KEY_IS_SPENT_AFTER + timedelta(seconds=1)  # the key may only replay the error
    _reconcile(shop)

    assert len(_files_at_stripe(shop)) == 4
    assert None not in {file.stripe_file_id for file in _files(shop)}
    assert _draft(shop).staged_at is not None


def test_the_worker_uploads_what_an_answer_needs_before_it_sends_it_once(case: tuple[Shop, int]) -> None:
    shop, _ = case
    shop.stripe.post("faults", [{"kind": "status_500", "path_prefix": FILES, "method": "POST", "times": 99}])
    assert _attach(shop) is Answer.UNKNOWN
    assert _submit(shop, _chosen(shop), _draft(shop).idempotency_key) is Answer.UNKNOWN
    assert (_submissions(shop), _submission(shop).sent_at) == (0, None)

    shop.stripe.post("faults", [])
    _reconcile(shop)

    assert (_submissions(shop), len(_files_at_stripe(shop))) == (1, 4)
    assert _at_stripe(shop)["evidence"]["service_documentation"] is not None
    assert _submission(shop).state is SubmissionState.SENT


def test_a_file_of_another_dispute_goes_nowhere(case: tuple[Shop, int]) -> None:
    shop, _ = case
    _attach(shop)
    terms = next(file.id for file in _files(shop) if file.kind is PaperKind.TERMS)

    for wrong in ({"service_documentation": str(terms)}, {"refund_policy": "4711"}):
        with pytest.raises(EvidenceRefused, match="do not belong"):
            _save(shop, _texts(**wrong), _draft(shop).idempotency_key)


def test_the_guests_own_copy_of_their_data_has_the_files_that_are_about_them(case: tuple[Shop, int]) -> None:
    shop, booking_id = case
    _attach(shop)

    with shop.app.app_context():
        held = json.dumps(privacy.export_data(shop.runtime, booking_id))

    assert base64.b64encode(b"%PDF-").decode()[:6] in held
    assert _files(shop)[0].name in held


# --- files of the house's own ---------------------------------------------------------------------------------------

SCAN, PHOTO = b"%PDF-1.4\n1 0 obj << /Type /Page >> 2 0 obj << /Type /Page >>\n%%EOF", b"\xff\xd8\xff\xe0 a form"


def _add(shop: Shop, content: bytes, kind: PaperKind = PaperKind.SIGNED, texts: Texts | None = None) -> Answer:
    with shop.app.app_context():
        draft = db.session.get(EvidenceDraft, 1)
        kept, seen = (dict(draft.texts), draft.idempotency_key) if draft else (_texts(), "")
        end_read()
        return evidence.add_file(shop.runtime, 1, texts or kept, seen, ADA, kind, content)


def test_a_file_of_the_house_goes_to_the_bank_as_it_was_given(case: tuple[Shop, int]) -> None:
    shop, _ = case
    _attach(shop)

    assert _add(shop, SCAN) is Answer.STAGED
    assert _add(shop, PHOTO, PaperKind.INVOICE) is Answer.STAGED

    scan, photo = _files(shop)[-2:]
    staged = _at_stripe(shop)["evidence"]
    assert (staged["customer_signature"], staged["receipt"]) == (scan.stripe_file_id, photo.stripe_file_id)
    assert staged["refund_policy"] is not None, "what the shop made stays"
    assert (scan.name[-4:], photo.name[-4:], scan.pages, photo.pages) == (".pdf", ".jpg", 2, 1)
    assert [file["type"] for file in _files_at_stripe(shop)].count("jpg") == 1
    assert _submit(shop, _chosen(shop), _draft(shop).idempotency_key) is Answer.SENT
    assert _at_stripe(shop)["evidence"]["customer_signature"] == scan.stripe_file_id


def test_another_file_takes_the_place_of_the_last_one_and_the_same_one_is_uploaded_once(case: tuple[Shop, int]) -> None:
    shop, _ = case
    for content in (SCAN, SCAN, PHOTO):
        _add(shop, content)

    assert len(_files_at_stripe(shop)) == 2
    assert _at_stripe(shop)["evidence"]["customer_signature"] == _files(shop)[-1].stripe_file_id


@pytest.mark.parametrize("content", [b"", b"plain text", b"<svg/>", b"GIF89a", b"%PDF-" + b"x" * papers.LARGEST])
def test_what_stripe_would_not_take_is_refused_before_anything_is_kept(case: tuple[Shop, int], content: bytes) -> None:
    shop, _ = case

    with pytest.raises(EvidenceRefused):
        _add(shop, content)

    assert (_files(shop), _files_at_stripe(shop)) == ([], [])


def test_more_than_banks_read_together_is_refused(case: tuple[Shop, int]) -> None:
    shop, _ = case
    _add(shop, b"%PDF-" + b"x" * 3_000_000)

    with pytest.raises(EvidenceRefused, match=r"4\.5 MB"):
        _add(shop, b"%PDF-" + b"y" * 3_000_000, PaperKind.INVOICE)
    with pytest.raises(EvidenceRefused, match="read 19 pages"):
        _add(shop, b"%PDF-" + b" /Type /Page " * 20, PaperKind.SIGNED)

    assert len(_files(shop)) == 1


@pytest.mark.parametrize("kind", ["status_500_after_effect", "status_500"])
def test_a_file_of_the_house_whose_upload_nobody_knows_of_is_there_once_in_the_end(
    case: tuple[Shop, int], kind: str
) -> None:
    shop, _ = case
    shop.stripe.post("faults", [{"kind": kind, "path_prefix": FILES, "method": "POST", "times": 9}])

    assert _add(shop, SCAN) is Answer.UNKNOWN
    (file,) = _files(shop)
    assert (file.stripe_file_id, bool(file.idempotency_key), file.first_sent_at is None) == (None, True, False)
    shop.stripe.post("faults", [])
    shop.clock.offset += papers.KEY_IS_SPENT_AFTER + timedelta(seconds=1)
    _reconcile(shop)

    assert len(_files_at_stripe(shop)) == 1
    assert _files(shop)[0].stripe_file_id is not None


@pytest.mark.parametrize("where", ["services.evidence._save_with_files after commit",
                                   "services.papers._make_ready after commit",
                                   "gateways.stripe_gateway.upload_evidence_file after call"])  # fmt: skip
def test_a_death_on_the_way_leaves_a_file_that_the_worker_lays_down_once(case: tuple[Shop, int], where: str) -> None:
    shop, _ = case

    def die(name: str) -> None:
        if name == where:
            crashpoints.arm(None)
            raise Died

    crashpoints.arm(die)
    with pytest.raises(Died):
        _add(shop, SCAN)
    with shop.app.app_context():
        db.session.rollback()
    shop.clock.offset += papers.KEY_IS_SPENT_AFTER + timedelta(seconds=1)
    _reconcile(shop)

    assert len(_files_at_stripe(shop)) == 1
    assert _at_stripe(shop)["evidence"]["customer_signature"] == _files(shop)[0].stripe_file_id


class Died(Exception):
    """The process ended here."""
