"""Who this installation is, as its objects at Stripe carry it."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from booking.database import end_read, transaction
from booking.extensions import db
from booking.models import Instance
from booking.runtime import Runtime


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
    kept = db.session.scalar(select(Instance.instance_id).where(Instance.id == 1))
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
