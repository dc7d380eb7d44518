"""Codes of an app (TOTP) as the second thing that signs somebody in, and recovery codes for who lost the app.

The seed is encrypted with a key made of SECRET_KEY: whoever has a copy of the database alone can make no codes.
Recovery codes do not depend on that key, so they open even after it was changed.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import delete, or_, update
from sqlalchemy.orm import Session

from booking.database import insert_into, require_transaction, transaction
from booking.domain.errors import StaffRefused
from booking.models import RecoveryCode, Staff, StaffPolicy
from booking.queries.staff import Present, StaffMember, are_codes_required, find_by_id
from booking.runtime import Runtime
from booking.services import audit, sign_ins
from booking.services.limits import check_limit, forget_tries, network_of
from booking.services.sign_ins import Place

STEP_SECONDS = 30
# A clock may be half a minute off, to either side. https://www.rfc-editor.org/rfc/rfc6238#section-5.2
STEPS_OFF = (0, -1, 1)
RECOVERY_CODES = 10
TRIES, WINDOW = 5, timedelta(minutes=15)
# Crockford's alphabet: nothing in it is mixed up when it is read from paper.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_KINDLY = str.maketrans({"O": "0", "I": "1", "L": "1"})
_RECOVERY_LETTERS = 16
_WRONG = "That code is not right, or was used before. Wait for the next one."


@dataclass(frozen=True, slots=True)
class Seed:
    """What an app needs to know: as text to type, and as the address that a QR code holds."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class CodesOn:
    """The codes are asked for from now on: the recovery codes, shown this once, and the secret of the new sign-in."""

    recovery: tuple[str, ...]
    token: str


def begin(runtime: Runtime, present: Present) -> None:
    """Make a seed for somebody who has none in use. Commits. Nothing is asked for until a code of it was shown."""
    member, now = present.member, runtime.clock.now()
    sealed = _vault(runtime).encrypt(pyotp.random_base32().encode()).decode()
    with transaction() as session:
        mine = update(Staff).where(Staff.id == member.id, Staff.codes_since.is_(None))
        if session.execute(mine.values(code_seed=sealed, last_code_step=None).returning(Staff.id)).first():
            audit.record(session, member.email, "codes.begun", f"staff {member.email}", now)


def show_seed(runtime: Runtime, session: Session, present: Present, issuer: str) -> Seed | None:
    """The seed that waits for its first code; None where none does. Never shown again once it counts."""
    row = session.get(Staff, present.member.id)
    seed = _open(runtime, row.code_seed) if row and row.codes_since is None else None
    if seed is None:
        return None
    return Seed(seed, pyotp.TOTP(seed).provisioning_uri(name=present.member.email, issuer_name=issuer))


def confirm(runtime: Runtime, present: Present, code: str, place: Place) -> CodesOn:
    """The first code was typed: from now on one is asked for. Every other sign-in ends. Commits.

    Raises:
        StaffRefused: the code does not fit, or nothing waits for one. TooManyTries: guessed too often.
    """
    member, now = present.member, runtime.clock.now()
    _count(runtime, member, place)
    recovery = tuple(_new_recovery_code() for _ in range(RECOVERY_CODES))
    with transaction() as session:
        row = session.get_one(Staff, member.id, with_for_update=True, populate_existing=True)
        step = _matching_step(_open(runtime, row.code_seed), code, now) if row.codes_since is None else None
        if step is None:
            raise StaffRefused("That code does not fit. Is the clock of your phone right?", field="code")
        row.codes_since, row.last_code_step, row.session_key = now, step, secrets.token_urlsafe(32)
        session.flush()
        _write_recovery(session, member.id, recovery)
        audit.record(session, member.email, "codes.on", f"staff {member.email}", now)
        token = sign_ins.open_session(session, _again(member.id), place, now)
    return CodesOn(recovery, token)


def renew_recovery(runtime: Runtime, present: Present) -> tuple[str, ...]:
    """Ten new recovery codes; the old ones open nothing any more. Commits. Raises StaffRefused without codes."""
    member = present.member
    recovery = tuple(_new_recovery_code() for _ in range(RECOVERY_CODES))
    with transaction() as session:
        if session.get_one(Staff, member.id, populate_existing=True).codes_since is None:
            raise StaffRefused("There are no codes to recover: your sign-in asks for none.", field="code")
        _write_recovery(session, member.id, recovery)
        audit.record(session, member.email, "codes.recovery_renewed", f"staff {member.email}", runtime.clock.now())
    return recovery


def switch_off(runtime: Runtime, present: Present, place: Place) -> str:
    """Sign in with the password alone again; the secret of the new sign-in, as all others end. Commits.

    Raises:
        StaffRefused: the house asks everybody for codes.
    """
    member, now = present.member, runtime.clock.now()
    with transaction() as session:
        if are_codes_required(session):
            raise StaffRefused("This house asks everybody for codes, so they cannot be switched off.", field="code")
        forget(session, member.id)
        audit.record(session, member.email, "codes.off", f"staff {member.email}", now)
        return sign_ins.open_session(session, _again(member.id), place, now)


