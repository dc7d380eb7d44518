"""Each class of error of Stripe's library: what it means at the border, and what it does to guests, staff and money.

docs/stripe.md has the same as a table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import stripe

from booking.domain.states import RefundStatus
from booking.gateways.payments import BadSignature, GatewayConflict, GatewayRefused, GatewayUnavailable
from booking.gateways.stripe_gateway import StripeGateway
from tests.stripe_trouble.desk import Desk, Page
from tests.stripe_trouble.stories import REVIEW, GuestBooks, GuestComesBack, GuestLetsGo, StaffRefunds, Story
from tests.support.shop import fields_of

QUOTED = "No such key: sk_test_0123456789abcdef of Grace"


@dataclass(frozen=True)
class Trouble:
    """How Stripe answers so that its library raises one class. `is_ours`: the key is at fault, so all calls fail."""

    raised: str
    status: int
    type: str = "invalid_request_error"
    code: str | None = None
    is_ours: bool = False

    @property
    def answer(self) -> tuple[int, dict[str, Any]]:
        return self.status, {"type": self.type, "code": self.code, "message": QUOTED}


REFUSALS = [
    Trouble("CardError", 402, "card_error", "card_declined"),
    Trouble("InvalidRequestError", 400, code="parameter_invalid_integer"),
    Trouble("AuthenticationError", 401, is_ours=True),
    Trouble("PermissionError", 403),
]
CONFLICT = Trouble("IdempotencyError", 400, "idempotency_error")
UNKNOWN = [
    Trouble("RateLimitError", 429, code="rate_limit"),
    Trouble("APIConnectionError", 0, is_ours=True),
    Trouble("APIError", 500, "api_error"),
]
ALL = [*REFUSALS, CONFLICT, *UNKNOWN]
# What the library raises without asking anybody, or only in answer to calls of another kind, which nothing here makes:
# https://docs.stripe.com/api-v2-overview
NOT_ASKED = {"SignatureVerificationError"}
OF_V2 = {
    "AlreadyCanceledError", "BlockedByStripeError", "CannotProceedError", "CapabilityNotEnabledError",
    "ControlledByAlternateResourceError", "FeatureNotEnabledError", "FinancialAccountNotOpenError",
    "FxQuoteNeedsRefreshError", "InsufficientFundsError", "InvalidPaymentMethodError", "InvalidPayoutMethodError",
    "InvalidVaultedCredentialError", "NotCancelableError", "QuotaExceededError", "RecipientNotNotifiableError",
    "TemporarySessionExpiredError", "VerificationAttemptFailedError", "VerificationExpiredError",
    "VerificationNotInitiatedError",
}  # fmt: skip


def _classes(kind: type[Exception] = stripe.StripeError) -> Iterator[type[Exception]]:
    for child in kind.__subclasses__():
        yield from _classes(child) if child.__subclasses__() else [child]


def _named(trouble: Trouble) -> str:
    return trouble.raised


# --- at the border --------------------------------------------------------------------------------------------------


def test_every_class_of_the_library_is_met() -> None:
    met = {trouble.raised for trouble in ALL}
    kinds = {kind.__name__ for kind in _classes() if kind.__module__ == stripe.StripeError.__module__}

    assert kinds == met | NOT_ASKED | OF_V2  # the others are of OAuth, for platforms with shops of other people


@pytest.mark.parametrize("trouble", ALL, ids=_named)
def test_the_library_raises_what_the_table_says_and_the_border_makes_it_ours(desk: Desk, trouble: Trouble) -> None:
    gateway = desk.gateway.inner._inner
    others = GatewayUnavailable if trouble in UNKNOWN else GatewayConflict
    _begin(desk, trouble, "", "/v1/")

    with pytest.raises(GatewayRefused if trouble in REFUSALS else others) as raised:
        gateway.look_up_dispute("du_1")

    assert type(raised.value.__cause__).__name__ == trouble.raised
    assert getattr(raised.value, "is_silent", False) is (trouble.raised == "APIConnectionError")
    assert "sk_test" not in str(raised.value)
    _end(desk)


@pytest.mark.parametrize("name", sorted(OF_V2))
def test_what_is_raised_although_nothing_asks_for_it_is_an_unknown_outcome(desk: Desk, name: str) -> None:
    gateway: StripeGateway = desk.gateway.inner._inner

    def fail(api: Any) -> Any:
        raise getattr(stripe._error, name)(QUOTED)

    with pytest.raises(GatewayUnavailable):
        gateway._ask(fail, "somebody")


def test_a_wrong_signature_is_no_error_of_the_library_s_to_the_route(desk: Desk) -> None:
    with pytest.raises(BadSignature):
        desk.gateway.inner.read_event(b"{}", "t=1,v1=00")

    answer = desk.shop.app.test_client().post("/webhooks/stripe/", data=b"{}", headers={"Stripe-Signature": "t=1,v1=0"})

    assert (answer.status_code, set(answer.json)) == (400, {"error"})


# --- guests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ALL, ids=_named)
def test_a_guest_who_books_learns_that_nothing_was_charged_and_can_try_again(desk: Desk, trouble: Trouble) -> None:
    story = GuestBooks()
    story.prepare(desk)
    _begin(desk, trouble, story.method, story.path)

    page = desk.guest.press(REVIEW, desk.form)

    is_refused = trouble in REFUSALS
    words = "did not accept the request. The house has been told" if is_refused else "Your nights are kept for you"
    assert (page.status, words in page.words) == (502 if is_refused else 503, True), page.words
    assert "Nothing was charged." in page.words
    assert QUOTED not in page.text
    assert desk.shop.mails(desk.booking_id) == (["checkout_refused"] if is_refused else [])
    tried = desk.shop.attempts(desk.booking_id)
    assert {str(attempt.status) for attempt in tried} == ({"creating"} if trouble in UNKNOWN else {"expired"})
    _end(desk)
    desk.shop.pass_time(minutes=2)
    story.again(desk)
    desk.settle()
    assert (story.count(desk), desk.shop.broken_promises()) == (1, [])
    story.check(desk)


@pytest.mark.parametrize("trouble", ALL, ids=_named)
def test_a_guest_who_has_paid_waits_and_is_found(desk: Desk, trouble: Trouble) -> None:
    story = GuestComesBack()

    page = _act(story, desk, trouble)

    assert (page.status, "We are confirming your payment" in page.words) == (200, True), page.words
    assert "do not pay again" in page.words
    _end(desk)
    desk.settle()
    story.check(desk)
    assert desk.shop.broken_promises() == []


@pytest.mark.parametrize("trouble", ALL, ids=_named)
def test_nights_are_let_go_only_once_stripe_has_ended_the_page(desk: Desk, trouble: Trouble) -> None:
    story = GuestLetsGo()

    page = _act(story, desk, trouble)

    assert (page.status, story.kept.words in page.words) == (503, True), page.words
    assert len(desk.shop.nights(desk.booking_id)) == 3
    _end(desk)
    desk.pass_time(minutes=2)
    story.again(desk)
    story.check(desk)
    assert desk.shop.broken_promises() == []


# --- staff ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ALL, ids=_named)
def test_a_refund_goes_out_once_or_staff_is_told_that_it_will_not(desk: Desk, trouble: Trouble) -> None:
    story = StaffRefunds()

    page = _act(story, desk, trouble)

    is_final = trouble not in UNKNOWN and not trouble.is_ours
    (refund,) = desk.shop.refunds(desk.booking_id)
    assert refund.status is (RefundStatus.FAILED if is_final else RefundStatus.REQUESTED)
    assert ("Going back €7.00" in page.words) is not is_final
    assert desk.shop.booking(desk.booking_id).refund_failed is is_final
    assert ("refund_failed" in desk.shop.mails(desk.booking_id)) is is_final
    _end(desk)
    if is_final:  # nothing is sent by itself any more: a person orders it once more
        desk.settle()
        assert story.count(desk) == 0
        check = f"/admin/bookings/{desk.booking_id}/refund/check"
        desk.form = fields_of(desk.ada.get(check, amount="7").text)
        story.act(desk)
    desk.settle()
    assert (story.count(desk), desk.shop.broken_promises()) == (1, [])
    assert [row.amount_minor for row in desk.shop.refunds(desk.booking_id) if row.stripe_refund_id] == [700]


def _act(story: Story, desk: Desk, trouble: Trouble) -> Page:
    """The trouble has begun when somebody acts, and is not over."""
    story.prepare(desk)
    _begin(desk, trouble, story.method, story.path)
    return story.act(desk)


def _begin(desk: Desk, trouble: Trouble, method: str, path: str) -> None:
    """From now on Stripe answers so to calls of one kind, or, where our key is at fault, to every call."""
    patience = desk._patience
    patience.method, patience.path = ("", "/v1/") if trouble.is_ours else (method, path)
    patience.answer = trouble.answer


def _end(desk: Desk) -> None:
    desk._patience.answer, desk._patience.path = None, ""
