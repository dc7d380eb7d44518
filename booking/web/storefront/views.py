"""Home, results, and the plain texts. The other pages of the storefront register themselves on its blueprint."""

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue

from booking.domain.errors import StayRuleBroken
from booking.domain.terms import terms_in_words
from booking.extensions import db
from booking.queries.search import ResultPage, find_page, find_property, find_shelf, has_own_policies
from booking.web.member import member_off
from booking.web.storefront import look, seo, stay
from booking.web.storefront.blueprint import blueprint
from booking.web.storefront.forms import Question, read_order, read_page, read_question
from booking.web.storefront.kept import kept
from booking.wiring import current_runtime

__all__ = ["blueprint", "look", "seo", "stay"]


@blueprint.get("/")
@kept
def home() -> ResponseReturnValue:
    """The door: a search form over a picture of one stay, and what is on sale."""
    session, question = db.session(), read_question(request.args)
    shelf = find_shelf(session, current_runtime().clock.now())
    place = find_property(session)
    page = render_template("storefront/home.html", place=place, shelf=shelf, question=question, sold=shelf.sold)
    return make_response(page, 422 if question.errors else 200)


@blueprint.get("/stays")
@kept
def stays() -> ResponseReturnValue:
    """What is free on the nights asked for, and why the rest is not; without dates, everything on sale."""
    order, number = read_order(request.args), read_page(request.args)
    question, result = _search(read_question(request.args))
    shelf = None if result else find_shelf(db.session(), current_runtime().clock.now(), order, number)
    sold = result.sold if result else shelf and shelf.sold
    facts = {"question": question, "result": result, "shelf": shelf, "sold": sold, "order": order}
    return make_response(render_template("storefront/stays.html", **facts), 422 if question.errors else 200)


@blueprint.get("/terms")
@kept
def terms() -> ResponseReturnValue:
    """What a booking here means."""
    session = db.session()
    place, has_own_terms = find_property(session), has_own_policies(session)
    plain = terms_in_words(place.terms) if place else ()
    return render_template("pages/terms.html", place=place, plain_terms=plain, has_own_terms=has_own_terms)


@blueprint.get("/privacy")
@kept
def privacy() -> ResponseReturnValue:
    """What is kept of a guest."""
    return _plain_text("privacy")


@blueprint.get("/accessibility")
@kept
def accessibility() -> ResponseReturnValue:
    """How these pages try to work for everybody."""
    return _plain_text("accessibility")


def _plain_text(name: str) -> str:
    return render_template(f"pages/{name}.html", place=find_property(db.session()))


def _search(question: Question) -> tuple[Question, ResultPage | None]:
    if question.stay is None or question.errors:
        return question, None
    order, number = read_order(request.args), read_page(request.args)
    try:
        now = current_runtime().clock.now()
        off = member_off()
        return question, find_page(db.session(), question.stay, question.guests, now, order, number, member_off=off)
    except StayRuleBroken as broken:
        return question.with_error(str(broken.details["field"]), broken.said), None
