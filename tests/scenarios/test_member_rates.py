"""Members stay for less: on every page alike, frozen with the booking, and gone when the membership is."""

import re
from html import unescape

from booking.domain.club import Interval, PlanTerms
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import Quote
from booking.domain.rates import LineKind
from booking.domain.states import BookingStatus
from booking.extensions import db
from booking.models import Booking, Joining, Membership, Property
from booking.services import verification
from tests.support.club import GOOD, Visitor, open_club, the_membership
from tests.support.shop import Shop


def _args(stay: Stay) -> dict[str, str]:
    return {"arrive": str(stay.arrive), "leave": str(stay.leave), "guests": "2"}


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


def _hidden(page: str) -> dict[str, str]:
    tags = re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", page.rpartition("<form")[2])
    named = {re.search(r'name="([^"]+)"', tag)[1]: re.search(r'value="([^"]*)"', tag)[1] for tag in tags}  # type: ignore[index]
    return {name: unescape(value) for name, value in named.items()}


def _review(visitor: Visitor, stay: Stay) -> str:
    """Type the details and go on to the review; its page."""
    where = "/stays/harbour-loft/book?" + "&".join(f"{name}={value}" for name, value in _args(stay).items())
    answer = visitor.post(where, where, name="Grace Hopper", email="grace@example.org", **_args(stay))
    assert answer.status_code == 303, _words(answer.text)[:300]
    return visitor.get(answer.headers["Location"]).text


def _book(visitor: Visitor, page: str) -> int:
    fields = _hidden(page)
    token = fields.pop("csrf_token")
    return visitor.session.post(
        f"{visitor.shop.url}/stays/harbour-loft/review", data={"csrf_token": token, **fields}, timeout=30,
        allow_redirects=False,
    )  # fmt: skip  # type: ignore[return-value]


def _member(shop: Shop, terms: PlanTerms | None = None) -> Visitor:
    plan_id, grace = open_club(shop, *([terms] if terms else [])), Visitor.of(shop)
    grace.sign_in()
    grace.join(plan_id)
    return grace


def test_every_page_shows_a_member_the_same_lower_price_and_a_stranger_the_ordinary_one(small_shop: Shop) -> None:
    shop, stay = small_shop, small_shop.stay()
    ordinary = shop.total(stay)
    grace, linus = _member(shop), Visitor.of(shop)

    line = "Members’ rate, 10 % less"
    pages = {
        "search": grace.get("/stays", **_args(stay)).text,
        "stay": grace.get("/stays/harbour-loft", **_args(stay)).text,
        "review": _review(grace, stay),
    }
    shown = re.search(r"Book and pay €([\d,.]+)", _words(pages["review"]))
    assert shown
    saved = Money(int(shown[1].replace(",", "").replace(".", "")), "eur")
    assert saved.minor < ordinary.minor
    for name, page in pages.items():
        assert shown[1] in _words(page), name
    assert line in _words(pages["stay"])
    assert line in _words(pages["review"])
    assert "The members’ rate is in this price" in _words(pages["search"])
    assert line not in _words(linus.get("/stays/harbour-loft", **_args(stay)).text)
    assert "Members of the club save" in _words(linus.get("/stays/harbour-loft", **_args(stay)).text)


