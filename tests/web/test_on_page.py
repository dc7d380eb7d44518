"""Paying what is owed on a page of the shop: who has such a page, what it lets in, and how its payments are settled."""

from collections.abc import Iterator

import pytest
import requests
from sqlalchemy import select

from booking.database import transaction
from booking.domain.states import AttemptChannel, AttemptStatus, DueKind, DueStatus, Source
from booking.models import Property
from booking.services import balances, charges, reconciliation
from booking.services.charges import Try
from booking.services.timeline import Cause
from tests.support.cards import book_with_card, dues_of, keep_cards, owe
from tests.support.shop import Shop, Visitor, fields_of

GOOD, NO_FUNDS, ASKS = "4242424242424242", "4000000000009995", "4000002760003184"
KEY = "pk_test_0123456789abcdef"


@pytest.fixture
def offering(small_shop: Shop) -> Iterator[Shop]:
    """A house that lets guests pay on its own page."""
    with small_shop.app.app_context(), transaction() as session:
        for place in session.scalars(select(Property)):
            place.pays_on_page = True
    object.__setattr__(small_shop.runtime.settings, "stripe_publishable_key", KEY)
    yield small_shop
    object.__setattr__(small_shop.runtime.settings, "stripe_publishable_key", "")


@pytest.fixture
def grace(offering: Shop) -> Visitor:
    """A guest who has booked and paid, and has broken a window."""
    visitor = Visitor(offering.url)
    visitor.book_and_pay("harbour-loft", offering.stay())
    booking_id = offering.bookings()[-1].id
    offering.pay(booking_id)
    owe(offering, booking_id, offering.clock.today(), kind=DueKind.DAMAGE)
    return visitor


def _path(shop: Shop, rest: str = "/card") -> str:
    booking = shop.bookings()[0]
    return f"/b/{booking.reference}/pay/{dues_of(shop, booking.id)[0].id}{rest}"


def _begin(shop: Shop, visitor: Visitor) -> requests.Response:
    token = fields_of(visitor.get(_path(shop, "")).text)["csrf_token"]
    assert visitor.post(_path(shop), {"csrf_token": token}).status_code == 303
    return visitor.get(_path(shop))


def _secret(page: requests.Response) -> str:
    return page.text.partition('data-secret="')[2].partition('"')[0]


def _confirm(shop: Shop, secret: str, number: str = GOOD) -> requests.Response:
    """What Stripe.js does in the browser: with the publishable key and the secret of the page."""
    card = {"number": number, "exp_month": "12", "exp_year": "2034", "cvc": "123"}
    form = {f"payment_method_data[card][{name}]": value for name, value in card.items()}
    form |= {"payment_method_data[type]": "card", "client_secret": secret, "return_url": shop.url + _path(shop)}
    path = f"/v1/payment_intents/{secret.partition('_secret_')[0]}/confirm"
    answer = requests.post(shop.stripe.url + path, form, headers={"Authorization": f"Bearer {KEY}"}, timeout=30)
    shop.stripe.settle_down()
    return answer


def test_by_default_there_is_no_such_page(small_shop: Shop) -> None:
    visitor = Visitor(small_shop.url)
    visitor.book_and_pay("harbour-loft", small_shop.stay())
    small_shop.pay(small_shop.bookings()[0].id)
    owe(small_shop, small_shop.bookings()[0].id, small_shop.clock.today(), kind=DueKind.DAMAGE)

    assert "Pay on this page" not in visitor.get(_path(small_shop, "")).text
    assert visitor.get(_path(small_shop)).status_code == 404
    token = fields_of(visitor.get(_path(small_shop, "")).text)["csrf_token"]
    assert visitor.post(_path(small_shop), {"csrf_token": token}).status_code == 404


def test_a_payment_on_the_page_is_settled_by_the_webhook_once(offering: Shop, grace: Visitor) -> None:
    page = _begin(offering, grace)
    assert _confirm(offering, _secret(page)).json()["status"] == "succeeded"

    booking_id = offering.bookings()[0].id
    assert dues_of(offering, booking_id)[0].status is DueStatus.PAID
    assert [payment.amount_minor for payment in offering.payments(booking_id)][1:] == [4200]
    assert grace.get(_path(offering)).status_code == 303
    assert len(offering.payments(booking_id)) == 2
    assert offering.broken_promises() == []


