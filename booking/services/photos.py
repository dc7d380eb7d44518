"""The photos of a listing: adding, taking away, putting in order. gateways/pictures.py knows what their files are."""

import logging
from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.errors import BookingError, ListingNotFound
from booking.domain.pictures import KeptPicture, PictureRefused
from booking.domain.words import say, say_count
from booking.models import Listing, Photo
from booking.runtime import Runtime

logger = logging.getLogger(__name__)

MOST_PHOTOS = 24


class PhotoNotFound(BookingError):
    """No such photo, or not one of this listing."""

    code = "photo_not_found"
    default_message = say("We cannot find that photo.")


def add_photo(
    runtime: Runtime, listing_id: int, data: bytes, alt: str, translations: Mapping[str, str] | None = None
) -> int:
    """Keep a picture, put it behind the listing's others, and commit; the photo's id.

    The same picture again changes only its words. The files are made before the transaction begins: should it fail,
    they lie there unused until the same picture is tried again.

    Raises:
        PictureRefused: no picture, too large, or one too many. ListingNotFound: no such listing.
    """
    kept = runtime.pictures.keep(data)
    with transaction() as session:
        photo = _find_or_make(session, _lock_listing(session, listing_id), kept)
        photo.alt, photo.translations = alt.strip()[:300], dict(translations or {})
        session.flush()  # for the id
        photo_id = photo.id
    logger.info("photo_added", extra={"photo_id": photo_id, "listing_id": listing_id})
    return photo_id


def remove_photo(runtime: Runtime, photo_id: int) -> None:
    """Take a photo away and commit, then delete its files where no other listing shows them. Twice is once.

    Should the same picture be added elsewhere in that very moment, it stands there without its files; adding it once
    more brings them back.
    """
    with transaction() as session:
        photo = session.get(Photo, photo_id)
        if photo is None:
            return
        digest = photo.digest
        session.delete(photo)
        session.flush()  # or the photo would count itself
        is_used = session.scalar(select(Photo.id).where(Photo.digest == digest).limit(1)) is not None
    if not is_used:
        runtime.pictures.drop(digest)
    logger.info("photo_removed", extra={"photo_id": photo_id})


def order_photos(runtime: Runtime, listing_id: int, photo_ids: Sequence[int]) -> None:
    """Put these photos of a listing first, in this order, and commit; others follow. The first is its cover.

    Raises:
        PhotoNotFound: one of them is no photo of this listing. ListingNotFound: no such listing.
    """
    with transaction() as session:
        photos = {photo.id: photo for photo in _lock_listing(session, listing_id).photos}
        if not set(photo_ids) <= set(photos):
            raise PhotoNotFound
        for position, photo_id in enumerate(dict.fromkeys([*photo_ids, *photos])):
            photos[photo_id].position = position


def _lock_listing(session: Session, listing_id: int) -> Listing:
    """The listing, locked, so that two who add or order photos at once take turns."""
    locked = select(Listing).where(Listing.id == listing_id).with_for_update(of=Listing)
    listing = session.scalar(locked)
    if listing is None:
        raise ListingNotFound
    return listing


def _find_or_make(session: Session, listing: Listing, kept: KeptPicture) -> Photo:
    known = session.scalar(select(Photo).where(Photo.listing_id == listing.id, Photo.digest == kept.digest))
    if known is not None:
        return known
    there, last = session.execute(
        select(func.count(), func.coalesce(func.max(Photo.position), -1)).where(Photo.listing_id == listing.id)
    ).one()
    if there >= MOST_PHOTOS:
        raise PictureRefused(
            say_count("A stay shows {count} photo at most.", "A stay shows {count} photos at most.", MOST_PHOTOS)
        )
    photo = Photo(
        listing=listing, digest=kept.digest, width=kept.width, height=kept.height, colour=kept.colour, position=last + 1
    )
    session.add(photo)
    return photo