def forget(session: Session, staff_id: int) -> None:
    """Take somebody's codes away and end all their sign-ins. Joins the caller's transaction."""
    require_transaction(session)
    blank = {"code_seed": None, "codes_since": None, "last_code_step": None, "session_key": secrets.token_urlsafe(32)}
    session.execute(update(Staff).where(Staff.id == staff_id).values(**blank))
    session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))


def use_code(runtime: Runtime, member: StaffMember, code: str, place: Place) -> None:
    """Use up a code of the app, or a recovery code. Commits. Each opens once, however many type it at the same time.

    Raises:
        StaffRefused: it is wrong, or was used before. TooManyTries: guessed too often, from this place.
    """
    _count(runtime, member, place)
    now = runtime.clock.now()
    with transaction() as session:
        used = _use_step(runtime, session, member.id, code, now) or _use_recovery(session, member.id, code, now)
    if not used:
        raise StaffRefused(_WRONG, field="code")
    forget_tries(runtime, "code", _who(member, place))


def require(runtime: Runtime, staff_email: str, required: bool) -> None:
    """Ask everybody of the house for codes, or leave it to them. Commits."""
    now = runtime.clock.now()
    with transaction() as session:
        before = are_codes_required(session)
        if before is required:
            return
        wanted = insert_into(session, StaffPolicy).values(id=1, codes_required=required, created_at=now, updated_at=now)
        changed = wanted.on_conflict_do_update(
            index_elements=[StaffPolicy.id], set_={"codes_required": required, "updated_at": now}
        )
        session.execute(changed)
        facts = {"before": {"codes_required": before}, "after": {"codes_required": required}}
        audit.record(session, staff_email, "people.codes_required", "house", now, **facts)


# --- one code -------------------------------------------------------------------------------------------------------


def _count(runtime: Runtime, member: StaffMember, place: Place) -> None:
    check_limit(runtime, "code", _who(member, place), TRIES, WINDOW)


def _who(member: StaffMember, place: Place) -> str:
    # With the place, so that nobody can lock a person out from elsewhere.
    return f"{member.id}|{network_of(place.address)}"


def _use_step(runtime: Runtime, session: Session, staff_id: int, code: str, now: datetime) -> bool:
    row = session.get(Staff, staff_id, populate_existing=True)
    step = _matching_step(_open(runtime, row.code_seed), code, now) if row and row.codes_since else None
    if step is None:
        return False
    later = or_(Staff.last_code_step.is_(None), Staff.last_code_step < step)
    used = update(Staff).where(Staff.id == staff_id, later).values(last_code_step=step)
    return session.execute(used.returning(Staff.id)).first() is not None


def _matching_step(seed: str | None, code: str, now: datetime) -> int | None:
    """The half minute in which the app showed this code."""
    typed = "".join(code.split())
    if seed is None or len(typed) != 6 or not (typed.isascii() and typed.isdigit()):
        return None
    totp, present = pyotp.TOTP(seed), int(now.timestamp()) // STEP_SECONDS
    steps = [present + off for off in STEPS_OFF]
    return next((step for step in steps if hmac.compare_digest(totp.at(step * STEP_SECONDS), typed)), None)


def _use_recovery(session: Session, staff_id: int, code: str, now: datetime) -> bool:
    mine = RecoveryCode.staff_id == staff_id, RecoveryCode.code_hash == _hash_recovery(code)
    unused = update(RecoveryCode).where(*mine, RecoveryCode.used_at.is_(None)).values(used_at=now)
    return session.execute(unused.returning(RecoveryCode.id)).first() is not None


def _write_recovery(session: Session, staff_id: int, codes: tuple[str, ...]) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))
    session.add_all(RecoveryCode(staff_id=staff_id, code_hash=_hash_recovery(code)) for code in codes)


def _new_recovery_code() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_LETTERS))
    return "-".join(letters[at : at + 4] for at in range(0, _RECOVERY_LETTERS, 4))


def _hash_recovery(code: str) -> str:
    plain = "".join(letter for letter in code[:100].upper() if letter.isascii() and letter.isalnum())
    return sha256(plain.translate(_KINDLY).encode()).hexdigest()


# --- the seed -------------------------------------------------------------------------------------------------------


def _open(runtime: Runtime, sealed: str | None) -> str | None:
    """The seed; None where there is none, or where SECRET_KEY is not the one it was sealed with any more."""
    try:
        return _vault(runtime).decrypt(sealed.encode()).decode() if sealed else None
    except InvalidToken:
        return None


def _vault(runtime: Runtime) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"holdfast seeds of codes")
    return Fernet(urlsafe_b64encode(derived.derive(runtime.settings.secret_key.encode())))


def _again(staff_id: int) -> StaffMember:
    member = find_by_id(staff_id)
    if member is None:
        raise StaffRefused
    return member
