"""The photos of a listing: adding, taking away, putting in order. gateways/pictures.py knows what their files are."""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.errors import BookingError, ListingNotFound
from booking.domain.pictures import KeptPicture, PictureRefused
from booking.domain.words import say, say_count
from booking.language import DEFAULT
from booking.models import Listing, Photo
from booking.models.job import JobKind
from booking.runtime import Runtime
from booking.services import audit, job_board

logger = logging.getLogger(__name__)

MOST_PHOTOS = 24
LONGEST_ALT = 300
ASIDE_FOR = timedelta(days=2)


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


def ask_for_photos(runtime: Runtime, listing_id: int, files: Sequence[tuple[str, bytes]], who: str) -> int:
    """Set pictures aside for the worker, which makes photos of them one by one; the id of that work. Commits once.

    Raises:
        PictureRefused: one of the files is too big, or there would be too many. ListingNotFound: no such listing.
    """
    with transaction() as session:
        _refuse_too_many(len(_lock_listing(session, listing_id).photos) + len(files))
    waiting = [{"key": runtime.pictures.set_aside(data), "name": name[:80]} for name, data in files]
    with transaction() as session:
        params = {"listing_id": listing_id, "files": waiting}
        job_id = job_board.ask_for(session, JobKind.PICTURES, who, params, of=len(waiting))
        subject, now = f"listing {listing_id}", runtime.clock.now()
        audit.record(session, who, "photos.sent", subject, now, after={"files": len(waiting)})
    runtime.wake_worker()
    return job_id


def hang_photo(runtime: Runtime, listing_id: int, key: str, who: str) -> int:
    """Make a photo of a file that was set aside, behind the listing's others, and commit; the photo's id.

    Doing it twice is doing it once: words that somebody has written meanwhile stay.

    Raises:
        PictureRefused: no picture, too large, or one too many. ListingNotFound: no such listing.
    """
    try:
        kept = runtime.pictures.keep_aside(key)
        with transaction() as session:
            photo = _find_or_make(session, _lock_listing(session, listing_id), kept)
            is_new = photo.id is None
            session.flush()  # for the id
            photo_id = photo.id
            if is_new:
                facts = {"listing": listing_id, "digest": kept.digest}
                audit.record(session, who, "photo.added", f"photo {photo_id}", runtime.clock.now(), after=facts)
    except (PictureRefused, ListingNotFound):
        runtime.pictures.drop_aside(key)
        raise
    runtime.pictures.drop_aside(key)
    logger.info("photo_added", extra={"photo_id": photo_id, "listing_id": listing_id})
    return photo_id


def forget_uploads(runtime: Runtime) -> None:
    """Delete files that were set aside and never fetched, as after a crash. Waiting work is never that old."""
    runtime.pictures.drop_old_asides(runtime.clock.now() - ASIDE_FOR)


def describe_photos(runtime: Runtime, listing_id: int, words: Mapping[int, Mapping[str, str]], who: str) -> None:
    """Write down what photos show, in each language, and commit. `words` are by photo and language.

    Raises:
        PhotoNotFound: one of them is no photo of this listing. ListingNotFound: no such listing.
    """
    with transaction() as session:
        photos = {photo.id: photo for photo in _lock_listing(session, listing_id).photos}
        if not set(words) <= set(photos):
            raise PhotoNotFound
        changed = sum(_describe(photos[photo_id], texts) for photo_id, texts in words.items())
        if changed:
            subject, now = f"listing {listing_id}", runtime.clock.now()
            audit.record(session, who, "photos.described", subject, now, after={"photos": changed})


def remove_photo(runtime: Runtime, photo_id: int, who: str) -> None:
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
        facts = {"listing": photo.listing_id, "digest": digest}
        audit.record(session, who, "photo.removed", f"photo {photo_id}", runtime.clock.now(), before=facts)
        session.flush()  # or the photo would count itself
        is_used = session.scalar(select(Photo.id).where(Photo.digest == digest).limit(1)) is not None
    if not is_used:
        runtime.pictures.drop(digest)
    logger.info("photo_removed", extra={"photo_id": photo_id})


def order_photos(runtime: Runtime, listing_id: int, photo_ids: Sequence[int], who: str) -> None:
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
        order = " ".join(str(photo_id) for photo_id in photo_ids)
        subject, now = f"listing {listing_id}", runtime.clock.now()
        audit.record(session, who, "photos.ordered", subject, now, after={"order": order})


def _describe(photo: Photo, texts: Mapping[str, str]) -> bool:
    alt = texts.get(DEFAULT, "")[:LONGEST_ALT]
    others = {code: text[:LONGEST_ALT] for code, text in texts.items() if code != DEFAULT and text}
    is_news = (photo.alt, photo.translations) != (alt, others)
    photo.alt, photo.translations = alt, others
    return is_news


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
    _refuse_too_many(there + 1)
    photo = Photo(
        listing=listing, digest=kept.digest, width=kept.width, height=kept.height, colour=kept.colour, position=last + 1
    )
    session.add(photo)
    return photo


def _refuse_too_many(photos: int) -> None:
    if photos > MOST_PHOTOS:
        raise PictureRefused(
            say_count("A stay shows {count} photo at most.", "A stay shows {count} photos at most.", MOST_PHOTOS)
        )
