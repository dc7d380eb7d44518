"""Who this installation is, as its objects at Stripe carry it."""

import math
import time
import uuid
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import Pool

from booking.database import end_read, transaction
from booking.extensions import db
from booking.models import Instance
from booking.runtime import Runtime

KEPT_SECONDS = 60
# By the connections over which it was read: whoever lets go of these lets go of it.
_known: WeakKeyDictionary[Pool, tuple[float, str]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Identity:
    """What evidence must carry to be believed here."""

    instance_id: str
    livemode: bool


def get_identity(runtime: Runtime) -> Identity:
    """This installation's id and mode. Makes the id at the first call ever; call it outside transactions."""
    return Identity(get_instance_id(runtime), runtime.settings.livemode)


def get_instance_id(runtime: Runtime) -> str:
    """INSTANCE_ID from the settings, else the one kept in the database, made (and committed) where there is none."""
    kept = runtime.settings.instance_id or _find_kept()
    return kept or _make()


def _find_kept() -> str | None:
    """From memory where it was read in the last minute: each hold and each event asks, and it changes with a backup."""
    read_at, kept = _known.get(db.engine.pool, (-math.inf, None))
    if read_at < time.monotonic() - KEPT_SECONDS:
        kept = db.session.scalar(select(Instance.instance_id).where(Instance.id == 1))
        if kept is not None:
            _known[db.engine.pool] = time.monotonic(), kept
    end_read()  # what comes next is often a call to Stripe
    return kept


def _make() -> str:
    made = str(uuid.uuid4())
    try:
        with transaction() as session:
            session.add(Instance(id=1, instance_id=made))
    except IntegrityError:  # another process was first
        return _find_kept() or made
    return made
