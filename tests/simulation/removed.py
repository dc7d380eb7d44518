"""The shop with one of its guards taken away, each by name: the simulation must notice."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import delete

from booking.domain.money import Money
from booking.domain.states import DueKind
from booking.models import Night
from booking.services import (
    attempts,
    authorisations,
    checkout,
    dues,
    fees,
    joining,
    memberships,
    nights,
    outbox,
    refund_news,
    refunds,
    requests,
    reservations,
    settlement,
    swaps,
    webhooks,
)
from booking.services.cases import Outcome
from tests.simulation.gateway import SimulatedGateway
from tests.support.shop import patched

# What is replaced: where, under which name, by what (made from what stands there).
Change = tuple[Any, str, Callable[[Any], Any]]


def _by(value: Any) -> Callable[[Any], Any]:
    return lambda _real: value


def _answering(value: Any) -> Callable[[Any], Any]:
    return lambda _real: lambda *_args, **_more: value


def _stealing(real: Any) -> Any:
    def claim_nights(session: Any, unit_id: int, stay: Any, now: Any, **owner: Any) -> bool:
        session.execute(delete(Night).where(Night.unit_id == unit_id, Night.day.in_(list(stay))))
        return bool(real(session, unit_id, stay, now, **owner))

    return claim_nights


def _not_where_paid_later(real: Any) -> Any:
    def retake_nights(session: Any, booking: Any, now: Any, **more: Any) -> Any:
        return booking.unit_id if booking.schedule.is_guaranteed else real(session, booking, now, **more)

    return retake_nights


def _filing_again(real: Any) -> Any:
    return lambda delivery: real(delivery) or True


def _with_a_new_key(real: Any) -> Any:
    return lambda *args, **more: replace(real(*args, **more), idempotency_key=f"checkout:{uuid.uuid4().hex}")


def _without_dedupe(real: Any) -> Any:
    def enqueue(session: Any, kind: Any, dedupe_key: str, *args: Any, **more: Any) -> None:
        real(session, kind, f"{dedupe_key}:{uuid.uuid4().hex}", *args, **more)

    return enqueue


def _nothing_asked(_real: Any) -> Any:
    return lambda _session, booking, _kind: Money(0, booking.currency)


def _no_limit_for_no_show(real: Any) -> Any:
    def find_limit(session: Any, booking: Any, kind: Any) -> Any:
        return booking.amount if kind is DueKind.NO_SHOW_FEE else real(session, booking, kind)

    return find_limit


class _AlwaysHigher:
    def __gt__(self, other: object) -> bool:
        return True


class _NoRank(dict[Any, Any]):
    def __missing__(self, status: Any) -> _AlwaysHigher:
        return _AlwaysHigher()


GUARDS: dict[str, tuple[Change, ...]] = {
    "a night of somebody else is not taken": (
        (nights, "claim_nights", _stealing), (settlement, "claim_nights", _stealing),
    ),
    "the nights are looked at again when money comes": (
        (settlement, "retake_nights", lambda _real: lambda _session, booking, _now, **_more: booking.unit_id),
    ),
    "the nights are looked at again when a card comes": ((settlement, "retake_nights", _not_where_paid_later),),
    "a payment counts once": ((settlement, "_is_recorded", _answering(False)),),
    "an event has its effect once": ((webhooks, "_file", _filing_again),),
    "the amount is compared with what was agreed": ((settlement, "_find_mismatch", _answering(None)),),
    "an old session is ended before a new one is handed out": ((attempts, "end_given_up", _answering(False)),),
    "nights are not let go while a page is open": ((attempts, "is_payable", _answering(False)),),
    "a refund keeps its key": (
        (refunds, "_key_for", lambda _real: lambda *_args: f"refund:{uuid.uuid4().hex}"),
        (refunds, "_look", _answering(None)),
    ),
    "a session keeps its key": ((attempts, "ticket_of", _with_a_new_key),),
    "no more goes back than came": ((refunds, "_check_amount", _answering(None)),),
    "late news of a refund changes nothing": ((refund_news, "REFUND_RANK", _by(_NoRank())),),
    "a row of the outbox is leased to one worker": ((outbox, "LEASE", _by(timedelta(0))),),
    "what is asked for twice is done once": ((outbox, "enqueue", _without_dedupe),),
    "a slow payment keeps its nights": ((settlement, "_keep_nights", _answering(False)),),
    "money for a cancelled booking goes back": ((settlement, "refund_late", _answering(Outcome.LATE)),),
    "a changed stay takes no night of somebody else": ((swaps, "claim_beside", _answering(True)),),
    "money for the balance of a stay that is off goes back": ((dues, "refund_late", _answering(Outcome.LATE)),),
    "what is reserved for a request that is off is let go": (
        (authorisations, "end_request", _answering(None)), (requests, "end_request", _answering(None)),
        (reservations, "end_request", _answering(None)), (checkout, "end_request", _answering(None)),
    ),
    "a request keeps its nights": (
        (authorisations, "retake_nights", lambda _real: lambda _session, booking, _now, **_more: booking.unit_id),
    ),
    "a balance goes with its stay": ((dues, "drop_with_booking", _answering(None)),),
    "no more is asked for damage than was agreed to": ((fees, "_asked_for", _nothing_asked),),
    "no more is asked of who did not come than was agreed to": (
        (fees, "find_limit", _no_limit_for_no_show),
    ),
    "who is a member joins no more": ((joining, "_refuse_members", _answering(None)),),
    "a customer whose answer was lost is looked for": ((SimulatedGateway, "find_customer", _answering(None)),),
    "an older answer about a member changes nothing": ((memberships, "_is_older", _answering(False)),),
}  # fmt: skip


# Which seed missed each guard last: tried first, and only then the others, for each change of the shop shifts the dice.
MISSED_BY = {
    "a night of somebody else is not taken": 17,
    "the nights are looked at again when money comes": 2,
    "the nights are looked at again when a card comes": 23,
    "a payment counts once": 1,
    "an event has its effect once": 12,
    "the amount is compared with what was agreed": 18,
    "an old session is ended before a new one is handed out": 5,
    "nights are not let go while a page is open": 13,
    "a refund keeps its key": 418,
    "a session keeps its key": 8,
    "no more goes back than came": 2,
    "late news of a refund changes nothing": 7,
    "a row of the outbox is leased to one worker": 105,
    "what is asked for twice is done once": 7,
    "a slow payment keeps its nights": 32,
    "money for a cancelled booking goes back": 35,
    "a changed stay takes no night of somebody else": 0,
    "money for the balance of a stay that is off goes back": 118,
    "a balance goes with its stay": 118,
    "what is reserved for a request that is off is let go": 9,
    "a request keeps its nights": 13,
    "no more is asked for damage than was agreed to": 29,
    "no more is asked of who did not come than was agreed to": 133,
    "who is a member joins no more": 184,
    "a customer whose answer was lost is looked for": 144,
    "an older answer about a member changes nothing": 54,
}


@contextmanager
def without(name: str) -> Iterator[None]:
    """The guard is gone for a while."""
    with ExitStack() as stack:
        for target, attribute, make in GUARDS[name]:
            stack.enter_context(patched(target, attribute, make(getattr(target, attribute))))
        yield
