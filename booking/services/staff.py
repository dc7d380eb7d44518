"""Accounts of the people who run the house: making them, signing in, changing and resetting passwords."""

import logging
import secrets
import unicodedata
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.database import end_read, require_transaction, transaction
from booking.domain.errors import SignInRefused, StaffRefused
from booking.domain.roles import Role
from booking.models import Staff
from booking.queries.staff import Present, StaffMember, find_by_email, find_by_id
from booking.runtime import Runtime
from booking.services import audit, codes, sign_ins
from booking.services.limits import check_limit, forget_tries, network_of
from booking.services.sign_ins import Place

logger = logging.getLogger(__name__)

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 128
SIGN_IN_WINDOW = timedelta(minutes=15)
TRIES_PER_ACCOUNT, TRIES_PER_ADDRESS = 5, 30
# Shorter ones are refused by their length; these are what people type once twelve characters are asked for.
_COMMON_WORDS = """
0987654321098 111222333444 112233445566 123123123123 123456789012 1234567890123 12345678901234 123456789123
1q2w3e4r5t6y 1qaz2wsx3edc 1qaz2wsx3edc4rfv 987654321098 a1b2c3d4e5f6 abc123abc123 abcd12345678 abcdef123456
abcdefghijkl abcdefghijklm admin1234567 admin12345678 adminadminadmin administrator administrator1 asdfasdfasdf
asdfghjkl123 baseball1234 booking12345 bookingbooking changeme1234 changeme12345 changemechangeme changethispassword
correcthorsebatterystaple defaultpassword dragondragon football1234 holdfast1234 holdfastadmin holdfastholdfast
iloveyou1234 iloveyouiloveyou letmein12345 letmeinletmein monkeymonkey mypassword123 passw0rdpassw0rd password1234
password12345 password123456 password2026 passwordpassword princess1234 qazwsxedcrfv qwerty123456 qwerty1234567
qwertyqwerty qwertyuiop12 qwertyuiop123 qwertyuiop1234 qwertyuiopasdf reservations rootrootroot secretsecret
sunshine1234 superpassword supersecret1 supersecret123 test12345678 testpassword testtesttest trustno1trustno1
welcome12345 welcome123456 welcomewelcome yourpassword zaq12wsxcde3
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_hasher = PasswordHasher()  # argon2id with the library's parameters of today


def create_staff(
    runtime: Runtime,
    email: str,
    name: str,
    password: str,
    role: Role = Role.OWNER,
    *,
    by: str = audit.COMMAND_LINE,
) -> int:
    """Make an account and commit it; its id. Whoever makes the first one on the command line is an owner.

    Raises:
        StaffRefused: the address is malformed or taken, the name is missing, or the password is too weak.
    """
    address, called = checked_email(email), checked_name(name)
    hashed = hash_password(password, address, called)
    try:
        with transaction() as session:
            staff = Staff(email=address, name=called, password_hash=hashed, session_key=new_key(), role=role)
            staff.is_active = True
            session.add(staff)
            session.flush()  # for the id
            staff_id = staff.id
            audit.record(session, by, "staff.created", f"staff {address}", runtime.clock.now(), after={"role": role})
    except IntegrityError:
        raise StaffRefused("There is an account with this e-mail address already.", field="email") from None
    logger.info("staff_created", extra={"staff_id": staff_id})
    return staff_id


def check_password(runtime: Runtime, email: str, password: str, address: str | None) -> StaffMember:
    """The person whose address and password these are; who asks for codes is not signed in yet.

    Each try counts, first for where it comes from, then for the account as tried from there: nobody can lock another
    place out. An unknown address, a wrong password and an account that was switched off take the same time and get
    the same words. A hash that was made with weaker parameters than today's is renewed, and committed.

    Raises:
        SignInRefused, TooManyTries.
    """
    account, network = _normal(email), network_of(address)
    check_limit(runtime, "login-address", network, TRIES_PER_ADDRESS, SIGN_IN_WINDOW)
    check_limit(runtime, "login-account", f"{account}|{network}", TRIES_PER_ACCOUNT, SIGN_IN_WINDOW)
    member = _matching(account, password)
    if member is None:
        logger.warning("staff_sign_in_refused")
        raise SignInRefused
    _renew_hash(member, password)
    forget_tries(runtime, "login-account", f"{account}|{network}")
    return member


def prove_again(runtime: Runtime, present: Present, password: str, code: str, place: Place) -> str:
    """Somebody who is signed in shows again who they are, by password or code; the sign-in's new secret. Commits.

    Raises:
        StaffRefused: neither is right; `details["field"]` says which was looked at. TooManyTries: guessed too often.
    """
    member, now = present.member, runtime.clock.now()
    if code and member.codes_since:
        codes.use_code(runtime, member, code, place)
    else:
        _check_own(runtime, member, password, place.address, "password")
    with transaction() as session:
        token = sign_ins.renew(session, present, now)
        audit.record(session, member.email, "staff.proved_again", f"staff {member.email}", now)
    return token


def change_password(runtime: Runtime, present: Present, old: str, new: str, place: Place) -> str:
    """Replace a password that its owner knows; the secret of the sign-in that takes the place of all others. Commits.

    Raises:
        StaffRefused: the old one is wrong or the new one too weak. TooManyTries: guessed too often.
    """
    member, now = present.member, runtime.clock.now()
    _check_own(runtime, member, old, place.address, "old_password")
    hashed = hash_password(new, member.email, member.name)
    with transaction() as session:
        store(session, member.id, password_hash=hashed)
        audit.record(session, member.email, "staff.password_changed", f"staff {member.email}", now)
        return sign_ins.open_session(session, _again(member.id), place, now)


def reset_password(runtime: Runtime, email: str, password: str, *, by: str = audit.COMMAND_LINE) -> int:
    """Give an account a new password without the old one, for the command line; its id. Every sign-in ends.

    Raises:
        StaffRefused: nobody has this address, or the password is too weak.
    """
    member = _get_by_email(email)
    hashed = hash_password(password, member.email, member.name)
    with transaction() as session:
        store(session, member.id, password_hash=hashed, is_active=True)
        audit.record(session, by, "staff.password_reset", f"staff {member.email}", runtime.clock.now())
    return member.id


def forget_codes(runtime: Runtime, email: str, *, by: str = audit.COMMAND_LINE) -> None:
    """Let somebody who lost app and recovery codes sign in with the password alone. Commits. Raises StaffRefused."""
    member = _get_by_email(email)
    with transaction() as session:
        codes.forget(session, member.id)
        audit.record(session, by, "codes.taken_away", f"staff {member.email}", runtime.clock.now())


def end_sign_ins(runtime: Runtime, member: StaffMember, by: str) -> None:
    """Sign a person out everywhere. Commits."""
    with transaction() as session:
        store(session, member.id)
        audit.record(session, by, "staff.sign_ins_ended", f"staff {member.email}", runtime.clock.now())


def store(session: Session, staff_id: int, **values: object) -> None:
    """Change an account, which ends all its sign-ins. Joins the caller's transaction."""
    require_transaction(session)
    session.execute(update(Staff).where(Staff.id == staff_id).values(**values, session_key=new_key()))


