"""Looks at the schema: the keys that make a second sale or a second effect impossible must really be there."""

from collections.abc import Iterator

from sqlalchemy import Inspector, inspect
from sqlalchemy.orm import Session

from booking.queries.invariants.given import Given

# What must be unique, by table. Indexes over part of a table are named instead.
UNIQUE = {
    "webhook_event": (("id",),),
    "outbox": (("dedupe_key",),),
    "attempt": (("session_id",), ("payment_intent_id",), ("idempotency_key",), ("token",)),
    "payment": (("payment_intent_id",),),
    "refund": (("stripe_refund_id",), ("idempotency_key",), ("form_token",), ("token",)),
    "dispute": (("stripe_dispute_id",),),
    "stay_change": (("form_token",),),
    "customer": (("email",), ("token",), ("idempotency_key",), ("stripe_customer_id",)),
    "due": (("form_token",),),
    "card_consent": (("booking_id",),),
    "saved_card": (("payment_method_id",), ("detach_key",)),
    "authorisation": (("attempt_id",), ("payment_intent_id",), ("capture_key",), ("release_key",)),
    "stay_request": (("booking_id",),),
    "guest_account": (("email",), ("stripe_customer_id",)),
    "guest_link": (("token_hash",),),
    "guest_session": (("token_hash",),),
    "joining": (("token",), ("idempotency_key",), ("session_id",)),
    "membership": (("subscription_id",),),
    "portal_visit": (("idempotency_key",),),
    "catalog_errand": (("idempotency_key",),),
    "evidence_draft": (("idempotency_key",),),
    "evidence_file": (("dispute_id", "kind", "digest"), ("idempotency_key",), ("stripe_file_id",)),
    "evidence_submission": (("dispute_id",), ("idempotency_key",)),
}
PARTIAL = {
    "uq_attempt_booking_id_live": "attempt",
    "uq_attempt_change_id_live": "attempt",
    "uq_attempt_due_id_live": "attempt",
    "uq_booking_hold_key_pending": "booking",
    "uq_catalog_errand_open": "catalog_errand",
    "uq_joining_account_id_live": "joining",
    "uq_saved_card_booking_id_default": "saved_card",
    "uq_stay_change_booking_id_open": "stay_change",
}


def find_missing_night_key(session: Session, given: Given) -> Iterator[str]:
    """Without it two bookings can have one night."""
    key = set(inspect(session.connection()).get_pk_constraint("night")["constrained_columns"])
    if key != {"unit_id", "day"}:
        yield "the key over unit and night is gone from the table `night`: a night can be sold twice"


def find_missing_keys(session: Session, given: Given) -> Iterator[str]:
    """Without these an event, a mail, a payment, a refund or an answer to a dispute can count twice."""
    schema = inspect(session.connection())
    for table, wanted in UNIQUE.items():
        there = _unique_columns(schema, table)
        for columns in wanted:
            if columns not in there:
                yield f"{', '.join(columns)} of the table `{table}` can repeat: its unique key is gone"
    for name, table in PARTIAL.items():
        if not any(index["name"] == name and index["unique"] for index in schema.get_indexes(table)):
            yield f"the unique index {name} is gone"


def _unique_columns(schema: Inspector, table: str) -> set[tuple[str, ...]]:
    """Every set of columns that the database keeps unique."""
    constraints = {tuple(found["column_names"]) for found in schema.get_unique_constraints(table)}
    indexes = {tuple(map(str, found["column_names"])) for found in schema.get_indexes(table) if found["unique"]}
    return {tuple(schema.get_pk_constraint(table)["constrained_columns"]), *constraints, *indexes}
