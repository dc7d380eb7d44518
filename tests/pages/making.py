"""Walks through the catalogue once in each language and keeps what it sees; the workers of one run share the result."""

import fcntl
import os
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.club import MemberStatus
from booking.domain.declines import explain
from booking.domain.money import Money
from booking.language import LANGUAGES, language
from booking.models import Booking, Due, Membership
from booking.models.outbox import OutboxKind
from booking.services import outbox
from booking.services.club_letters import ClubMail
from booking.services.letter_facts import frozen
from booking.services.notifications import GuestMail, StaffNotice, tell_guest, tell_staff
from booking.services.reservations import expire_holds
from tests.pages.archive import Archive, Kept, page_headers, pictures_in
from tests.pages.catalogue import CATALOGUE, State, asked, club, joined, with_balance, with_offer
from tests.pages.stage import Stage, open_stage
from tests.support.letter_facts import OF_CHANGE, OF_CHARGE, OF_REQUEST


def shared_archive(folder: Path, make: Callable[[Path], Archive]) -> Archive:
    """The pages of this run: made by whoever asks first, while the others wait.

    A folder named by `KEPT_PAGES` outlives the run, for somebody who works on a judge and not on the pages.
    """
    folder = Path(os.environ.get("KEPT_PAGES") or folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "archive.pickle"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.write_bytes(pickle.dumps(make(folder)))
    return pickle.loads(path.read_bytes())  # noqa: S301  (written a moment ago by this very run)


def make_archive(
    folder: Path,
    wanted: Callable[[State], bool] | None = None,
    languages: Sequence[str] = tuple(LANGUAGES),
    states: Sequence[State] = CATALOGUE,
) -> Archive:
    """Every page in every language, with its pictures, and every mail; or only the wanted pages, and no mail."""
    archive = Archive()
    with open_stage(folder) as stage:
        for code in languages:
            stage.prefix = "" if code == "en" else f"/{code}"
            for state in filter(wanted, states):
                archive.pages[state.name, code] = _keep(stage, state, code)
        _fetch_pictures(stage, archive)
        if wanted is None:
            _try_to_write_mails(stage, archive)
    return archive


def _try_to_write_mails(stage: Stage, archive: Archive) -> None:
    try:
        _write_all_mails(stage, archive)
    except Exception as error:  # one mail that cannot be written must not hide the pages
        archive.mail_problem = f"{type(error).__name__}: {error}"


def _keep(stage: Stage, state: State, code: str) -> Kept:
    try:
        seen = state.scene(stage)
        ledger = stage.ledger(seen.booking_id)
    except Exception as error:  # one page that cannot be made must not hide the others
        return Kept(state.name, code, problem=f"{type(error).__name__}: {error}")
    finally:
        stage.tidy_up()
    answer = seen.answer
    headers = page_headers(dict(answer.headers))
    return Kept(state.name, code, answer.url, answer.status_code, headers, answer.text, ledger)


def _fetch_pictures(stage: Stage, archive: Archive) -> None:
    for address in sorted({found for kept in archive.pages.values() for found in pictures_in(kept.body)}):
        answer = requests.get(stage.shop.url + address, timeout=30)
        archive.pictures[address] = (answer.headers["Content-Type"], answer.content)


def _write_all_mails(stage: Stage, archive: Archive) -> None:
    """Each kind of mail in each language, about a booking that is as the mail says."""
    for code in LANGUAGES:
        stage.prefix = "" if code == "en" else f"/{code}"
        _, paid = stage.paid()
        for kind in (*GuestMail, *StaffNotice):
            booking_id = _BOOKINGS[kind](stage) if kind in _BOOKINGS else paid
            stage.shop.work()
            archive.mails[f"{kind} ({code})"] = _write(stage, kind, booking_id)
        for club_kind, status in _MEMBERS.items():
            archive.mails[f"{club_kind} ({code})"] = _write_to_member(stage, club_kind, status, code)


def _debited(stage: Stage) -> int:
    return stage.paid(method="sepa_debit")[1]


def _expired(stage: Stage) -> int:
    _, booking_id = stage.hold()
    stage.shop.pass_time(minutes=46)
    with stage.shop.app.app_context():
        expire_holds(stage.shop.runtime)
    return booking_id


# True while something is left to pay.
_OWED = (
    GuestMail.BALANCE_DUE, GuestMail.BALANCE_REMINDER, GuestMail.CHARGE_ANNOUNCED, GuestMail.CHARGE_FAILED,
    GuestMail.PAY_DUE,
)  # fmt: skip
# Mails that are not sent about a booking that is simply paid.
_BOOKINGS: dict[GuestMail | StaffNotice, Callable[[Stage], int]] = {
    GuestMail.PROCESSING: _debited,
    GuestMail.HOLD_EXPIRED: _expired,
    GuestMail.PAYMENT_LINK: lambda stage: stage.hold()[1],
    GuestMail.REQUEST_RECEIVED: lambda stage: asked(stage)[1],
    GuestMail.PAY_DIFFERENCE: lambda stage: with_offer(stage)[1],
    **dict.fromkeys(_OWED, lambda stage: with_balance(stage)[1]),
}


# In which state of a membership each of its mails is true; None: it is written to whoever wants to sign in.
_MEMBERS: dict[ClubMail, MemberStatus | None] = {
    ClubMail.LINK: None,
    ClubMail.WELCOME: MemberStatus.TRIALING,
    ClubMail.TRIAL_ENDS: MemberStatus.TRIALING,
    ClubMail.RENEWED: MemberStatus.ACTIVE,
    ClubMail.PAYMENT_FAILED: MemberStatus.PAST_DUE,
    ClubMail.ENDED: MemberStatus.CANCELED,
}


def _write_to_member(stage: Stage, kind: ClubMail, status: MemberStatus | None, code: str) -> str:
    """A mail to somebody who has joined just now; where it names money, with an amount and a number."""
    with club(stage) as plan:
        joined(stage, plan)
    stage.shop.work()
    stage.shop.mailer.letters.clear()
    now = stage.shop.clock.now()
    with stage.shop.app.app_context(), transaction() as session:
        row = session.scalars(select(Membership).order_by(Membership.id.desc()).limit(1)).one()
        row.account.language, row.status = code, status or row.status
        row.ended_at = now if row.status is MemberStatus.CANCELED else None
        facts = {"amount": frozen(row.price), "number": "A1B2-0001"}
        payload = {"mail": kind.value, "booking_id": None, "membership_id": row.id, "facts": facts}
        sign_in = {"email": row.account.email, "language": code} if status is None else {}
        outbox.enqueue(session, OutboxKind.MAIL, f"its HTML:{kind}:{row.id}", payload | sign_in, now)
    stage.shop.work()
    return "".join(letter.html for letter in stage.shop.mailer.letters[-1:])


def _write(stage: Stage, kind: GuestMail | StaffNotice, booking_id: int) -> str:
    stage.shop.mailer.letters.clear()
    with stage.shop.app.app_context(), transaction() as session:
        booking, now = session.get_one(Booking, booking_id), stage.shop.clock.now()
        if isinstance(kind, GuestMail):
            tell_guest(session, booking, kind, now, fact_id="for its HTML", **_facts(session, booking, kind))
        else:
            tell_staff(session, kind, now, booking, "Look & see <here>.", fact_id="for its HTML")
    stage.shop.work()
    return "".join(letter.html for letter in stage.shop.mailer.letters[-1:])


def _facts(session: Session, booking: Booking, kind: GuestMail) -> dict[str, Any]:
    due = {"due_id": session.scalar(select(Due.id).where(Due.booking_id == booking.id))} if kind in _OWED else {}
    told = {"decline": language(booking.language).speak(explain("insufficient_funds").told)}
    return {**OF_CHANGE, **OF_REQUEST, **OF_CHARGE, "refund": Money(12_000, booking.currency), **due, **told}