def test_a_member_books_cheaper_the_line_is_frozen_and_the_booking_remembers_whose_rate_it_was(shop: Shop) -> None:
    grace, stay = _member(shop), shop.stay()
    answer = _book(grace, _review(grace, stay))

    assert answer.status_code == 303, _words(answer.text)[:500]
    [booking] = shop.bookings()
    quote = Quote.from_json(booking.quote)
    [line] = [line for line in quote.lines if line.kind is LineKind.MEMBER]
    nights = sum(line.total.minor for line in quote.lines if line.kind in (LineKind.NIGHT, LineKind.WEEKEND_NIGHT))
    assert line.total.minor == -(nights // 10)
    assert sum(line.total.minor for line in quote.lines) == booking.amount_minor
    assert (booking.membership_id, booking.member_off) == (the_membership(shop).id, 1000)
    shop.stripe.pay(shop.session_of(booking.id), GOOD)
    shop.stripe.settle_down()
    assert shop.booking(booking.id).status is BookingStatus.CONFIRMED


def test_a_rate_that_ended_since_the_review_is_told_as_a_price_that_has_changed(shop: Shop) -> None:
    grace, stay = _member(shop), shop.stay()
    page = _review(grace, stay)
    shop.stripe_client().subscriptions.cancel(the_membership(shop).subscription_id)
    shop.stripe.settle_down()

    answer = _book(grace, page)

    assert answer.status_code == 409
    words = _words(answer.text)
    assert "The price has changed" in words
    assert "your membership has ended, or you are not signed in" in words
    assert "Nothing was charged" in words
    assert shop.bookings() == []


def test_nobody_gets_the_rate_by_saying_so(small_shop: Shop) -> None:
    shop, stay = small_shop, small_shop.stay()
    grace, linus = _member(shop), Visitor.of(shop)
    cheap = _hidden(_review(grace, stay))
    dear = _hidden(_review(linus, stay))

    forged = {**dear, "shown_total_minor": cheap["shown_total_minor"], "as_member": "1", "account_id": "1"}
    answer = linus.session.post(f"{shop.url}/stays/harbour-loft/review", data=forged, timeout=30, allow_redirects=False)

    assert answer.status_code == 409
    assert shop.bookings() == []


def test_a_house_that_is_not_in_the_club_asks_members_the_ordinary_price(small_shop: Shop) -> None:
    shop, stay = small_shop, small_shop.stay()
    ordinary, grace = shop.total(stay), _member(shop)
    with shop.app.app_context():
        db.session.query(Property).update({"in_club": False})
        db.session.commit()

    page = _words(_review(grace, stay))

    assert f"Book and pay €{ordinary.major}" in page
    assert "Members" not in page


def test_the_story_of_a_member(shop: Shop) -> None:
    """Join, a cheaper stay, a card that fails, cancelled at Stripe, and at the end of the period the rate is gone."""
    terms = PlanTerms("Harbour Club", Money(900, "eur"), Interval.MONTH, 0, 2000)
    grace, stay = _member(shop, terms), shop.stay(ahead=60)
    assert _book(grace, _review(grace, stay)).status_code == 303
    [booking] = shop.bookings()
    shop.stripe.pay(shop.session_of(booking.id), GOOD)
    shop.stripe.settle_down()
    frozen = booking.amount_minor

    row = the_membership(shop)
    api = shop.stripe_client()
    customer = api.subscriptions.retrieve(row.subscription_id).customer
    bad = api.payment_methods.attach("pm_card_chargeCustomerFail", params={"customer": customer})
    api.subscriptions.update(row.subscription_id, params={"default_payment_method": bad.id})
    shop.pass_time(days=32)
    assert the_membership(shop).status == "past_due"
    grace.sign_in()  # a month has passed
    later = shop.stay(ahead=20)
    assert "Members’ rate, 20 % less" in _words(_review(grace, later))

    good = api.payment_methods.attach("pm_card_visa", params={"customer": customer})
    api.subscriptions.update(
        row.subscription_id, params={"default_payment_method": good.id, "cancel_at_period_end": True}
    )
    shop.pass_time(days=5)
    row = the_membership(shop)
    assert (row.status, row.cancels_at) == ("active", row.period_end)
    shop.pass_time(days=32)
    assert the_membership(shop).status == "canceled"
    grace.sign_in()  # a month has passed
    assert "Members’ rate" not in _words(_review(grace, shop.stay(ahead=20)))

    assert (shop.booking(booking.id).amount_minor, shop.booking(booking.id).status) == (frozen, "confirmed")
    with shop.app.app_context():
        assert verification.compare_with_stripe(shop.runtime).differences == ()


def test_verify_names_what_is_broken_about_members(small_shop: Shop) -> None:
    shop = small_shop
    grace = _member(shop)
    assert _book(grace, _review(grace, shop.stay())).status_code == 303

    def broken() -> str:
        return " ".join(shop.broken_promises())

    assert broken() == ""
    for change, words in (
        ({"membership_id": None}, "has the members' rate and no membership"),
        ({"membership_id": 1, "member_off": 500}, "has 10 % off, but 5 % was noted"),
        ({"member_off": 0}, "names a membership that took nothing off"),
    ):
        with shop.app.app_context():
            db.session.query(Booking).update(change)
            db.session.commit()
        assert words in broken()
    with shop.app.app_context():
        db.session.query(Booking).update({"member_off": 1000})
        row = db.session.query(Membership).one()
        db.session.add(
            Membership(
                account_id=row.account_id, plan_id=row.plan_id, subscription_id="sub_2", livemode=False,
                status=row.status, price_minor=900, currency="eur", off_share=1000, period_start=row.period_start,
                period_end=row.period_end, looked_at=row.looked_at,
            )
        )  # fmt: skip
        db.session.query(Joining).update({"idempotency_key": ""})
        db.session.commit()
    assert "has 2 memberships that run" in broken()
    assert "joining 1 has no key" in broken()
    shop.breaks = ("I23", "I13")
