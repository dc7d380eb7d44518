"""Bringing Stripe's catalogue to where our plans are: products, prices, and the names that prices are asked for by.

Each change there is a row first, with its key and its parameters, then the call, then the answer. A run that dies or
gets no answer is gone on with by the next one, under the same key.
"""

import logging
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.database import end_read, transaction
from booking.domain.club import PlanTerms
from booking.extensions import db
from booking.gateways.billing import CatalogPrice, CatalogTag, Params, PriceOrder
from booking.gateways.payments import GatewayConflict, GatewayRefused, PaymentGatewayError
from booking.models import CatalogEntry, CatalogErrand, ClubPlan
from booking.models.club import CatalogAct
from booking.runtime import Runtime
from booking.services.instance import Identity, get_identity
from booking.services.keys import renew_key

T = TypeVar("T")
logger = logging.getLogger(__name__)

# An errand whose key is this old was answered, or was never heard of again. Stripe may replay an error for the key for
# a day and then forget it: its lists decide, and what is not there is asked for under another key.
# https://docs.stripe.com/api/idempotent_requests
KEY_LIFE = timedelta(minutes=5)
CLOCK_DOUBT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Synced:
    """One line of the report; `is_problem` where the next run has to go on or a person must look."""

    plan_id: int
    text: str
    is_problem: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """A plan as plain values, with where it stands at Stripe."""

    plan_id: int
    lookup_key: str
    terms: PlanTerms
    is_active: bool
    product_id: str | None
    product_name: str
    is_on_sale: bool
    price_id: str | None


@dataclass(frozen=True, slots=True)
class _Errand:
    """What is asked of Stripe, with no row attached."""

    errand_id: int
    act: CatalogAct
    target: str
    key: str
    params: Params
    asked_at: datetime


def sync_catalog(runtime: Runtime) -> list[Synced]:
    """Bring every plan to Stripe, in the mode of the key; a line for each thing done. Commits one by one.

    Safe to run twice, also at once: what agrees already is left alone.
    """
    identity, lines = get_identity(runtime), []
    for plan_id in _list_plans():
        try:
            lines += list(_sync_plan(runtime, identity, plan_id))
        except PaymentGatewayError as error:
            logger.warning("catalog_not_synced", extra={"plan": plan_id, "error": error.code})
            lines.append(Synced(plan_id, f"no usable answer from Stripe ({error.code}); run this again", True))
    return lines


def _list_plans() -> list[int]:
    plan_ids = list(db.session.scalars(select(ClubPlan.id).order_by(ClubPlan.id)))
    end_read()
    return plan_ids


def _sync_plan(runtime: Runtime, identity: Identity, plan_id: int) -> Iterator[Synced]:
    plan = _read(plan_id, identity)
    if plan.product_id is None:
        if not plan.is_active:
            return
        yield _make_product(runtime, identity, plan)
    elif (plan.product_name, plan.is_on_sale) != (plan.terms.name, plan.is_active):
        yield _change_product(runtime, identity, plan)
    yield from _sync_price(runtime, identity, _read(plan_id, identity))


def _sync_price(runtime: Runtime, identity: Identity, plan: _Plan) -> Iterator[Synced]:
    found = runtime.payments.find_price(plan.lookup_key)
    if not plan.is_active:
        yield from _retire(runtime, identity, plan, {plan.price_id, found.price_id if found else None})
    elif found is not None and _fits(plan, found):
        if plan.price_id != found.price_id:
            _keep_price(runtime, plan, identity, found.price_id, {plan.price_id})
            yield Synced(plan.plan_id, f"{plan.terms.name}: price {found.price_id} found at Stripe and taken over")
    else:
        made = _make_price(runtime, identity, plan, {plan.price_id, found.price_id if found else None})
        yield Synced(plan.plan_id, f"{plan.terms.name}: price {made} made, {_in_words(plan.terms)}")
    yield from _retire(runtime, identity, plan, _list_unretired(plan, identity))


def _fits(plan: _Plan, price: CatalogPrice) -> bool:
    wanted = (plan.product_id, plan.terms.price, plan.terms.interval)
    return (price.product_id, price.amount, price.interval) == wanted


# --- products -------------------------------------------------------------------------------------------------------


def _make_product(runtime: Runtime, identity: Identity, plan: _Plan) -> Synced:
    errand = _ask(
        runtime, plan, identity, CatalogAct.MAKE_PRODUCT, "",
        lambda token: runtime.payments.product_params(_tag(plan, identity, token), plan.terms.name),
    )  # fmt: skip
    made = _find_made(runtime, errand)
    if made is None:
        errand = _renew(runtime, errand)
        made = _send(runtime, errand, lambda: runtime.payments.make_product(errand.params, errand.key))
    with transaction() as session:
        _mark_done(session, runtime, errand, made)
        name = str(errand.params["name"])
        kept = session.get(CatalogEntry, (plan.plan_id, identity.livemode))
        if kept is None:
            session.add(
                CatalogEntry(plan_id=plan.plan_id, livemode=identity.livemode, product_id=made, product_name=name)
            )
    return Synced(plan.plan_id, f"{plan.terms.name}: product {made} made")


