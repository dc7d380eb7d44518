"""Which pictures the shop shows."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.models import Photo


def find_digests(session: Session) -> list[str]:
    """The digest of each picture that some listing shows; a folder of the same name holds its files."""
    return list(session.scalars(select(Photo.digest).distinct().order_by(Photo.digest)))


def find_photo(session: Session, photo_id: int) -> Photo | None:
    """One photo of some listing."""
    return session.get(Photo, photo_id)