def test_without_any_event_the_way_back_settles_it(offering: Shop, grace: Visitor) -> None:
    page = _begin(offering, grace)
    offering.stripe.post("delivery", {"mode": "hold"})
    asked = _confirm(offering, _secret(page), ASKS).json()["next_action"]["redirect_to_url"]["url"]
    back = requests.post(asked, {"answer": "complete"}, allow_redirects=False, timeout=30).headers["Location"]

    assert grace.get(back.removeprefix(offering.url)).status_code == 303
    assert dues_of(offering, offering.bookings()[0].id)[0].status is DueStatus.PAID


def test_without_event_and_without_way_back_looking_settles_it(offering: Shop, grace: Visitor) -> None:
    page = _begin(offering, grace)
    offering.stripe.post("delivery", {"mode": "hold"})
    _confirm(offering, _secret(page))
    with offering.app.app_context():
        reconciliation.reconcile(offering.runtime)

    assert dues_of(offering, offering.bookings()[0].id)[0].status is DueStatus.PAID


def test_a_refusal_is_said_in_our_own_words_and_another_card_may_follow(offering: Shop, grace: Visitor) -> None:
    page = _begin(offering, grace)
    _confirm(offering, _secret(page), NO_FUNDS)

    again = grace.get(_path(offering))
    assert "there is not enough money, or a limit is reached" in again.text
    assert "No money was taken." in again.text
    assert _confirm(offering, _secret(again)).json()["status"] == "succeeded"
    assert dues_of(offering, offering.bookings()[0].id)[0].status is DueStatus.PAID


def test_only_this_page_lets_stripes_script_in(offering: Shop, grace: Visitor) -> None:
    page, origin = _begin(offering, grace), offering.stripe.url
    policy, other = (answer.headers["Content-Security-Policy"] for answer in (page, grace.get(_path(offering, ""))))

    assert f"script-src 'self' {origin};" in policy
    assert f"frame-src {origin}" in policy
    assert "script-src 'self';" in other
    assert "frame-src" not in other
    assert "unsafe" not in policy
    assert f'data-key="{KEY}"' in page.text
    assert "sk_test" not in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_without_a_script_the_page_leads_to_stripes_own(offering: Shop, grace: Visitor) -> None:
    page = _begin(offering, grace)

    assert "<noscript>" in page.text
    token = fields_of(page.text)["csrf_token"]
    answer = grace.post(_path(offering, ""), {"csrf_token": token})
    assert answer.headers["Location"].startswith(f"{offering.stripe.url}/c/pay/")
    assert _confirm(offering, _secret(page)).status_code == 400
    statuses = [attempt.status for attempt in offering.attempts(offering.bookings()[0].id)]
    assert statuses[1:] == [AttemptStatus.EXPIRED, AttemptStatus.OPEN]


def test_pressing_twice_makes_one_payment(offering: Shop, grace: Visitor) -> None:
    first, second = _begin(offering, grace), _begin(offering, grace)

    assert _secret(first) == _secret(second)
    assert len(offering.attempts(offering.bookings()[0].id)) == 2


def test_nobody_else_gets_the_secret(offering: Shop, grace: Visitor) -> None:
    _begin(offering, grace)
    linus = Visitor(offering.url)
    token = {"csrf_token": fields_of(linus.get("/manage").text)["csrf_token"]}

    assert linus.get(_path(offering)).status_code == 404
    assert linus.post(_path(offering), token).status_code == 404


def test_a_page_that_was_left_is_ended_at_stripe_by_the_worker(offering: Shop, grace: Visitor) -> None:
    page = _begin(offering, grace)
    offering.pass_time(minutes=40)
    with offering.app.app_context():
        reconciliation.reconcile(offering.runtime)

    assert _confirm(offering, _secret(page)).status_code == 400
    assert offering.attempts(offering.bookings()[0].id)[-1].status is AttemptStatus.EXPIRED


def test_while_a_card_is_being_charged_the_page_does_not_open(offering: Shop) -> None:
    keep_cards(offering)
    booking_id = book_with_card(offering)
    due_id = owe(offering, booking_id, offering.clock.today(), kind=DueKind.DAMAGE)
    offering.stripe.post("delivery", {"mode": "hold"})
    offering.stripe.post("faults", [{"kind": "status_500", "path_prefix": "/v1/payment_intents", "times": 9}])
    with offering.app.app_context():
        assert charges.charge_due(offering.runtime, due_id, Cause(Source.TIMER)) is Try.UNKNOWN
        handoff = balances.start_due(offering.runtime, due_id)

    assert handoff.url is None
    live = offering.attempts(booking_id)[-1]
    assert (live.channel, live.status) == (AttemptChannel.OFF_SESSION, AttemptStatus.CREATING)
