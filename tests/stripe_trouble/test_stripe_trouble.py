"""R12: each call that the shop makes to Stripe, by each way in which it can go wrong.

Whatever the fault: Stripe does once what was asked for once, the page says what is true, and all comes to its end.
`STRIPE_TROUBLE_DATABASES=sqlite,postgresql` runs the table on both databases; `STRIPE_TROUBLE_PAIRS=1` also runs each
two faults after one another.
"""

import itertools
import json
import os
from collections import Counter
from datetime import UTC, datetime

import pytest

from booking import jobs
from booking.domain.club import Interval
from booking.domain.money import Money
from booking.gateways.billing import BillingGateway, CatalogTag, MembershipOrder, MemberTag, PriceOrder
from booking.gateways.payments import ChargeOrder, CheckoutOrder, CustomerOrder, PaymentGateway, RefundOrder, Tag
from booking.services import verification
from tests.stripe_trouble import charging, members
from tests.stripe_trouble.conftest import DATABASES
from tests.stripe_trouble.desk import Desk
from tests.stripe_trouble.faults import FAULTS
from tests.stripe_trouble.stories import ANSWERED, ELSEWISE, UNKNOWN, Story, stories_below
from tests.support.figures import note_figures
from tests.support.hostile import envelope, sign

STORIES = stories_below(Story)
assert {charging.__name__, members.__name__} < {story.__module__ for story in STORIES}
HAS_PAIRS = os.environ.get("STRIPE_TROUBLE_PAIRS") == "1"
# A lock is refused as a storm is, with 429: once is enough where time is short.
WAYS = [(name,) for name in FAULTS if HAS_PAIRS or name != "locked"]
WAYS += itertools.permutations(FAULTS, 2) if HAS_PAIRS else []
# These ask nobody, and a test below holds them to it.
ASKS_NOBODY = {
    "capture_params",
    "charge_params",
    "checkout_params",
    "customer_params",
    "event_needs",
    "membership_params",
    "parse_event",
    "portal_params",
    "price_params",
    "product_params",
    "read_event",
    "refund_params",
    "release_params",
}
# Of pages and commands that write nothing, whatever Stripe answers: tests/web/test_admin_payouts.py,
# tests/services/test_endpoint.py and tests/pages (of a member's account) say what is shown then. A file is looked for
# where its upload has a row.
ONLY_LOOKS = {
    "find_evidence_file",
    "list_bills",
    "list_endpoints",
    "list_payouts",
    "list_payout_items",
    "look_up_payout",
}


def _calls() -> set[str]:
    told = {**vars(BillingGateway), **vars(PaymentGateway)}
    return {name for name, what in told.items() if callable(what) and not name.startswith("_")}


def test_every_call_of_the_gateway_has_a_row() -> None:
    rows = {story.call for story in STORIES}

    assert rows == _calls() - ASKS_NOBODY - ONLY_LOOKS
    assert rows | ASKS_NOBODY | ONLY_LOOKS == _calls()


def test_the_calls_without_a_row_ask_nobody(desk: Desk) -> None:
    gateway, tag = desk.gateway.inner._inner, Tag(app="a", booking_id="1", attempt="b")
    moment, amount = datetime(2027, 3, 1, tzinfo=UTC), Money(500, "eur")
    event = envelope("checkout.session.completed", {"id": "cs_1", "object": "checkout.session", "livemode": False})
    body = json.dumps(event).encode()

    order = CheckoutOrder(tag, amount, "A", "B", "grace@example.org", moment, "", "")

    of_plan, joins = CatalogTag("a", "1", "b"), MembershipOrder(MemberTag(), "price_1", 0, "cus_1", moment, "", "")
    asked = {
        "product_params": gateway.product_params(of_plan, "Club"),
        "price_params": gateway.price_params(PriceOrder(of_plan, "prod_1", "a", amount, Interval.MONTH)),
        "membership_params": gateway.membership_params(joins),
        "portal_params": gateway.portal_params("cus_1", "", "en"),
        "checkout_params": gateway.checkout_params(order),
        "charge_params": gateway.charge_params(ChargeOrder(tag, amount, "A")),
        "capture_params": gateway.capture_params(amount),
        "release_params": gateway.release_params(),
        "customer_params": gateway.customer_params(CustomerOrder("a", "b", "grace@example.org")),
        "refund_params": gateway.refund_params(RefundOrder(tag, "pi_1", amount, "staff")),
        "read_event": gateway.read_event(body, sign(body)),
        "parse_event": gateway.parse_event(event),
        "event_needs": gateway.event_needs(),
    }

    assert asked.keys() == ASKS_NOBODY
    assert all(asked.values())
    assert desk.shop.stripe.get("requests") == []


@pytest.mark.parametrize("way", WAYS, ids=", then ".join)
@pytest.mark.parametrize("kind", STORIES, ids=lambda kind: f"{kind.call}: {kind.__name__}")
def test_what_goes_wrong_at_stripe_is_told_truly_done_once_and_settled(
    desk: Desk, kind: type[Story], way: tuple[str, ...]
) -> None:
    story = kind()
    story.prepare(desk)

    desk.begin_trouble(way, story.method, story.path, is_prefix=story.is_prefix)
    _see(desk, story)
    desk.work(jobs.compare_lists)
    desk.pass_time(minutes=1)
    _see(desk, story)
    assert {path: page.status for path, page in desk.shown().items() if page.status != 200} == {}
    struck = desk.end_trouble()
    desk.pass_time(minutes=1)
    story.again(desk)
    desk.settle()

    assert struck
    assert story.count(desk) == 1
    story.check(desk)
    _check_promises(desk)


def _see(desk: Desk, story: Story) -> None:
    """Somebody tries, and what they and everybody else see is true."""
    desk.gateway.notes.clear()
    page = story.act(desk)
    allowed = story.said[_knowledge(desk, story)]
    is_true = any(page.status == said.status and said.words in page.words for said in allowed)
    assert is_true, (page.status, page.words, allowed, desk.gateway.notes)
    assert story.count(desk) <= 1


def _knowledge(desk: Desk, story: Story) -> str:
    """What whoever asked could know afterwards."""
    ending = desk.gateway.last(story.call)
    return {"answered": ANSWERED, None: ELSEWISE}.get(ending, UNKNOWN)


def _check_promises(desk: Desk) -> None:
    """Every promise that a database can show, the ledger against Stripe's own, and no mail twice."""
    with desk.shop.app.app_context():
        assert verification.compare_with_stripe(desk.shop.runtime).differences == ()
    assert desk.shop.broken_promises() == []
    for booking in desk.shop.bookings():
        assert max(Counter(desk.shop.mails(booking.id)).values(), default=1) == 1
    assert len(set(desk.shop.mailer.letters)) == len(desk.shop.mailer.letters)


def test_how_large_the_table_is() -> None:
    calls, cells = len(_calls() - ASKS_NOBODY - ONLY_LOOKS), len(STORIES) * len(WAYS) * len(DATABASES)

    assert len(FAULTS) >= 7
    note_figures(
        "stripe_faults",
        calls=calls,
        stories=len(STORIES),
        faults=len({name for way in WAYS for name in way}),
        cells=cells,
    )
