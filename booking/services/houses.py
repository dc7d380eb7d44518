"""The property: what it says of itself, and a mail that shows whether mail arrives."""

import logging
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import require_transaction, transaction
from booking.domain.errors import HouseRefused
from booking.domain.house_facts import HouseFacts, check_house
from booking.domain.money import exponent
from booking.models import Booking, Instance, Listing, Property
from booking.queries.search import find_property
from booking.runtime import Runtime
from booking.services import audit, notifications
from booking.services.instance import get_instance_id
from booking.services.notifications import StaffNotice

logger = logging.getLogger(__name__)
Facts = Mapping[str, object]


def keep_house(runtime: Runtime, facts: HouseFacts, who: str) -> int:
    """Make the property, or change it where there is one, and commit; its id.

    Raises:
        HouseRefused: `details["problems"]` says by the field what cannot be; nothing was changed.
    """
    get_instance_id(runtime)  # the row is there from now on
    with transaction() as session:
        session.scalar(select(Instance).with_for_update())  # two who make the first property at once take turns
        place = find_property(session)
        refuse(check_house(facts) | _currency_problem(session, place, facts))
        action = "house.changed" if place else "house.made"
        place = place or Property()
        before, after = take_over(place, facts.as_values())
        session.add(place)
        session.flush()  # for the id
        place_id = place.id
        audit.record(session, who, action, f"property {place_id}", runtime.clock.now(), before=before, after=after)
    logger.info("house_kept", extra={"property_id": place_id})
    return place_id


def send_test_mail(runtime: Runtime, who: str, token: str) -> None:
    """Ask for a mail to the house's own address; the same token asks once. Commits."""
    with transaction() as session:
        note, now = f"Asked for by {who}.", runtime.clock.now()
        notifications.tell_staff(session, StaffNotice.TEST_MAIL, now, note=note, fact_id=token, page="/admin/house")
        audit.record(session, who, "mail.test_asked", "house", now)
    runtime.wake_worker()


def refuse(problems: dict[str, str]) -> None:
    """Refuse what has problems. Raises HouseRefused."""
    if problems:
        raise HouseRefused(problems=problems)


def take_over(row: Property | Listing, values: Mapping[str, object]) -> tuple[Facts, Facts]:
    """Give a row its new values; what those that differ were before, and are now, for the audit log."""
    old = {name: getattr(row, name) for name, value in values.items() if getattr(row, name) != value}
    for name in old:
        setattr(row, name, values[name])
    return old, {name: values[name] for name in old}


def is_currency_fixed(session: Session) -> bool:
    """Whether bookings were made in it, so that it stays. Joins the caller's transaction."""
    require_transaction(session)
    return session.scalar(select(Booking.id).limit(1)) is not None


def _currency_problem(session: Session, place: Property | None, facts: HouseFacts) -> dict[str, str]:
    if place is None or place.currency == facts.currency:
        return {}
    old, new = place.currency.upper(), facts.currency.upper()
    if is_currency_fixed(session):
        return {"currency": f"Bookings were made in {old}, so the currency stays."}
    has_listings = session.scalar(select(Listing.id).limit(1)) is not None
    if has_listings and exponent(place.currency) != exponent(facts.currency):
        # Prices are whole numbers of the smallest coin: 120.00 would silently become 12,000.
        return {"currency": f"Prices are kept in {old}, which has other decimals than {new}. The currency stays."}
    return {}
