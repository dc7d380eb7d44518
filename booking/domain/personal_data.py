"""The map of personal data: for each column that can hold text, whether it tells of a guest and what becomes of it.

`tests/test_personal_data.py` fails on a column that is not in it, so that nobody adds one without deciding.
"""

from collections.abc import Mapping
from enum import StrEnum


class Holds(StrEnum):
    """What a column holds, seen from the guest's side."""

    GUEST = "guest"  # what a guest told us or was told of them: in their export, and erased
    MAY = "may"  # text or JSON in which a guest may be named: in their export, and cleaned when they are erased
    FACT = "fact"  # about a booking, names nobody: in the export, and kept
    KEY = "key"  # opens or identifies something: never in an export; erased where it was made of the guest
    STAFF = "staff"  # about the people of the house
    HOUSE = "house"  # the shop's own words and settings


# Of tables whose rows belong to a booking. The names are those of the schema.
OF_BOOKINGS: Mapping[str, Mapping[str, Holds]] = {
    "booking": {
        "reference": Holds.FACT,
        "hold_key": Holds.KEY,
        "browser_key": Holds.KEY,
        "currency": Holds.FACT,
        "quote": Holds.FACT,
        "terms": Holds.FACT,
        "wishes": Holds.FACT,
        "plan": Holds.FACT,
        "guest_name": Holds.GUEST,
        "guest_email": Holds.GUEST,
        "guest_phone": Holds.GUEST,
        "message": Holds.GUEST,
        "arrival_time": Holds.GUEST,
        "language": Holds.FACT,
    },
    "access_link": {"token_hash": Holds.KEY},
    "attempt": {
        "token": Holds.FACT,
        "currency": Holds.FACT,
        "idempotency_key": Holds.FACT,
        "params": Holds.MAY,  # Stripe was told the guest's address
        "session_id": Holds.FACT,
        "payment_intent_id": Holds.FACT,
        "url": Holds.KEY,
        "decline_code": Holds.FACT,
    },
    "booking_event": {
        "kind": Holds.FACT,
        "actor": Holds.STAFF,
        "stripe_event_id": Holds.FACT,
        "note": Holds.MAY,  # what staff wrote of a guest
    },
    "outbox": {"dedupe_key": Holds.FACT, "payload": Holds.MAY, "last_error": Holds.FACT, "letter": Holds.GUEST},
    "webhook_event": {
        "id": Holds.FACT,
        "type": Holds.FACT,
        "object_id": Holds.FACT,
        "note": Holds.FACT,
        "payload": Holds.MAY,  # whom Stripe named
    },
    "due": {
        "currency": Holds.FACT,
        "note": Holds.MAY,  # what staff wrote to a guest
        "requested_by": Holds.STAFF,
        "form_token": Holds.KEY,
    },
    "card_consent": {"text": Holds.FACT, "language": Holds.FACT, "currency": Holds.FACT},
    "saved_card": {
        "customer_id": Holds.FACT,
        "payment_method_id": Holds.FACT,
        "brand": Holds.GUEST,
        "last4": Holds.GUEST,
        "detach_key": Holds.KEY,
    },
    "stay_change": {
        "currency": Holds.FACT,
        "quote": Holds.FACT,
        "requested_by": Holds.STAFF,
        "form_token": Holds.KEY,
    },
    "stay_request": {
        "consent": Holds.FACT,
        "answered_by": Holds.STAFF,
        "reason": Holds.MAY,  # what the host wrote to a guest
    },
    "authorisation": {
        "payment_intent_id": Holds.FACT,
        "currency": Holds.FACT,
        "capture_key": Holds.FACT,
        "capture_params": Holds.FACT,
        "release_key": Holds.FACT,
        "release_params": Holds.FACT,
    },
    "payment": {"payment_intent_id": Holds.FACT, "charge_id": Holds.FACT, "currency": Holds.FACT},
    "refund": {
        "token": Holds.FACT,
        "currency": Holds.FACT,
        "requested_by": Holds.STAFF,
        "idempotency_key": Holds.FACT,
        "params": Holds.FACT,
        "stripe_refund_id": Holds.FACT,
        "form_token": Holds.KEY,
        "failure_reason": Holds.FACT,
    },
    "dispute": {
        "stripe_dispute_id": Holds.FACT,
        "currency": Holds.FACT,
        "status": Holds.FACT,
        "reason": Holds.FACT,
    },
    "evidence_draft": {
        "texts": Holds.MAY,
        "saved_by": Holds.STAFF,
        "idempotency_key": Holds.FACT,
        "refused": Holds.FACT,
    },
    # What is in the files is in the guest's export by itself; they are emptied with everything else.
    "evidence_file": {
        "name": Holds.FACT,
        "digest": Holds.FACT,
        "idempotency_key": Holds.FACT,
        "stripe_file_id": Holds.FACT,
    },
    "evidence_submission": {"texts": Holds.MAY, "idempotency_key": Holds.FACT, "submitted_by": Holds.STAFF},
}

