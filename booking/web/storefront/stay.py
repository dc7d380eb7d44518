"""One stay: its pictures, its calendar, and the price once two dates are chosen."""

from dataclasses import fields

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from booking.domain.errors import ListingNotFound
from booking.extensions import db
from booking.queries.calendar import Choice
from booking.queries.house import find_moved_slug
from booking.queries.stay_page import StayPage, read_stay_page
from booking.web.member import member_off
from booking.web.storefront.blueprint import blueprint
from booking.web.storefront.forms import Question, read_month, read_question
from booking.web.storefront.kept import kept
from booking.wiring import current_runtime


@blueprint.get("/stays/<slug>")
@kept
def stay(slug: str) -> ResponseReturnValue:
    """One listing with its calendar. Complete without any script; one on the page only fetches it again in parts."""
    question = read_question(request.args, needs_leave=False)
    month = read_month(request.args.get("month"))
    try:
        found = read_stay_page(db.session(), slug, _choice(question), month, current_runtime().clock.now())
    except ListingNotFound:
        return _moved_page(slug)
    if found.refusal and found.refusal.field:
        question = question.with_error(found.refusal.field, found.refusal.reason)
    facts = {field.name: getattr(found, field.name) for field in fields(StayPage)}
    return make_response(
        render_template("storefront/stay.html", question=question, **facts), 422 if question.errors else 200
    )


def _moved_page(slug: str) -> ResponseReturnValue:
    """Lead whoever follows an old link to where the listing is now. Raises ListingNotFound."""
    now_at = find_moved_slug(db.session(), slug)
    if now_at is None:
        raise ListingNotFound
    asked = request.query_string.decode("ascii", "replace")
    return redirect(url_for("storefront.stay", slug=now_at) + (f"?{asked}" if asked else ""), 301)


def _choice(question: Question) -> Choice:
    """What was chosen; of a question with mistakes only the day of arrival can be believed."""
    return Choice(question.arrive, None if question.errors else question.stay, question.guests, member_off())
