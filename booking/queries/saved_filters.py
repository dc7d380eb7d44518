"""The filters that somebody keeps."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.models import SavedFilter


def list_saved_filters(session: Session, staff_id: int) -> Sequence[SavedFilter]:
    """Those of one person, by name."""
    return session.scalars(select(SavedFilter).where(SavedFilter.staff_id == staff_id).order_by(SavedFilter.name)).all()