def _find_made(runtime: Runtime, errand: _Errand) -> str | None:
    """What an errand has made of which no answer came."""
    if not _is_old(runtime, errand):
        return None
    return runtime.payments.find_product(_token(errand), errand.asked_at - CLOCK_DOUBT)


def _change_product(runtime: Runtime, identity: Identity, plan: _Plan) -> Synced:
    product_id = plan.product_id or ""
    errand = _ask(
        runtime, plan, identity, CatalogAct.CHANGE_PRODUCT, product_id,
        lambda token: {"name": plan.terms.name, "active": plan.is_active},
    )  # fmt: skip
    errand = _renew(runtime, errand)
    _send(runtime, errand, lambda: runtime.payments.change_product(product_id, errand.params, errand.key))
    with transaction() as session:
        _mark_done(session, runtime, errand, product_id)
        entry = session.get_one(CatalogEntry, (plan.plan_id, identity.livemode))
        # What was asked for: an errand of an earlier run may know an earlier name. Then the next run asks again.
        entry.product_name, entry.is_on_sale = str(errand.params["name"]), bool(errand.params["active"])
    state = "renamed" if errand.params["active"] else "taken off sale"
    return Synced(plan.plan_id, f"{plan.terms.name}: product {product_id} {state}")


# --- prices ---------------------------------------------------------------------------------------------------------


def _make_price(runtime: Runtime, identity: Identity, plan: _Plan, older: set[str | None]) -> str:
    """Make the price that the plan has now. An errand of an earlier run may still be about an earlier amount."""
    errand = _ask(
        runtime, plan, identity, CatalogAct.MAKE_PRICE, "",
        lambda token: runtime.payments.price_params(_order(plan, identity, token)),
    )  # fmt: skip
    errand = _renew(runtime, errand)  # had it made its price, the price would have been found by its name
    made = _send(runtime, errand, lambda: runtime.payments.make_price(errand.params, errand.key).price_id)
    with transaction() as session:
        _mark_done(session, runtime, errand, made)
    if errand.params["unit_amount"] != plan.terms.price.minor:
        return _make_price(runtime, identity, plan, older | {made})
    _keep_price(runtime, plan, identity, made, older)
    return made


def _retire(runtime: Runtime, identity: Identity, plan: _Plan, price_ids: set[str | None]) -> Iterator[Synced]:
    for price_id in sorted(price_id for price_id in price_ids if price_id):
        _retire_price(runtime, identity, plan, price_id)
        yield Synced(plan.plan_id, f"{plan.terms.name}: price {price_id} set inactive; who joined at it keeps it")


def _retire_price(runtime: Runtime, identity: Identity, plan: _Plan, price_id: str) -> None:
    errand = _ask(runtime, plan, identity, CatalogAct.RETIRE_PRICE, price_id, _to_retire)
    errand = _renew(runtime, errand)
    _send(runtime, errand, lambda: runtime.payments.retire_price(price_id, errand.key))
    with transaction() as session:
        _mark_done(session, runtime, errand, price_id)
        entry = session.get_one(CatalogEntry, (plan.plan_id, identity.livemode))
        if entry.price_id == price_id:
            entry.price_id = None


def _keep_price(runtime: Runtime, plan: _Plan, identity: Identity, price_id: str, older: set[str | None]) -> None:
    """From now on guests join at this price; an errand that asked for it, and never heard of it, is over.

    That the older prices go is written down in the same breath: nothing else remembers them.
    """
    asked = update(CatalogErrand).where(
        CatalogErrand.plan_id == plan.plan_id,
        CatalogErrand.livemode == identity.livemode,
        CatalogErrand.act == CatalogAct.MAKE_PRICE,
        CatalogErrand.done_at.is_(None),
    )
    with transaction() as session:
        session.get_one(CatalogEntry, (plan.plan_id, identity.livemode), with_for_update=True).price_id = price_id
        session.execute(asked.values(done_at=runtime.clock.now(), stripe_id=price_id))
        for old in sorted(old for old in older if old and old != price_id):
            errand = _fresh(runtime, plan, identity, CatalogAct.RETIRE_PRICE, old, _to_retire)
            if _find_open(session, errand) is None:
                session.add(errand)


