"""Who this installation is, as its objects at Stripe carry it."""

import uuid
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError

from booking.database import end_read, transaction
from booking.extensions import db
from booking.models import Instance
from booking.runtime import Runtime

# Made once in the life of a database, and the same in every copy of it.
_known: WeakKeyDictionary[Engine, str] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Identity:
    """What evidence must carry to be believed here."""

    instance_id: str
    livemode: bool


def get_identity(runtime: Runtime, *, is_anew: bool = False) -> Identity:
    """This installation's id and mode. Makes the id at the first call ever; call it outside transactions.

    `is_anew` for whoever doubts it: as it is in the database now, and not as it was at the first look.
    """
    if is_anew:
        _known.pop(db.engine, None)
    return Identity(get_instance_id(runtime), runtime.settings.livemode)


def get_instance_id(runtime: Runtime) -> str:
    """INSTANCE_ID from the settings, else the one kept in the database, made (and committed) where there is none."""
    kept = runtime.settings.instance_id or _find_kept()
    return kept or _make()


def _find_kept() -> str | None:
    kept = _known.get(db.engine) or db.session.scalar(select(Instance.instance_id).where(Instance.id == 1))
    end_read()  # what comes next is often a call to Stripe
    if kept:
        _known[db.engine] = kept
    return kept


def _make() -> str:
    made = str(uuid.uuid4())
    try:
        with transaction() as session:
            session.add(Instance(id=1, instance_id=made))
    except IntegrityError:  # another process was first
        return _find_kept() or made
    return made
