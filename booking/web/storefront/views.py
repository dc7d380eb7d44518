"""Home, results, one stay, and the plain texts."""

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue

from booking.domain.errors import StayRuleBroken
from booking.extensions import db
from booking.queries.calendar import Choice, draw_months
from booking.queries.search import (
    Declined,
    Offer,
    SearchResult,
    find_property,
    find_stay,
    find_stays,
    get_listing,
    list_listings,
)
from booking.web.storefront.forms import Question, read_month, read_question
from booking.wiring import current_runtime

blueprint = Blueprint("storefront", __name__)


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The door: a search form and everything on sale."""
    session = db.session()
    place, listings = find_property(session), list_listings(session)
    return render_template("storefront/home.html", place=place, listings=listings, question=read_question(request.args))


@blueprint.get("/stays")
def stays() -> ResponseReturnValue:
    """What is free on the nights asked for, and why the rest is not; without dates, everything on sale."""
    question, result = _search(read_question(request.args))
    page = render_template(
        "storefront/stays.html",
        question=question,
        result=result,
        listings=[] if result else list_listings(db.session()),
    )
    return make_response(page, 422 if question.errors else 200)


@blueprint.get("/stays/<slug>")
def stay(slug: str) -> ResponseReturnValue:
    """One listing with its calendar, and the price once two dates are chosen."""
    session, now = db.session(), current_runtime().clock.now()
    listing = get_listing(session, slug)
    question = read_question(request.args, needs_leave=False)
    wanted = None if question.errors else question.stay
    answer = find_stay(session, listing, wanted, question.guests, now) if wanted else None
    if isinstance(answer, Declined) and answer.field:
        question = question.with_error(answer.field, answer.reason)
    choice = Choice(question.arrive, question.stay)
    view = draw_months(session, listing, read_month(request.args.get("month")), choice, now)
    facts = {"listing": listing, "question": question, "answer": answer, "view": view}
    page = render_template("storefront/stay.html", **facts, also=_also_free(answer))
    return make_response(page, 422 if question.errors else 200)


def _also_free(answer: Offer | Declined | None) -> list[Offer]:
    if answer is None or (isinstance(answer, Declined) and answer.field):
        return []
    found = find_stays(db.session(), answer.stay, answer.guests, current_runtime().clock.now())
    return [offer for offer in found.offers if offer.listing.id != answer.listing.id][:3]


@blueprint.get("/terms")
def terms() -> ResponseReturnValue:
    """What a booking here means."""
    return _plain_text("terms")


@blueprint.get("/privacy")
def privacy() -> ResponseReturnValue:
    """What is kept of a guest."""
    return _plain_text("privacy")


@blueprint.get("/accessibility")
def accessibility() -> ResponseReturnValue:
    """How these pages try to work for everybody."""
    return _plain_text("accessibility")


def _plain_text(name: str) -> str:
    return render_template(f"pages/{name}.html", place=find_property(db.session()))


def _search(question: Question) -> tuple[Question, SearchResult | None]:
    if question.stay is None or question.errors:
        return question, None
    try:
        result = find_stays(db.session(), question.stay, question.guests, current_runtime().clock.now())
    except StayRuleBroken as broken:
        return question.with_error(str(broken.details["field"]), broken.user_message), None
    return question, result