def _list_unretired(plan: _Plan, identity: Identity) -> set[str | None]:
    """Prices that are to go and have not gone yet, maybe since an earlier run."""
    left = select(CatalogErrand.target).where(
        CatalogErrand.plan_id == plan.plan_id,
        CatalogErrand.livemode == identity.livemode,
        CatalogErrand.act == CatalogAct.RETIRE_PRICE,
        CatalogErrand.done_at.is_(None),
    )
    found: set[str | None] = set(db.session.scalars(left))
    end_read()
    return found


def _to_retire(token: str) -> Params:
    return {"active": False}


def _order(plan: _Plan, identity: Identity, token: str) -> PriceOrder:
    tag = _tag(plan, identity, token)
    return PriceOrder(tag, plan.product_id or "", plan.lookup_key, plan.terms.price, plan.terms.interval)


# --- errands --------------------------------------------------------------------------------------------------------


def _ask(
    runtime: Runtime, plan: _Plan, identity: Identity, act: CatalogAct, target: str, params: Callable[[str], Params]
) -> _Errand:
    """The errand that was begun before and is not over, or a new one, written down. Commits."""
    fresh = _fresh(runtime, plan, identity, act, target, params)
    try:
        with transaction() as session:
            errand = _find_open(session, fresh)
            if errand is None:
                session.add(errand := fresh)
                session.flush()  # for the id
            return _plain(errand)
    except IntegrityError:  # another run was first: its errand is ours too
        with transaction() as session:
            errand = _find_open(session, fresh)
            if errand is None:
                raise
            return _plain(errand)


def _fresh(
    runtime: Runtime, plan: _Plan, identity: Identity, act: CatalogAct, target: str, params: Callable[[str], Params]
) -> CatalogErrand:
    token = uuid.uuid4().hex
    return CatalogErrand(
        plan_id=plan.plan_id,
        livemode=identity.livemode,
        act=act,
        target=target,
        idempotency_key=f"catalog:{token}",
        params=params(token),
        asked_at=runtime.clock.now(),
    )


def _find_open(session: Session, wanted: CatalogErrand) -> CatalogErrand | None:
    return session.scalar(
        select(CatalogErrand).where(
            CatalogErrand.plan_id == wanted.plan_id,
            CatalogErrand.livemode == wanted.livemode,
            CatalogErrand.act == wanted.act,
            CatalogErrand.target == wanted.target,
            CatalogErrand.done_at.is_(None),
        )
    )


def _plain(row: CatalogErrand) -> _Errand:
    return _Errand(row.id, row.act, row.target, row.idempotency_key, dict(row.params), row.asked_at)


def _is_old(runtime: Runtime, errand: _Errand) -> bool:
    return runtime.clock.now() - errand.asked_at >= KEY_LIFE


def _renew(runtime: Runtime, errand: _Errand) -> _Errand:
    """The same errand under another key, where no answer came for the one it had. Commits."""
    if not _is_old(runtime, errand):
        return errand
    with transaction() as session:
        row, is_renewed = renew_key(session, CatalogErrand, errand.errand_id, errand.key, f"catalog:{_token(errand)}")
        if is_renewed:
            row.asked_at = runtime.clock.now()
        return _plain(row)


def _send(runtime: Runtime, errand: _Errand, call: Callable[[], T]) -> T:
    """Make the call. A definite no ends the errand, so that the next run asks anew; no answer leaves it open."""
    end_read()
    try:
        return call()
    except (GatewayRefused, GatewayConflict) as refusal:
        with transaction() as session:
            row = session.get_one(CatalogErrand, errand.errand_id)
            row.done_at, row.refused = runtime.clock.now(), (getattr(refusal, "reason", "") or refusal.code)[:80]
        raise


def _mark_done(session: Session, runtime: Runtime, errand: _Errand, stripe_id: str) -> None:
    row = session.get_one(CatalogErrand, errand.errand_id)
    row.done_at, row.stripe_id = runtime.clock.now(), stripe_id


def _token(errand: _Errand) -> str:
    return errand.key.split(":")[1]


def _tag(plan: _Plan, identity: Identity, token: str) -> CatalogTag:
    return CatalogTag(identity.instance_id, str(plan.plan_id), token)


def _read(plan_id: int, identity: Identity) -> _Plan:
    session = db.session()
    plan = session.get_one(ClubPlan, plan_id, populate_existing=True)
    entry = session.get(CatalogEntry, (plan_id, identity.livemode), populate_existing=True)
    read = _Plan(
        plan.id,
        plan.lookup_key,
        plan.terms,
        plan.is_active,
        entry.product_id if entry else None,
        entry.product_name if entry else "",
        entry.is_on_sale if entry else False,
        entry.price_id if entry else None,
    )
    end_read()
    return read


def _in_words(terms: PlanTerms) -> str:
    return f"{terms.price.major} {terms.price.currency.upper()} each {terms.interval}"
