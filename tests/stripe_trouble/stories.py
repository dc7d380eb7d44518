"""The rows of the table: for each call that the gateway makes, somebody who needs it, what they are told, and the end.

A call may have more than one row. `said` is what the page may say, by what the shop could know: `ANSWERED`, or
`UNKNOWN`; `ELSEWISE` where the call was not made again, because something else had settled the matter before.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from booking.domain.evidence import FIELDS
from booking.domain.papers import FILE_FIELDS, MADE
from booking.domain.states import AttemptStatus
from booking.extensions import db
from booking.models import Attempt
from tests.stripe_trouble.desk import Desk, Page
from tests.support.hostile import envelope
from tests.support.shop import fields_of

ANSWERED, UNKNOWN, ELSEWISE = "answered", "unknown", "elsewise"
DISPUTED = "4000000000000259"
SESSIONS, SESSION = "/v1/checkout/sessions", "/v1/checkout/sessions/"
REVIEW = "/stays/harbour-loft/review"
TEXTS = dict.fromkeys(FIELDS, "They came and slept well.")


@dataclass(frozen=True)
class Said:
    """What a person is told: the code of the page (or of a command's exit) and words that stand on it."""

    status: int
    words: str


class Story:
    """Somebody needs one call to Stripe."""

    call: ClassVar[str]
    method: ClassVar[str] = "GET"
    path: ClassVar[str]
    is_prefix: ClassVar[bool] = False
    said: ClassVar[dict[str, tuple[Said, ...]]]

    def prepare(self, desk: Desk) -> None:
        """All is well, up to where the call is needed."""
        raise NotImplementedError

    def act(self, desk: Desk) -> Page:
        """Somebody does what needs it; what they see."""
        raise NotImplementedError

    def again(self, desk: Desk) -> None:
        """What people do once Stripe is well again."""

    def count(self, desk: Desk) -> int:
        """How often Stripe has done what must be done once."""
        raise NotImplementedError

    def check(self, desk: Desk) -> None:
        """How it ended."""
        raise NotImplementedError


# --- guests ---------------------------------------------------------------------------------------------------------

KEPT = "does not answer just now. Your nights are kept for you; try again in a moment. Nothing was charged. "
NOT_OPENED, TO_STRIPE = Said(503, KEPT), Said(303, "")


class GuestBooks(Story):
    call, method, path = "open_checkout", "POST", SESSIONS
    said = {ANSWERED: (TO_STRIPE,), UNKNOWN: (NOT_OPENED, TO_STRIPE), ELSEWISE: (TO_STRIPE,)}

    def prepare(self, desk: Desk) -> None:
        desk.form = desk.guest.review_form("harbour-loft", desk.shop.stay())

    def act(self, desk: Desk) -> Page:
        page = desk.guest.press(REVIEW, desk.form)
        if page.status == 503:
            assert "Your nights are held until" in page.words
        else:  # found in Stripe's list
            assert page.location == desk.shop.attempts(desk.booking_id)[-1].url
        return page

    def again(self, desk: Desk) -> None:
        page = desk.guest.press(REVIEW, desk.form)
        assert page.location == desk.shop.attempts(desk.booking_id)[-1].url
        desk.pay()

    def count(self, desk: Desk) -> int:
        return len(desk.shop.stripe.sessions())

    def check(self, desk: Desk) -> None:
        assert desk.shop.state(desk.booking_id) == ("confirmed", "paid")
        assert len(desk.shop.payments(desk.booking_id)) == 1


class GuestClicksAgainWhereTheKeyReplaysAnError(GuestBooks):
    """Stripe made the session, and answers its key with a stored error for ever: only its list tells."""

    call, method = "list_checkouts", "GET"

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        desk.shop.stripe.post("faults", [{"kind": "status_500_after_effect", "path": SESSIONS}])
        assert desk.guest.press(REVIEW, desk.form).status == 503
        desk.pass_time(minutes=1)


class GuestComesBack(Story):
    call, path, is_prefix = "look_up_checkout", SESSION, True
    said = {
        ANSWERED: (Said(200, "You're booked"),),
        UNKNOWN: (Said(200, "We are confirming your payment"),),
        ELSEWISE: (Said(200, "You're booked"),),
    }

    def prepare(self, desk: Desk) -> None:
        desk.book()
        desk.pay()

    def act(self, desk: Desk) -> Page:
        return desk.guest.open("/pay/return", session_id=desk.session_id)

    def count(self, desk: Desk) -> int:
        return desk.count("payment_intent.succeeded")

    def check(self, desk: Desk) -> None:
        assert desk.shop.state(desk.booking_id) == ("confirmed", "paid")
        assert desk.shop.mails(desk.booking_id) == ["confirmed", "new_booking"]


class GuestLetsGo(Story):
    call, method, path, is_prefix = "expire_checkout", "POST", SESSION, True
    gone = Said(200, "Nothing was charged. We no longer keep these nights for you.")
    kept = Said(503, "we free nights only when nobody can pay for them any more")
    said = {ANSWERED: (gone,), UNKNOWN: (kept,), ELSEWISE: (gone,)}

    def prepare(self, desk: Desk) -> None:
        desk.book()
        desk.form = fields_of(desk.guest.get("/pay/cancelled").text)

    def act(self, desk: Desk) -> Page:
        return desk.guest.press("/pay/release", desk.form)

    def again(self, desk: Desk) -> None:
        page = self.act(desk)
        assert (page.status, self.gone.words in page.words) == (200, True), page.words

    def count(self, desk: Desk) -> int:
        return len(desk.shop.stripe.sessions())

    def check(self, desk: Desk) -> None:
        assert desk.shop.state(desk.booking_id) == ("cancelled", "unpaid")
        assert desk.shop.nights(desk.booking_id) == []
        assert desk.stripe.checkout.sessions.retrieve(desk.session_id).status == "expired"


# --- staff ----------------------------------------------------------------------------------------------------------


class StaffLetsGo(GuestLetsGo):
    gone = Said(200, "The nights are on sale again. Nothing was charged.")
    kept = Said(200, "Stripe did not answer, so the nights stay held. Try again in a minute.")
    said = {ANSWERED: (gone,), UNKNOWN: (kept,), ELSEWISE: (gone,)}

    def act(self, desk: Desk) -> Page:
        page = f"/admin/bookings/{desk.booking_id}/let-go"
        return desk.ada.press(page, fields_of(desk.ada.get(page).text))


class _OfAPaidBooking(Story):
    """The rest happens to a booking that is confirmed."""

    card: ClassVar[str] = "4242424242424242"

    def prepare(self, desk: Desk) -> None:
        desk.book()
        desk.pay(self.card)
        desk.hear("checkout.session.completed")
        desk.work()

    def count(self, desk: Desk) -> int:
        return desk.count("refund.created")

    def check(self, desk: Desk) -> None:
        assert desk.shop.state(desk.booking_id)[0] == "confirmed"


class StaffRefunds(_OfAPaidBooking):
    """Ordered on a page, sent by the worker, and shown on the booking's own page."""

    call, method, path = "send_refund", "POST", "/v1/refunds"
    sent, going = Said(200, "Refunded €7.00"), Said(200, "Going back €7.00")
    said = {ANSWERED: (sent,), UNKNOWN: (going, sent), ELSEWISE: (going, sent)}

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        check = f"/admin/bookings/{desk.booking_id}/refund/check"
        desk.form = fields_of(desk.ada.get(check, amount="7").text)

    def act(self, desk: Desk) -> Page:
        page = desk.ada.press(f"/admin/bookings/{desk.booking_id}/refund", desk.form)
        assert "The refund is on its way. Its state is in the ledger below." in page.words
        desk.work()
        page = desk.ada.open(f"/admin/bookings/{desk.booking_id}")
        assert self.sent.words not in page.words or self.count(desk) == 1
        return page

    def check(self, desk: Desk) -> None:
        assert desk.shop.state(desk.booking_id) == ("confirmed", "partially_refunded")
        assert [(str(row.status), row.amount_minor) for row in desk.shop.refunds(desk.booking_id)] == [
            ("succeeded", 700)
        ]
        assert desk.shop.mails(desk.booking_id).count("refund_sent") == 1


class _OfADisputedBooking(_OfAPaidBooking):
    """The bank has taken the money back, and the shop knows."""

    method, path, is_prefix, card = "POST", "/v1/disputes/", True, DISPUTED

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        desk.pass_time(seconds=5)
        desk.hear("charge.dispute.created")

    def at_stripe(self, desk: Desk) -> Any:
        (dispute,) = desk.stripe.disputes.list().data
        return dispute.to_dict()

    def submissions(self, desk: Desk) -> int:
        return int(self.at_stripe(desk)["evidence_details"]["submission_count"])

    def press(self, desk: Desk, button: str, **more: str) -> Page:
        form = fields_of(desk.ada.get("/admin/disputes/1").text)
        return desk.ada.press(f"/admin/disputes/1/{button}", {**form, **TEXTS, **more})


class StaffDrafts(_OfADisputedBooking):
    call = "stage_evidence"
    said = {
        ANSWERED: (Said(200, "The draft is saved, here and at Stripe. The bank was told nothing yet."),),
        UNKNOWN: (Said(200, "The draft is saved here. Stripe did not answer;"),),
        ELSEWISE: (Said(200, "The draft is saved, here and at Stripe. The bank was told nothing yet."),),
    }

    def act(self, desk: Desk) -> Page:
        return self.press(desk, "draft")

    def count(self, desk: Desk) -> int:
        return 1 + self.submissions(desk)  # a draft that the bank was shown would be one too many

    def check(self, desk: Desk) -> None:
        super().check(desk)
        kept = self.at_stripe(desk)["evidence"]
        assert {name: kept[name] for name in FIELDS} == TEXTS
        assert "It lies at Stripe, and the bank has not seen it." in desk.ada.open("/admin/disputes/1").words


class StaffMakesFiles(_OfADisputedBooking):
    call, path = "upload_evidence_file", "/v1/files"
    said = {
        ANSWERED: (Said(200, "The files are made, and lie at Stripe with the draft."),),
        UNKNOWN: (Said(200, "The files are made and kept. Stripe did not answer;"),),
        ELSEWISE: (Said(200, "The files are made, and lie at Stripe with the draft."),),
    }

    def act(self, desk: Desk) -> Page:
        return self.press(desk, "files")

    def count(self, desk: Desk) -> int:
        names = Counter(file.filename for file in desk.stripe.files.list().data)
        return max(names.values(), default=0)

    def check(self, desk: Desk) -> None:
        super().check(desk)
        assert None not in {self.at_stripe(desk)["evidence"][FILE_FIELDS[kind]] for kind in MADE}
        assert self.submissions(desk) == 0


class StaffAnswers(_OfADisputedBooking):
    call = "submit_evidence"
    said = {
        ANSWERED: (Said(200, "The answer is sent. Nothing more can be added;"),),
        UNKNOWN: (Said(200, "Whether the answer was sent is being found out; it cannot be sent twice."),),
        ELSEWISE: (Said(200, "It can be sent once."),),
    }

    def act(self, desk: Desk) -> Page:
        return self.press(desk, "submit", read_all="y")

    def count(self, desk: Desk) -> int:
        return self.submissions(desk)

    def check(self, desk: Desk) -> None:
        super().check(desk)
        assert "It cannot be sent again." in desk.ada.open("/admin/disputes/1").words


class StaffLooksAtADispute(_OfADisputedBooking):
    """The bank has decided, and nobody told."""

    call, method = "look_up_dispute", "GET"
    said = {
        ANSWERED: (Said(200, "This is how it stands at Stripe."),),
        UNKNOWN: (Said(200, "Stripe did not answer. What is shown here is what we knew before."),),
    }

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        desk.shop.stripe.post(f"disputes/{self.at_stripe(desk)['id']}", {"status": "lost"})

    def act(self, desk: Desk) -> Page:
        return self.press(desk, "look")

    def count(self, desk: Desk) -> int:
        return len(desk.shop.disputes(desk.booking_id))

    def check(self, desk: Desk) -> None:
        super().check(desk)
        assert desk.shop.disputes(desk.booking_id)[0].status == "lost"


# --- the operator, who asks for what nobody told ---------------------------------------------------------------------


def _no_list(name: str) -> dict[str, tuple[Said, ...]]:
    problem = f"PROBLEM list: Stripe's list of {name}: no usable answer from Stripe (gateway_unavailable)"
    return {ANSWERED: (Said(0, ""),), UNKNOWN: (Said(1, problem),), ELSEWISE: (Said(0, "Nothing to do"),)}


class OperatorMissesMoney(Story):
    """Paid late in a session that is too old to be listed, of an attempt that was closed here."""

    call, path = "list_charges", "/v1/charges"
    said = _no_list("payments")

    def prepare(self, desk: Desk) -> None:
        desk.book()
        desk.pass_time(minutes=30)
        desk.pay()
        with desk.shop.app.app_context():
            attempt = db.session.query(Attempt).one()
            attempt.status = AttemptStatus.EXPIRED
            db.session.commit()

    def act(self, desk: Desk) -> Page:
        return desk.run("reconcile", "--since", "20m")

    def count(self, desk: Desk) -> int:
        return desk.count("payment_intent.succeeded")

    def check(self, desk: Desk) -> None:
        assert desk.shop.state(desk.booking_id) == ("confirmed", "paid")
        assert len(desk.shop.payments(desk.booking_id)) == 1


class OperatorFindsMoney(OperatorMissesMoney):
    """The charge is listed; whose it is must be asked."""

    call, path, is_prefix = "look_up_payment", "/v1/payment_intents/", True


class OperatorMissesARefund(_OfAPaidBooking):
    call, path = "list_new_refunds", "/v1/refunds"
    said = _no_list("refunds")

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        refund_in_dashboard(desk)

    def act(self, desk: Desk) -> Page:
        return desk.run("reconcile")

    def check(self, desk: Desk) -> None:
        assert desk.shop.state(desk.booking_id) == ("confirmed", "partially_refunded")
        assert [(str(row.reason), row.amount_minor) for row in desk.shop.refunds(desk.booking_id)] == [
            ("external", 500)
        ]
        assert desk.shop.mails(desk.booking_id).count("external_refund") == 1


class OperatorMissesADispute(_OfAPaidBooking):
    call, path, card = "list_disputes", "/v1/disputes", DISPUTED
    said = _no_list("disputes")

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        desk.pass_time(seconds=5)

    def act(self, desk: Desk) -> Page:
        return desk.run("reconcile")

    def count(self, desk: Desk) -> int:
        return desk.count("charge.dispute.created")

    def check(self, desk: Desk) -> None:
        assert (desk.shop.booking(desk.booking_id).disputed, len(desk.shop.disputes(desk.booking_id))) == (True, 1)
        assert desk.shop.mails(desk.booking_id).count("dispute") == 1


# --- Stripe, whose events make us ask ---------------------------------------------------------------------------------


def refund_in_dashboard(desk: Desk) -> None:
    (intent,) = desk.stripe.payment_intents.list().data
    desk.stripe.refunds.create(params={"payment_intent": intent.id, "amount": 500})


class WorkerLooksForRefunds(OperatorMissesARefund):
    """`charge.refunded` says that something was refunded, and not what."""

    call, path = "list_refunds", "/v1/refunds"
    known = Said(200, "Refunded €5.00")
    counted = Said(200, "Stripe's charge counts more refunds than are listed here; they are being looked up.")
    said = {ANSWERED: (known,), UNKNOWN: (counted, known), ELSEWISE: (counted, known)}

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        desk.hear("charge.refunded")

    def act(self, desk: Desk) -> Page:
        desk.work()
        return desk.ada.open(f"/admin/bookings/{desk.booking_id}")


class WorkerCountsRefunds(WorkerLooksForRefunds):
    call, path, is_prefix = "look_up_refunded", "/v1/payment_intents/", True


HEARD, NOT_HEARD, HEARD_BEFORE = Said(200, '"success"'), Said(503, '"error"'), Said(200, '"ignored"')


class StripeTellsInAnotherVersion(Story):
    """The event is good for its id alone; what it is about has to be fetched."""

    call, path, is_prefix = "fetch_evidence", SESSION, True
    said = {ANSWERED: (HEARD,), UNKNOWN: (NOT_HEARD,), ELSEWISE: (HEARD, HEARD_BEFORE)}

    def prepare(self, desk: Desk) -> None:
        desk.book()
        desk.pay()
        (event,) = desk.shop.stripe.events("checkout.session.completed")
        shown = {"id": event["data"]["object"]["id"], "object": "checkout.session"}
        self.event = envelope("checkout.session.completed", shown, api_version="2024-06-20")

    def act(self, desk: Desk) -> Page:
        return desk.deliver(self.event)

    def again(self, desk: Desk) -> None:
        assert desk.deliver(self.event).status == 200

    def count(self, desk: Desk) -> int:
        return desk.count("payment_intent.succeeded")

    def check(self, desk: Desk) -> None:
        assert desk.shop.state(desk.booking_id) == ("confirmed", "paid")
        assert desk.shop.mails(desk.booking_id) == ["confirmed", "new_booking"]


class StripeTellsOfARefundBeforeItsPayment(StripeTellsInAnotherVersion):
    """A refund made in the dashboard says nothing of whose payment it is of, and nobody told of that one yet."""

    call, path = "look_up_payment", "/v1/payment_intents/"

    def prepare(self, desk: Desk) -> None:
        desk.book()
        desk.pay()
        refund_in_dashboard(desk)
        (self.event,) = desk.shop.stripe.events("refund.created")

    def check(self, desk: Desk) -> None:
        assert desk.shop.state(desk.booking_id) == ("confirmed", "partially_refunded")
        assert [row.amount_minor for row in desk.shop.refunds(desk.booking_id)] == [500]


def stories_below(kind: type[Story]) -> list[type[Story]]:
    """Every row of the table, of this module and of all that are imported."""
    found = [story for child in kind.__subclasses__() for story in (child, *stories_below(child))]
    return [story for story in found if not story.__name__.startswith("_")]