def hash_password(password: str, email: str, name: str) -> str:
    """The hash of a password that is strong enough for this person. Raises StaffRefused."""
    _check_password(password, email, name)
    return _hash(password)


def checked_email(email: str) -> str:
    """An address in the form in which accounts have it. Raises StaffRefused."""
    try:
        return _normal(validate_email(email.strip(), check_deliverability=False).normalized)
    except EmailNotValidError:
        raise StaffRefused("That is not an e-mail address.", field="email") from None


def checked_name(name: str) -> str:
    """A name without odd spaces. Raises StaffRefused."""
    called = " ".join(name.replace("\0", "").split())
    if not called or len(called) > 120:
        raise StaffRefused("A name has 1 to 120 characters.", field="name")
    return called


def new_key() -> str:
    """A session key: whatever was signed in under another one is over."""
    return secrets.token_urlsafe(32)


def _get_by_email(email: str) -> StaffMember:
    member = find_by_email(_normal(email))
    end_read()
    if member is None:
        raise StaffRefused("There is no account with this e-mail address.", field="email")
    return member


def _check_own(runtime: Runtime, member: StaffMember, password: str, address: str, field: str) -> None:
    check_limit(runtime, "password", f"{member.id}|{network_of(address)}", TRIES_PER_ACCOUNT, SIGN_IN_WINDOW)
    end_read()  # hashing takes long on purpose
    if not _is_right(member.password_hash, password):
        raise StaffRefused("That is not your present password.", field=field)


def _matching(account: str, password: str) -> StaffMember | None:
    member = find_by_email(account)
    end_read()  # hashing takes long on purpose, and must not keep a snapshot open
    known = member.password_hash if member else _hash_of_nobody()
    is_right = _is_right(known, password)
    return member if member and is_right and member.is_active else None


def _renew_hash(member: StaffMember, password: str) -> None:
    if _hasher.check_needs_rehash(member.password_hash):
        renewed = _hash(password)
        with transaction() as session:
            same = update(Staff).where(Staff.id == member.id, Staff.password_hash == member.password_hash)
            session.execute(same.values(password_hash=renewed))


def _again(staff_id: int) -> StaffMember:
    member = find_by_id(staff_id)
    if member is None:
        raise SignInRefused
    return member


@cache
def _hash_of_nobody() -> str:
    return _hash(secrets.token_urlsafe(32))


def _is_right(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, _as_bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def _hash(password: str) -> str:
    return _hasher.hash(_as_bytes(password))


def _as_bytes(password: str) -> bytes:
    # The same letter can be typed as one character or two; keyboards differ, the person does not.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _check_password(password: str, email: str, name: str) -> None:
    _refuse_if(len(password) < SHORTEST_PASSWORD, f"A password has at least {SHORTEST_PASSWORD} characters.")
    _refuse_if(len(password) > LONGEST_PASSWORD, f"A password has at most {LONGEST_PASSWORD} characters.")
    plain = password.casefold()
    own = {email.casefold(), name.casefold(), email.partition("@")[0].casefold()}
    common = plain in _COMMON or plain in own or len(set(plain)) < 5
    _refuse_if(common, "That password is easy to guess. Three or four unrelated words make a good one.")


def _refuse_if(broken: bool, message: str) -> None:
    if broken:
        raise StaffRefused(message, field="password")


def _normal(email: str) -> str:
    # PostgreSQL has no place for NUL: a stranger's nonsense must be a wrong address, not a crash.
    return unicodedata.normalize("NFC", email.replace("\0", "").strip()).lower()[:254]
