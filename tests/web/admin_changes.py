"""One working request for every route of the staff pages that changes something, and what the audit log says of it.

A new POST route needs a line here: `change("admin.your_route", "thing.done")` above a function that makes the house
ready and gives the path and the form. tests/web/test_permits.py sends it as Ada and looks for exactly one line. Where
it is somebody else who sends it, `browser` signs them in and `who` is how the log names them.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from typing import Any

from flask.testing import FlaskClient

from booking.database import transaction
from booking.domain.club import Interval
from booking.domain.evidence import FIELDS
from booking.domain.money import Money
from booking.domain.rates import Per
from booking.domain.roles import Role
from booking.domain.states import DueKind, DueStatus
from booking.gateways.payments import DisputeEvidence, GatewayUnavailable
from booking.models import (
    CancellationPolicy,
    CancellationTier,
    CatalogEntry,
    ClubPlan,
    DayPrice,
    Due,
    Fee,
    Photo,
    StayRule,
)
from booking.models.staff import StaffLinkPurpose
from booking.services import people, staff
from tests.support.shop import MemoryPictures
from tests.web.admin_house import ADA, BEN, FIRST, NOW, PASSWORD, House

Asked = tuple[str, dict[str, Any]]
TOKEN = "0123456789abcdef" * 2
PRESS = {"submit": ""}  # a browser's POST always says how long it is


@dataclass(frozen=True, slots=True)
class Change:
    """What is sent, by whom, and the action that the log names."""

    action: str
    prepare: Callable[[House], Asked]
    browser: Callable[[House], FlaskClient] = House.ada
    who: str = ADA


CHANGES: dict[str, Change] = {}
# Routes that take a form and change nothing that lasts.
NO_CHANGE = {"admin.check_phone_booking", "admin.change_phone_booking", "admin.check_fee"}


def change(endpoint: str, action: str, **more: Any) -> Callable[[Callable[[House], Asked]], Callable[[House], Asked]]:
    """Put a request into the table."""

    def add(prepare: Callable[[House], Asked]) -> Callable[[House], Asked]:
        CHANGES[endpoint] = Change(action, prepare, **more)
        return prepare

    return add


# --- one's own account ----------------------------------------------------------------------------------------------


@change("auth.sign_in", "staff.signed_in", browser=House.stranger)
def _sign_in(house: House) -> Asked:
    return "/admin/login", {"email": ADA, "password": PASSWORD}


@change("auth.logout", "staff.signed_out")
def _sign_out(house: House) -> Asked:
    return "/admin/logout", PRESS


def _with_password_alone(house: House) -> FlaskClient:
    """A browser in which Ada has typed her password and not her code yet."""
    client = house.stranger()
    answer = client.post("/admin/login", data={"email": ADA, "password": PASSWORD})
    assert answer.location.startswith("/admin/login/code")
    return client


def _with_codes(house: House) -> FlaskClient:
    """A browser in which Ada has signed in with both."""
    client = _with_password_alone(house)
    assert client.post("/admin/login/code", data={"code": house.next_code()}).status_code == 303
    return client


@change("auth.check_code", "staff.signed_in", browser=_with_password_alone)
def _check_code(house: House) -> Asked:
    house.set_up_codes()
    return "/admin/login/code", {"code": house.next_code()}


@change("auth.prove", "staff.proved_again")
def _prove(house: House) -> Asked:
    return "/admin/proof", {"proof_password": PASSWORD, "proof_next": "/admin/people"}


@change("auth.end_sign_in", "staff.sign_in_ended")
def _end_sign_in(house: House) -> Asked:
    house.ada()
    return "/admin/account/sign-ins/1/end", PRESS


@change("auth.begin_codes", "codes.begun")
def _begin_codes(house: House) -> Asked:
    return "/admin/account/codes/begin", PRESS


@change("auth.confirm_codes", "codes.on")
def _confirm_codes(house: House) -> Asked:
    house.begin_codes()
    return "/admin/account/codes", {"code": house.code()}


@change("auth.renew_recovery", "codes.recovery_renewed", browser=_with_codes)
def _renew_recovery(house: House) -> Asked:
    house.set_up_codes()
    return "/admin/account/codes/recovery", PRESS


@change("auth.codes_off", "codes.off", browser=_with_codes)
def _codes_off(house: House) -> Asked:
    house.set_up_codes()
    return "/admin/account/codes/off", PRESS


@change("auth.choose_password", "people.joined", browser=House.stranger, who=BEN)
def _choose_password(house: House) -> Asked:
    _invite(house)
    with house.app.app_context(), transaction() as session:
        token = people.mint_link(session, 2, StaffLinkPurpose.INVITATION, NOW)
    return f"/admin/m/{token}", {"name": "Ben", "password": "brass lamp over the stairs"}


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


@change("admin.accept_request", "request.accepted")
def _accept_request(house: House) -> Asked:
    _use(house, DeafStripe(house.runtime.payments))
    return f"/admin/requests/{house.ask()}/accept", PRESS


@change("admin.decline_request", "request.declined")
def _decline_request(house: House) -> Asked:
    _use(house, DeafStripe(house.runtime.payments))
    return f"/admin/requests/{house.ask()}/decline", {"reason": "The roof is being mended."}


@change("admin.change_requests", "listing.requests_set")
def _change_requests(house: House) -> Asked:
    return "/admin/listings/1/requests", {"takes_requests": "y", "answer_hours": "24"}


@change("admin.place_phone_booking", "booking.made")
def _place_phone_booking(house: House) -> Asked:
    return "/admin/bookings/new", phone_form(method="cash")


def phone_form(**typed: str) -> dict[str, str]:
    """What the last page of a booking by telephone sends: four nights for two."""
    stay = {"listing": "1", "arrive": "2027-03-12", "leave": "2027-03-16", "guests": "2", "shown_minor": "61200"}
    guest = {"name": "Grace Hopper", "email": "grace@example.org", "language": "en", "form_token": TOKEN}
    return {**stay, **guest, **typed}


@change("admin.hand_over", "refund.handed_over")
def _hand_over(house: House) -> Asked:
    house.ada().post("/admin/bookings/new", data=phone_form(method="cash"))
    house.ada().post("/admin/bookings/1/refund", data={"amount": "20.00", "form_token": TOKEN})
    return "/admin/refunds/1/handed-over", PRESS


@change("admin.change", "booking.changed")
def _change(house: House) -> Asked:
    return f"/admin/bookings/{house.book()}/change", change_form()


def change_form(**typed: str) -> dict[str, str]:
    """What the last page of a change of dates sends: a day later, at the price it has."""
    stay = {"arrive": "2027-03-13", "leave": "2027-03-17", "guests": "2", "price": "keep", "shown_minor": "61200"}
    return {**stay, "form_token": TOKEN, **typed}


@change("admin.withdraw_change", "booking.change_withdrawn")
def _withdraw_change(house: House) -> Asked:
    _use(house, DeafStripe(house.runtime.payments))
    booking_id = house.book()
    dearer = change_form(arrive="2027-03-12", price="new", shown_minor="74700")
    house.ada().post(f"/admin/bookings/{booking_id}/change", data=dearer)
    return f"/admin/bookings/{booking_id}/change/withdraw", PRESS


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


@change("admin.attach_papers", "dispute.files_made")
def _attach_papers(house: House) -> Asked:
    return _disputed(house, "files"), _texts()


@change("admin.add_evidence_file", "dispute.file_added")
def _add_evidence_file(house: House) -> Asked:
    return _disputed(house, "files/add"), {**_texts(), "added_as": "signed", "added": (BytesIO(b"%PDF-1"), "form.pdf")}


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

    def upload_evidence_file(self, name: str, _content: bytes, _key: str) -> str:
        return f"file_{name}"

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


# --- the house ------------------------------------------------------------------------------------------------------

LOFT = {"name": "The Loft", "slug": "the-loft", "max_guests": "3", "bedrooms": "1"}
PICTURE = b"what this is, the worker finds out"


@change("admin.keep_house", "house.changed")
def _keep_house(house: House) -> Asked:
    place = {"name": "Seal Harbour", "contact_email": ADA, "timezone": "Europe/Oslo", "currency": "eur"}
    return "/admin/house", {**place, "check_in_from": "15:00", "check_out_by": "11:00"}


@change("admin.setup_house", "house.changed")
def _setup_house(house: House) -> Asked:
    return "/admin/setup/house", _keep_house(house)[1]


@change("admin.setup_listing", "listing.made")
def _setup_listing(house: House) -> Asked:
    return "/admin/setup/listing", _make_listing(house)[1]


@change("admin.make_trial", "trial.placed")
def _make_trial(house: House) -> Asked:
    _use(house, DeafStripe(house.runtime.payments))
    return "/admin/setup/test-booking", PRESS


@change("admin.send_test_mail", "mail.test_asked")
def _send_test_mail(house: House) -> Asked:
    return "/admin/house/test-mail", {"form_token": TOKEN}


@change("admin.make_listing", "listing.made")
def _make_listing(house: House) -> Asked:
    return "/admin/listings/new", {"name": "Dune House", "nightly": "188", "max_guests": "6", "units": "1"}


@change("admin.change_listing", "listing.changed")
def _change_listing(house: House) -> Asked:
    return "/admin/listings/1", LOFT


@change("admin.move_listing", "listing.moved")
def _move_listing(house: House) -> Asked:
    return "/admin/listings/1/move", {"to": "down"}


@change("admin.take_off_sale", "listing.taken_off_sale")
def _take_off_sale(house: House) -> Asked:
    return "/admin/listings/1/off-sale", PRESS


@change("admin.put_on_sale", "listing.put_on_sale")
def _put_on_sale(house: House) -> Asked:
    return "/admin/listings/1/on-sale", PRESS


@change("admin.add_unit", "unit.added")
def _add_unit(house: House) -> Asked:
    return "/admin/listings/1/units", {"name": "Attic"}


@change("admin.rename_unit", "unit.renamed")
def _rename_unit(house: House) -> Asked:
    return f"/admin/units/{house.unit_id}", {"name": "Attic"}


@change("admin.move_unit", "unit.moved")
def _move_unit(house: House) -> Asked:
    return f"/admin/units/{house.unit_id}/move", {"to": "down"}


@change("admin.rest_unit", "unit.taken_out_of_use")
def _rest_unit(house: House) -> Asked:
    return f"/admin/units/{house.unit_id}/rest", PRESS


@change("admin.use_unit", "unit.put_in_use")
def _use_unit(house: House) -> Asked:
    return f"/admin/units/{house.unit_id}/use", PRESS


@change("admin.add_photos", "photos.sent")
def _add_photos(house: House) -> Asked:
    _take_pictures(house)
    return "/admin/listings/1/photos", {"files": (BytesIO(PICTURE), "room.jpg")}


@change("admin.describe_photos", "photos.described")
def _describe_photos(house: House) -> Asked:
    return "/admin/listings/1/photos/words", {f"alt_{_hang_photo(house)}_en": "A room"}


@change("admin.move_photo", "photos.ordered")
def _move_photo(house: House) -> Asked:
    return f"/admin/photos/{_hang_photo(house)}/move", {"to": "first"}


@change("admin.remove_photo", "photo.removed")
def _remove_photo(house: House) -> Asked:
    return f"/admin/photos/{_hang_photo(house)}/remove", PRESS


def _take_pictures(house: House) -> None:
    house.app.extensions["holdfast"] = dataclasses.replace(house.runtime, pictures=MemoryPictures())


def _hang_photo(house: House) -> int:
    _take_pictures(house)
    with house.rows() as session:
        photo = Photo(listing_id=1, digest="0" * 64, width=9, height=9, colour="#ffffff")
        session.add(photo)
        session.flush()
        return photo.id


# --- system ---------------------------------------------------------------------------------------------------------


@change("admin.replay_webhook", "webhook.replayed")
def _replay_webhook(house: House) -> Asked:
    payload = {"id": "evt_1", "object": "event", "type": "customer.created", "data": {"object": {"object": "customer"}}}
    house.event("evt_1", "ignored", payload=payload, type="customer.created")
    return "/admin/webhooks/evt_1/replay", PRESS


@change("admin.retry_mail", "errand.retried")
def _retry_mail(house: House) -> Asked:
    return f"/admin/mails/{house.errand()}/retry", PRESS


@change("admin.replay_stuck", "webhooks.replayed")
def _replay_stuck(house: House) -> Asked:
    house.event("evt_1", "failed")
    return "/admin/webhook-replays", PRESS


@change("admin.reconcile_now", "stripe.compared")
def _reconcile_now(house: House) -> Asked:
    return "/admin/reconcile", PRESS


# --- rates ----------------------------------------------------------------------------------------------------------


@change("admin.save_rate", "rates.season_added")
def _save_rate(house: House) -> Asked:
    days = {"first_on": "2027-06-01", "last_on": "2027-08-31"}
    return "/admin/rates/seasons/1", {"name": "Summer", "nightly_minor": "180", **days}


@change("admin.remove_rate", "rates.fee_removed")
def _remove_rate(house: House) -> Asked:
    with house.rows() as session:
        session.add(Fee(listing_id=1, name="Dog", amount_minor=2500, per=Per.STAY))
    return "/admin/rates/fees/1/1/remove", PRESS


@change("admin.remove_day", "rates.day_removed")
def _remove_day(house: House) -> Asked:
    with house.rows() as session:
        session.add(DayPrice(listing_id=1, day=FIRST.arrive, nightly_minor=20000))
    return f"/admin/rates/days/1/{FIRST.arrive}/remove", PRESS


# --- stay rules, policies, guests who did not come ------------------------------------------------------------------

RULES = {"min_nights": "2", "max_nights": "21", "notice_days": "1", "horizon_days": "400", "turnover_days": "1",
         "arrive_on": ["4", "5"], "leave_on": ["0", "6"], "avoid_gaps": "y"}  # fmt: skip
SUMMER = {"name": "Summer", "first_on": "2027-07-01", "last_on": "2027-08-31", "min_nights": "7", "avoid_gaps": ""}
FIRM = {"property_id": "1", "name": "Firm", "days_0": "30", "percent_0": "100", "days_1": "14", "percent_1": "50",
        "returns_tourist_tax": "y"}  # fmt: skip
DEPOSIT = {"kind": "deposit", "percent": "30", "days_before": "14"}


def _has_range(house: House) -> int:
    with house.rows() as session:
        days = {"first_on": date(2027, 5, 1), "last_on": date(2027, 5, 31)}
        session.add(row := StayRule(listing_id=1, name="May", min_nights=3, every_night=False, **days))
        session.flush()
        return row.id


def _has_policy(house: House) -> int:
    with house.rows() as session:
        policy = CancellationPolicy(
            property_id=1, name="Flexible", tiers=[CancellationTier(days_before=1, percent=100)]
        )
        session.add(policy)
        session.flush()
        return policy.id


@change("admin.change_rules", "rules.changed")
def _change_rules(house: House) -> Asked:
    return "/admin/rules/1", RULES


@change("admin.add_range", "rules.range_added")
def _add_range(house: House) -> Asked:
    return "/admin/rules/1/ranges", SUMMER


@change("admin.change_range", "rules.range_changed")
def _change_range(house: House) -> Asked:
    return f"/admin/rules/1/ranges/{_has_range(house)}", SUMMER


@change("admin.remove_range", "rules.range_removed")
def _remove_range(house: House) -> Asked:
    return f"/admin/rules/1/ranges/{_has_range(house)}/remove", PRESS


@change("admin.add_policy", "policy.added")
def _add_policy(house: House) -> Asked:
    return "/admin/policies/new", FIRM


@change("admin.change_policy", "policy.changed")
def _change_policy(house: House) -> Asked:
    return f"/admin/policies/{_has_policy(house)}", FIRM


@change("admin.remove_policy", "policy.removed")
def _remove_policy(house: House) -> Asked:
    return f"/admin/policies/{_has_policy(house)}/remove", PRESS


@change("admin.choose_policy", "policy.chosen")
def _choose_policy(house: House) -> Asked:
    return "/admin/policies/of/1", {"policy_id": str(_has_policy(house))}


CLUB_PLAN = {"name": "Harbour Club", "price": "9.00", "currency": "eur", "interval": "month", "trial_days": "0",
             "percent": "10"}  # fmt: skip


def _has_club_plan(house: House) -> int:
    with house.rows() as session:
        plan = ClubPlan(
            lookup_key="club", name="Club", price_minor=500, currency="eur", interval=Interval.MONTH, off_share=500
        )
        session.add(plan)
        session.flush()
        session.add(
            CatalogEntry(
                plan_id=plan.id, livemode=False, product_id="prod_1", product_name="Club", is_on_sale=True,
                price_id="price_1",
            )
        )  # fmt: skip
        return plan.id


@change("admin.add_club_plan", "plan.added")
def _add_club_plan(house: House) -> Asked:
    return "/admin/club/plans/new", CLUB_PLAN


@change("admin.change_club_plan", "plan.changed")
def _change_club_plan(house: House) -> Asked:
    return f"/admin/club/plans/{_has_club_plan(house)}", CLUB_PLAN


@change("admin.retire_club_plan", "plan.retired")
def _retire_club_plan(house: House) -> Asked:
    return f"/admin/club/plans/{_has_club_plan(house)}/retire", PRESS


@change("admin.switch_club", "club.joined")
def _switch_club(house: House) -> Asked:
    _has_club_plan(house)
    return "/admin/club/houses/1", {"in_club": "1"}


@change("admin.change_property_plan", "plan.chosen")
def _change_property_plan(house: House) -> Asked:
    return "/admin/payment-plans/property/1", DEPOSIT


@change("admin.change_listing_plan", "plan.chosen")
def _change_listing_plan(house: House) -> Asked:
    return "/admin/payment-plans/listing/1", DEPOSIT


def _owes(house: House) -> str:
    booking_id = house.book()
    with house.rows() as session:
        due = Due(
            booking_id=booking_id, kind=DueKind.BALANCE, status=DueStatus.OPEN, amount_minor=5000, currency="eur",
            due_on=FIRST.arrive,
        )  # fmt: skip
        session.add(due)
        session.flush()
        return f"/admin/bookings/{booking_id}/owed/{due.id}"


@change("admin.take_due", "due.taken")
def _take_due(house: House) -> Asked:
    return f"{_owes(house)}/taken", {"amount": "50.00", "method": "cash", "note": "R 7"}


@change("admin.waive_due", "due.waived")
def _waive_due(house: House) -> Asked:
    return f"{_owes(house)}/waived", PRESS


@change("admin.mark_no_show", "booking.no_show")
def _mark_no_show(house: House) -> Asked:
    booking_id = house.book()
    house.clock.time = NOW + timedelta(days=11)
    return f"/admin/bookings/{booking_id}/no-show", {"amount": "0.00", "form_token": TOKEN}


# --- people ---------------------------------------------------------------------------------------------------------


@change("admin.invite", "people.invited")
def _send_invitation(house: House) -> Asked:
    return "/admin/people/invite", {"name": "Ben", "email": BEN, "role": "desk"}


@change("admin.invite_again", "people.invited_again")
def _invite_again(house: House) -> Asked:
    return f"/admin/people/{_invite(house)}/invite-again", PRESS


@change("admin.withdraw_invitation", "people.invitation_withdrawn")
def _withdraw_invitation(house: House) -> Asked:
    return f"/admin/people/{_invite(house)}/withdraw", PRESS


@change("admin.change_role", "people.role_changed")
def _change_role(house: House) -> Asked:
    return f"/admin/people/{_add(house)}/role", {"role": "manager"}


@change("admin.switch_off", "people.switched_off")
def _switch_off(house: House) -> Asked:
    return f"/admin/people/{_add(house)}/switch-off", PRESS


@change("admin.switch_on", "people.switched_on")
def _switch_on(house: House) -> Asked:
    staff_id = _add(house)
    with house.app.app_context():
        people.switch_off(house.runtime, ADA, staff_id)
    return f"/admin/people/{staff_id}/switch-on", PRESS


@change("admin.send_password_link", "people.password_link_sent")
def _send_password_link(house: House) -> Asked:
    return f"/admin/people/{_add(house)}/password-link", PRESS


@change("admin.take_codes_away", "codes.taken_away")
def _take_codes_away(house: House) -> Asked:
    staff_id = _add(house)
    house.set_up_codes(BEN)
    return f"/admin/people/{staff_id}/codes-away", PRESS


@change("admin.end_their_sign_ins", "staff.sign_ins_ended")
def _end_their_sign_ins(house: House) -> Asked:
    return f"/admin/people/{_add(house)}/end-sign-ins", PRESS


@change("admin.require_codes", "people.codes_required", browser=_with_codes)
def _require_codes(house: House) -> Asked:
    house.set_up_codes()
    return "/admin/people/require-codes", {"required": "yes"}


def _invite(house: House) -> int:
    with house.app.app_context():
        return people.invite(house.runtime, ADA, BEN, "Ben Example", Role.DESK)


def _add(house: House) -> int:
    with house.app.app_context():
        return staff.create_staff(house.runtime, BEN, "Ben Example", PASSWORD, Role.DESK)


# --- one's own filters ----------------------------------------------------------------------------------------------

KEPT = {"status": "cancelled", "name": "Cancelled ones"}


@change("admin.keep_filter", "filter.kept")
def _keep_filter(house: House) -> Asked:
    return "/admin/bookings/filters", KEPT


@change("admin.forget_filter", "filter.forgotten")
def _forget_filter(house: House) -> Asked:
    house.ada().post("/admin/bookings/filters", data=KEPT)
    return "/admin/bookings/filters/1/forget", PRESS


# --- saved cards and what is charged to them --------------------------------------------------------------------------


@change("admin.keep_card_rules", "house.card_rules")
def _keep_card_rules(house: House) -> Asked:
    return "/admin/cards", {"keeps_cards": "y", "damage_most": "200"}


@change("admin.charge", "booking.fee_asked")
def _charge(house: House) -> Asked:
    booking_id = house.booking_with_card()
    path = f"/admin/bookings/{booking_id}/fee/damage"
    return path, {"amount": "120", "reason": "A broken window", "form_token": TOKEN}


@change("admin.try_due", "due.tried")
def _try_due(house: House) -> Asked:
    booking_id = house.booking_with_card()
    return f"/admin/bookings/{booking_id}/dues/{house.due(booking_id)}/try", PRESS


@change("admin.stop_due", "due.stopped")
def _stop_due(house: House) -> Asked:
    booking_id = house.booking_with_card()
    return f"/admin/bookings/{booking_id}/dues/{house.due(booking_id)}/stop", PRESS


@change("admin.send_due_link", "due.link_sent")
def _send_due_link(house: House) -> Asked:
    booking_id = house.booking_with_card()
    return f"/admin/bookings/{booking_id}/dues/{house.due(booking_id)}/link", {"form_token": TOKEN}