# Of tables whose rows belong to a guest's account in the club.
OF_ACCOUNTS: Mapping[str, Mapping[str, Holds]] = {
    "guest_account": {"email": Holds.GUEST, "language": Holds.FACT, "stripe_customer_id": Holds.FACT},
    # Whom Stripe knows by the same address: only who has an account.
    "customer": {
        "email": Holds.GUEST,
        "token": Holds.FACT,
        "idempotency_key": Holds.FACT,
        "params": Holds.GUEST,
        "stripe_customer_id": Holds.FACT,
    },
    "guest_link": {"email": Holds.GUEST, "language": Holds.FACT, "token_hash": Holds.KEY},
    "guest_session": {"token_hash": Holds.KEY},
    "joining": {
        "token": Holds.FACT,
        "idempotency_key": Holds.FACT,
        "params": Holds.MAY,  # Stripe was told the address
        "consent": Holds.FACT,
        "session_id": Holds.FACT,
        "url": Holds.KEY,
    },
    "membership": {"subscription_id": Holds.FACT, "currency": Holds.FACT},
    "portal_visit": {"idempotency_key": Holds.FACT, "params": Holds.FACT},
}

# Of tables that belong to the house. Nothing in them is a guest's.
OF_THE_HOUSE: Mapping[str, Mapping[str, Holds]] = {
    "heartbeat": {"name": Holds.HOUSE},
    "instance": {"instance_id": Holds.HOUSE},
    "promise_check": {"code": Holds.HOUSE},
    "property": dict.fromkeys(
        (
            "name", "tagline", "address", "timezone", "currency", "contact_email", "contact_phone", "check_in_from",
            "check_out_by", "house_rules", "directions", "translations",
        ),
        Holds.HOUSE,
    ),
    "listing": dict.fromkeys(
        (
            "slug", "name", "summary", "description", "beds", "amenities", "access_notes",
            "registration", "translations", "weekday_minor",
            "tourist_tax_per", "arrive_on", "leave_on",
        ),
        Holds.HOUSE,
    ),
    "season": dict.fromkeys(("name", "weekday_minor", "translations"), Holds.HOUSE),
    "discount": dict.fromkeys(("name", "translations"), Holds.HOUSE),
    "fee": dict.fromkeys(("name", "translations"), Holds.HOUSE),
    "extra": dict.fromkeys(("name", "translations"), Holds.HOUSE),
    "tax": dict.fromkeys(("name", "parts", "translations"), Holds.HOUSE),
    "coupon": {"code": Holds.HOUSE},
    "club_plan": dict.fromkeys(("lookup_key", "name", "currency"), Holds.HOUSE),
    "catalog_entry": dict.fromkeys(("product_id", "product_name", "price_id"), Holds.HOUSE),
    "catalog_errand": dict.fromkeys(("target", "idempotency_key", "params", "stripe_id", "refused"), Holds.HOUSE),
    "stay_rule": dict.fromkeys(("name", "arrive_on", "leave_on"), Holds.HOUSE),
    "cancellation_policy": {"name": Holds.HOUSE},
    "photo": dict.fromkeys(("digest", "colour", "alt", "translations"), Holds.HOUSE),
    "unit": {"name": Holds.HOUSE},
    "audit_head": {"seal": Holds.KEY},
    # Bookings are named by their reference alone, and never a guest: the log is kept for good.
    "audit_line": {
        "who": Holds.STAFF, "action": Holds.HOUSE, "subject": Holds.HOUSE, "before": Holds.HOUSE, "after": Holds.HOUSE,
        "request_id": Holds.HOUSE, "address": Holds.STAFF, "previous": Holds.KEY, "seal": Holds.KEY,
    },
    "old_slug": {"slug": Holds.HOUSE},
    "job": {
        "kind": Holds.HOUSE, "message": Holds.HOUSE, "who": Holds.STAFF, "params": Holds.HOUSE, "result": Holds.HOUSE,
    },
    "closure": {"reason": Holds.HOUSE, "created_by": Holds.STAFF},
    "rate_window": {"key": Holds.KEY},
    "saved_filter": {"name": Holds.STAFF, "query": Holds.STAFF},  # never whom they looked for
    "recovery_code": {"code_hash": Holds.KEY},
    "staff": {
        "email": Holds.STAFF, "name": Holds.STAFF, "password_hash": Holds.KEY, "session_key": Holds.KEY,
        "code_seed": Holds.KEY,
    },
    "staff_link": {"token_hash": Holds.KEY},
    "staff_session": {
        "token_hash": Holds.KEY, "session_key": Holds.KEY, "address": Holds.STAFF, "browser": Holds.STAFF,
    },
}  # fmt: skip

# What stands in a guest's export.
IS_TOLD = frozenset((Holds.GUEST, Holds.MAY, Holds.FACT))
