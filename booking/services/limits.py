"""How often something may be tried: fixed windows, counted in the database so that all processes count together."""

import ipaddress
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import case, delete, literal
from sqlalchemy.orm import Session

from booking.database import UTCDateTime, insert_into, transaction
from booking.domain.errors import TooManyTries
from booking.extensions import DATABASE_AWAY
from booking.models import RateWindow
from booking.queries.limits import find_window
from booking.runtime import Runtime

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """How often one source may do something."""

    what: str
    most: int
    per: timedelta


# What anybody may do. The limits of looking up, changing and signing in stand with what they guard.
SEARCHING = Limit("search", 60, timedelta(minutes=1))
ASKING_FOR_NEWS = Limit("news", 60, timedelta(minutes=1))
PLACING = Limit("hold", 10, timedelta(hours=1))
# Whoever books with one is asked for it four or five times; whoever guesses does not come far.
TRYING_CODES = Limit("code", 100, timedelta(hours=1))


def count_try(runtime: Runtime, limit: Limit, who: str) -> None:
    """Count one try against a limit. Raises TooManyTries as `check_limit` does."""
    check_limit(runtime, limit.what, who, limit.most, limit.per)


def count_try_if_possible(runtime: Runtime, limit: Limit, who: str) -> None:
    """The same for what only reads: a database that cannot write just now must not keep guests from looking around.

    Raises:
        TooManyTries: as `check_limit` does.
    """
    try:
        count_try(runtime, limit, who)
    except DATABASE_AWAY:
        logger.warning("try_not_counted", extra={"what": limit.what})


def check_limit(runtime: Runtime, what: str, who: str, limit: int, per: timedelta) -> None:
    """Count one try, and refuse it where `who` has had `limit` of them in the running window.

    The count is committed before the caller goes on, so that tries made at the same time cannot slip through together.

    Raises:
        TooManyTries: `details["retry_after"]` says in how many seconds the window ends.
    """
    if not runtime.settings.rate_limits:
        return
    key, now = limit_key(what, who), runtime.clock.now()
    # A caller who is over the limit already costs a read and no write: hammering must not hold the write lock.
    started_at, count = find_window(key, now - per) or (now, 0)
    if count < limit:
        with transaction() as session:
            started_at, count = _count_one(session, key, now, per)
        if count <= limit:
            return
    raise TooManyTries(retry_after=max(1, int((started_at + per - now).total_seconds())))


def forget_tries(runtime: Runtime, what: str, who: str) -> None:
    """Begin counting anew for someone who has shown to be who they say."""
    if runtime.settings.rate_limits:
        with transaction() as session:
            session.execute(delete(RateWindow).where(RateWindow.key == limit_key(what, who)))


def purge_windows(runtime: Runtime, older_than: timedelta = timedelta(days=2)) -> int:
    """Drop windows that ended long ago; how many. For the worker's sweep: the table would only ever grow."""
    with transaction() as session:
        old = delete(RateWindow).where(RateWindow.started_at < runtime.clock.now() - older_than)
        return len(session.scalars(old.returning(RateWindow.key)).all())


def network_of(address: str | None) -> str:
    """The address that a limit counts by: an IPv6 customer has a whole /64, so that is what counts as one."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed.packed[:8] + bytes(8), 64)))


def limit_key(what: str, who: str) -> str:
    """Under which a limit is counted. Hashed, so that the table holds no addresses of people."""
    return f"{what}:{sha256(who.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def _count_one(session: Session, key: str, now: datetime, per: timedelta) -> tuple[datetime, int]:
    """One more in the running window, or the first of a new one, in a single statement: two at once are two."""
    statement = insert_into(session, RateWindow).values(key=key, started_at=now, count=1)
    ended = RateWindow.started_at <= now - per
    statement = statement.on_conflict_do_update(
        index_elements=[RateWindow.key],
        set_={
            "started_at": case((ended, literal(now, UTCDateTime)), else_=RateWindow.started_at),
            "count": case((ended, 1), else_=RateWindow.count + 1),
        },
    )
    return session.execute(statement.returning(RateWindow.started_at, RateWindow.count)).one()
