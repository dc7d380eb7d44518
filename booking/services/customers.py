"""Whom Stripe knows: one customer for each person who has proved an address and wants to be a member.

Who only keeps a card with a booking has not: Checkout makes a customer of its own for that one session (cards.py).
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.database import end_read, require_transaction, transaction
from booking.extensions import db
from booking.gateways.payments import CustomerOrder, Params
from booking.models import Customer
from booking.runtime import Runtime
from booking.services.attempts import CLOCK_DOUBT, LOOK_AFTER
from booking.services.instance import get_identity
from booking.services.keys import renew_key


@dataclass(frozen=True, slots=True)
class _Known:
    """A customer's row as plain values, to take out of the transaction."""

    id: int
    stripe_customer_id: str | None
    params: Params
    idempotency_key: str
    token: str
    created_at: datetime
    asked_at: datetime  # since when this key is used


def get_customer(runtime: Runtime, email: str) -> tuple[int, str]:
    """Our id and Stripe's of the customer with this address, made at Stripe where there was none. Commits.

    Asking twice, at once or after a crash, makes one: the row with its key is there before Stripe is asked. Who asks
    has made sure that the address is the person's own. https://docs.stripe.com/api/customers/create

    Raises:
        GatewayUnavailable: no answer; asking again goes on where this ended.
        GatewayRefused, GatewayConflict: Stripe will not make this customer.
    """
    address = email.strip().lower()
    known = _find(address) or _write(runtime, address)
    if known.stripe_customer_id is not None:
        return known.id, known.stripe_customer_id
    return known.id, _keep(known.id, _make_or_find(runtime, address, known))


def forget(session: Session, email: str) -> None:
    """Blank the customer with this address, whose account is erased. Joins the caller's transaction."""
    require_transaction(session)
    customer = session.scalar(select(Customer).where(Customer.email == email.strip().lower()))
    if customer is not None:
        customer.email, customer.params = None, {}


def _find(address: str) -> _Known | None:
    found = db.session.scalar(select(Customer).where(Customer.email == address))
    known = _plain(found) if found else None
    end_read()
    return known


def _write(runtime: Runtime, address: str) -> _Known:
    identity, token = get_identity(runtime), uuid.uuid4().hex
    params = runtime.payments.customer_params(CustomerOrder(identity.instance_id, token, address))
    customer = Customer(email=address, token=token, idempotency_key=f"customer:{token}", params=params)
    customer.created_at = customer.updated_at = runtime.clock.now()
    try:
        with transaction() as session:
            session.add(customer)
            session.flush()  # its id is taken out
            return _plain(customer)
    except IntegrityError:  # somebody else asked for the same person first
        known = _find(address)
        if known is None:
            raise
        return known


def _make_or_find(runtime: Runtime, address: str, known: _Known) -> str:
    """Stripe may replay an error for a key for a day, and then forgets it: after a while its list decides.

    What was sent a moment ago may still be on its way, and would be made a second time under another key.
    https://docs.stripe.com/api/idempotent_requests
    """
    if runtime.clock.now() - known.asked_at < LOOK_AFTER:
        return runtime.payments.create_customer(known.params, known.idempotency_key)
    found = runtime.payments.find_customer(address, known.token, known.created_at - CLOCK_DOUBT)
    return found or runtime.payments.create_customer(known.params, _renew_key(runtime, known))


def _renew_key(runtime: Runtime, known: _Known) -> str:
    with transaction() as session:
        stem = f"customer:{known.token}"
        customer, is_renewed = renew_key(session, Customer, known.id, known.idempotency_key, stem)
        if is_renewed:
            customer.updated_at = runtime.clock.now()
        return customer.idempotency_key


def _keep(customer_id: int, stripe_customer_id: str) -> str:
    with transaction() as session:
        customer = session.get_one(Customer, customer_id, with_for_update=True)
        customer.stripe_customer_id = customer.stripe_customer_id or stripe_customer_id
        return customer.stripe_customer_id


def _plain(customer: Customer) -> _Known:
    return _Known(
        customer.id,
        customer.stripe_customer_id,
        dict(customer.params),
        customer.idempotency_key,
        customer.token,
        customer.created_at,
        customer.updated_at,
    )
