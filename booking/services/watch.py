"""Proving the promises without being asked: what is found is kept for the monitor, and told to staff once."""

import logging
from datetime import datetime

from sqlalchemy.orm import Session

from booking.database import insert_into, transaction
from booking.models import PromiseCheck
from booking.runtime import Runtime
from booking.services import notifications
from booking.services.notifications import StaffNotice
from booking.services.verification import Proof, Verdict, verify

logger = logging.getLogger(__name__)

# A letter names so many rows; `flask verify` names all.
MOST_NAMED = 3


def prove_promises(runtime: Runtime) -> list[Proof]:
    """Look at every promise, keep how many rows break it, and tell staff of those that are broken. Commits once.

    Staff hears of the same rows once, and again when others break.
    """
    proofs, now = verify(runtime), runtime.clock.now()
    broken = [proof for proof in proofs if proof.verdict is Verdict.BROKEN]
    with transaction() as session:
        for proof in proofs:
            _keep(session, proof, now)
        for proof in broken:
            _tell(session, proof, now)
    if broken:
        runtime.wake_worker()
    return proofs


def _keep(session: Session, proof: Proof, now: datetime) -> None:
    if proof.verdict is Verdict.UNSEEN:
        return
    found = {"broken": len(proof.problems), "checked_at": now}
    fresh = insert_into(session, PromiseCheck).values(code=proof.code, **found)
    session.execute(fresh.on_conflict_do_update(index_elements=[PromiseCheck.code], set_=found))


def _tell(session: Session, proof: Proof, now: datetime) -> None:
    logger.error("promise_broken", extra={"promise": proof.code, "rows": len(proof.problems)})
    named = "; ".join(proof.problems[:MOST_NAMED])
    more = len(proof.problems) - MOST_NAMED
    note = f"{proof.code}, {proof.promise}: {named}" + (f"; and {more} more" if more > 0 else "")
    notifications.tell_staff(session, StaffNotice.PROMISE_BROKEN, now, None, note)
