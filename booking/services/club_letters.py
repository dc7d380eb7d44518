"""What letters to members say, and whether it is still true when they are written."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from booking.domain.club import MemberStatus
from booking.language import language, localised
from booking.models import Membership
from booking.runtime import Runtime
from booking.services import guest_accounts, letter_facts
from booking.services.outbox import Task


class ClubMail(StrEnum):
    """What members are told. Each value is a folder of templates/email."""

    LINK = "club_link"  # the way in
    WELCOME = "club_welcome"
    TRIAL_ENDS = "club_trial_ends"
    RENEWED = "club_renewed"  # with the amount: a receipt
    PAYMENT_FAILED = "club_payment_failed"
    ENDED = "club_ended"


def write_facts(runtime: Runtime, session: Session, task: Task) -> dict[str, object] | str:
    """What a letter to a member says, and to whom it goes; why there must be none, where it is not true any more.

    Joins the caller's transaction, which keeps the hash of the link in a letter that signs in.
    """
    if task.payload["mail"] == ClubMail.LINK:
        return _link_facts(runtime, session, task)
    row = session.get(Membership, task.payload["membership_id"])
    if row is None or row.account.email is None:
        return "not sent: the member's data was erased"
    now = runtime.clock.now()
    if reason := _why_not(row, ClubMail(task.payload["mail"]), now):
        return reason
    code = language(row.account.language).code
    facts = {name: letter_facts.thawed(fact) for name, fact in task.payload["facts"].items()}
    return {**_shared(runtime, session, task, code), **_membership_facts(runtime, row, code), **facts}


def _link_facts(runtime: Runtime, session: Session, task: Task) -> dict[str, object]:
    email, code = task.payload["email"], language(task.payload["language"]).code
    token = guest_accounts.mint_link(session, email, code, runtime.clock.now())
    link = runtime.settings.base_url + localised(f"/club/m/{token}", code)
    return {**_shared(runtime, session, task, code), "to": email, "link": link}


def _shared(runtime: Runtime, session: Session, task: Task, code: str) -> dict[str, Any]:
    shared = letter_facts.shared_facts(runtime, task, letter_facts.find_place(session, None), code)
    return {**shared, "has_booking": False, "reply_to": shared["contact_email"], "amount": None, "number": ""}


def _membership_facts(runtime: Runtime, row: Membership, code: str) -> dict[str, object]:
    return {
        "to": row.account.email,
        "link": runtime.settings.base_url + localised("/club/account", code),
        "plan_name": row.plan.name,
        "price": row.price,
        "interval": row.plan.interval.value,
        "off_percent": f"{row.off_share / 100:g}",
        "period_end": row.period_end,
        "trial_end": row.trial_end if row.status is MemberStatus.TRIALING else None,
        "keeps_until": row.standing.ends_by(),
    }


def _why_not(row: Membership, kind: ClubMail, now: datetime) -> str:
    """Why a letter must not be sent now, in words for staff; empty where it may."""
    if kind is ClubMail.WELCOME and not row.standing.is_entitled(now):
        return "not sent: the membership was over first"
    if kind is ClubMail.TRIAL_ENDS and (row.status is not MemberStatus.TRIALING or row.cancels_at):
        return "not sent: the trial is over, or nothing will be charged"
    if kind is ClubMail.PAYMENT_FAILED and row.status is not MemberStatus.PAST_DUE:
        return "not sent: the payment was made, or the membership has ended"
    if kind is ClubMail.ENDED and row.standing.is_entitled(now):
        return "not sent: the membership goes on"
    return ""
