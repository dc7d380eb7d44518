"""The photos of a listing: sent, described, put in order, taken away."""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import BookingError
from booking.domain.pictures import MOST_FILES
from booking.language import DEFAULT, LANGUAGES
from booking.queries.photos import find_photo
from booking.services import photos as album
from booking.web.admin.blueprint import blueprint, reader
from booking.web.admin.house_forms import PhotosForm, name_of
from booking.web.admin.listings import get_listing_or_404
from booking.web.text import one_line
from booking.wiring import current_runtime


@blueprint.get("/listings/<int:listing_id>/photos")
def photos(listing_id: int) -> ResponseReturnValue:
    """Every photo with its words, and the form to add to them."""
    return _page(listing_id, PhotosForm(formdata=None))


@blueprint.post("/listings/<int:listing_id>/photos")
def add_photos(listing_id: int) -> ResponseReturnValue:
    """Take files in. What they are is found out by the worker, whose progress has a page of its own."""
    get_listing_or_404(listing_id)
    form = PhotosForm()
    files = form.read_files()
    if not files:
        return _page(listing_id, form), 422
    try:
        job_id = album.ask_for_photos(current_runtime(), listing_id, files, current_user.email)
    except BookingError as refusal:
        form.refuse(refusal.user_message)
        return _page(listing_id, form), 422
    return redirect(url_for("admin.job", job_id=job_id), 303)


@blueprint.post("/listings/<int:listing_id>/photos/words")
def describe_photos(listing_id: int) -> ResponseReturnValue:
    """What each photo shows, for those who do not see it."""
    _keep_words(get_listing_or_404(listing_id))
    flash("The words are kept.")
    return _back(listing_id)


@blueprint.post("/photos/<int:photo_id>/move")
def move_photo(photo_id: int) -> ResponseReturnValue:
    """One place earlier or later, or to the very beginning, where the cover is."""
    photo = find_photo_or_404(photo_id)
    listing_id = photo.listing_id
    order = [other.id for other in photo.listing.photos]
    place = order.index(photo_id)
    places = {"first": 0, "earlier": max(0, place - 1), "later": place + 1}
    wanted = places.get(request.form.get("to", ""))
    if wanted is None:
        abort(400)
    _keep_words(photo.listing)
    order.insert(wanted, order.pop(place))
    album.order_photos(current_runtime(), listing_id, order, current_user.email)
    return _back(listing_id, f"photo-{photo_id}")


@blueprint.post("/photos/<int:photo_id>/remove")
def remove_photo(photo_id: int) -> ResponseReturnValue:
    """Take it away for good."""
    photo = find_photo_or_404(photo_id)
    listing_id = photo.listing_id
    _keep_words(photo.listing)
    album.remove_photo(current_runtime(), photo_id, current_user.email)
    flash("The photo is gone.")
    return _back(listing_id)


def _keep_words(row: Any) -> None:
    """Keep what was typed of a listing's photos, whichever button was pressed."""
    words = {
        photo.id: {code: one_line(request.form.get(f"alt_{photo.id}_{code}")) for code in LANGUAGES}
        for photo in row.photos
        if f"alt_{photo.id}_{DEFAULT}" in request.form
    }
    if words:
        album.describe_photos(current_runtime(), row.id, words, current_user.email)


def find_photo_or_404(photo_id: int) -> Any:
    """One photo's row."""
    return find_photo(reader(), photo_id) or abort(404)


def _page(listing_id: int, form: PhotosForm) -> str:
    row = get_listing_or_404(listing_id)
    facts = {
        "most": album.MOST_PHOTOS,
        "most_files": MOST_FILES,
        "languages": [(code, name_of(code)) for code in LANGUAGES],
    }
    return render_template("admin/photos.html", listing=row, form=form, **facts)


def _back(listing_id: int, anchor: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("admin.photos", listing_id=listing_id, _anchor=anchor), 303)
