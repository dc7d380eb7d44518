"""One working request for every route of the staff pages that changes something, and what the audit log says of it.

A new POST route needs a line here: `change("admin.your_route", "thing.done")` above a function that makes the house
ready and gives the path and the form. tests/web/test_permits.py sends it as Ada and looks for exactly one line.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from booking.domain.evidence import FIELDS
from booking.domain.money import Money
from booking.gateways.payments import DisputeEvidence, GatewayUnavailable
from tests.web.admin_house import ADA, NOW, PASSWORD, House

Asked = tuple[str, dict[str, str]]
TOKEN = "0123456789abcdef" * 2
PRESS = {"submit": ""}  # a browser's POST always says how long it is


@dataclass(frozen=True, slots=True)
class Change:
    """What is sent, and the action that the log names. `by_stranger`: whoever sends it has not signed in yet."""

    action: str
    prepare: Callable[[House], Asked]
    by_stranger: bool = False


CHANGES: dict[str, Change] = {}
# Routes that take a form and change nothing that lasts.
NO_CHANGE = {"auth.logout"}


def change(endpoint: str, action: str, **more: bool) -> Callable[[Callable[[House], Asked]], Callable[[House], Asked]]:
    """Put a request into the table."""

    def add(prepare: Callable[[House], Asked]) -> Callable[[House], Asked]:
        CHANGES[endpoint] = Change(action, prepare, **more)
        return prepare

    return add


# --- one's own account ----------------------------------------------------------------------------------------------


@change("auth.sign_in", "staff.signed_in", by_stranger=True)
def _sign_in(house: House) -> Asked:
    return "/admin/login", {"email": ADA, "password": PASSWORD}


@change("auth.change_password", "staff.password_changed")
def _change_password(house: House) -> Asked:
    return "/admin/account/password", {"old_password": PASSWORD, "password": "brass lamp over the stairs"}


@change("auth.end_sign_ins", "staff.sign_ins_ended")
def _end_sign_ins(house: House) -> Asked:
    return "/admin/account/end-sign-ins", PRESS


# --- bookings -------------------------------------------------------------------------------------------------------


@change("admin.let_go", "booking.let_go")
def _let_go(house: House) -> Asked:
    return f"/admin/bookings/{house.book(status='pending', paid=False)}/let-go", PRESS


@change("admin.close_review", "booking.review_closed")
def _close_review(house: House) -> Asked:
    return f"/admin/bookings/{house.book(needs_review=True)}/review", {"note": "Paid in dollars."}


@change("admin.correct_address", "booking.address_changed")
def _correct_address(house: House) -> Asked:
    return f"/admin/bookings/{house.book()}/address", {"email": "hopper@example.org"}


@change("admin.send_mail_again", "mail.sent_again")
def _send_mail_again(house: House) -> Asked:
    booking_id = house.book()
    return f"/admin/bookings/{booking_id}/mails/{house.errand(booking_id, 'done')}/again", {"form_token": TOKEN}


@change("admin.mail_receipt", "mail.receipt_sent")
def _mail_receipt(house: House) -> Asked:
    return f"/admin/bookings/{house.book()}/receipt", {"form_token": TOKEN}


@change("admin.add_note", "booking.noted")
def _add_note(house: House) -> Asked:
    return f"/admin/bookings/{house.book()}/note", {"text": "Comes with a dog."}


@change("admin.make_link", "booking.link_made")
def _make_link(house: House) -> Asked:
    return f"/admin/bookings/{house.book()}/link", PRESS


@change("admin.give_more_time", "booking.given_more_time")
def _give_more_time(house: House) -> Asked:
    _use(house, DeafStripe(house.runtime.payments))
    return f"/admin/bookings/{house.book(status='pending', paid=False)}/more-time", {"minutes": "180"}


@change("admin.move", "booking.moved")
def _move(house: House) -> Asked:
    return f"/admin/bookings/{house.book()}/move/{house.other_unit_id}", PRESS


class DeafStripe:
    """Writes down what would be asked of Stripe, and never answers."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        if name.endswith("_params"):
            return getattr(self._real, name)
        raise GatewayUnavailable("nobody answers")


# --- calendar -------------------------------------------------------------------------------------------------------


@change("admin.close_nights", "closure.added")
def _close_nights(house: House) -> Asked:
    return "/admin/closures", _nights(house)


@change("admin.reopen_nights", "closure.removed")
def _reopen_nights(house: House) -> Asked:
    house.ada().post("/admin/closures", data=_nights(house))
    return "/admin/closures/1/reopen", PRESS


def _nights(house: House) -> dict[str, str]:
    return {"unit_id": str(house.unit_id), "arrive": "2027-03-12", "leave": "2027-03-16", "reason": "Painting"}


# --- money ----------------------------------------------------------------------------------------------------------


@change("admin.cancel", "booking.cancelled")
def _cancel(house: House) -> Asked:
    return f"/admin/bookings/{house.book()}/cancel", {"amount": "612.00", "form_token": TOKEN}


@change("admin.refund", "refund.ordered")
def _refund(house: House) -> Asked:
    return f"/admin/bookings/{house.book()}/refund", {"amount": "20.00", "form_token": TOKEN}


@change("admin.look_at_dispute", "dispute.looked_up")
def _look_at_dispute(house: House) -> Asked:
    return _disputed(house, "look"), PRESS


@change("admin.save_evidence", "dispute.draft_saved")
def _save_evidence(house: House) -> Asked:
    return _disputed(house, "draft"), _texts()


@change("admin.submit_evidence", "dispute.answered")
def _submit_evidence(house: House) -> Asked:
    return _disputed(house, "submit"), {**_texts(), "read_all": "y"}


class AnsweringStripe:
    """Says that the dispute waits for an answer, and takes what it is given."""

    def look_up_dispute(self, dispute_id: str, submissions: int = 0) -> DisputeEvidence:
        return DisputeEvidence(
            dispute_id=dispute_id, payment_intent_id=None, charge_id="ch_test0001", amount=Money(61200, "eur"),
            status="needs_response", reason="general", due_by=NOW, submissions=submissions,
            is_charge_refundable=True, funds_withdrawn=False,
        )  # fmt: skip

    def stage_evidence(self, dispute_id: str, _texts: Any, _key: str) -> DisputeEvidence:
        return self.look_up_dispute(dispute_id)

    def submit_evidence(self, dispute_id: str, _texts: Any, _key: str) -> DisputeEvidence:
        return self.look_up_dispute(dispute_id, submissions=1)


def _disputed(house: House, what: str) -> str:
    house.dispute(house.book())
    _use(house, AnsweringStripe())
    return f"/admin/disputes/1/{what}"


def _use(house: House, stripe: Any) -> None:
    house.app.extensions["holdfast"] = dataclasses.replace(house.runtime, payments=stripe)


def _texts() -> dict[str, str]:
    return {**dict.fromkeys(FIELDS, ""), "uncategorized_text": "They came and slept.", "seen": ""}


# --- system ---------------------------------------------------------------------------------------------------------


@change("admin.replay_webhook", "webhook.replayed")
def _replay_webhook(house: House) -> Asked:
    payload = {"id": "evt_1", "object": "event", "type": "customer.created", "data": {"object": {"object": "customer"}}}
    house.event("evt_1", "ignored", payload=payload, type="customer.created")
    return "/admin/webhooks/evt_1/replay", PRESS


@change("admin.retry_mail", "errand.retried")
def _retry_mail(house: House) -> Asked:
    return f"/admin/mails/{house.errand()}/retry", PRESS
