"""A shop whose guests leave a card and pay later."""

from booking.domain.payment_plans import PaymentPlan, PlanKind
from tests.support.cards import GOOD, book_with_card
from tests.support.plans import DAYS_BEFORE, ask_for_deposit
from tests.support.shop import Shop

LATER = PaymentPlan(PlanKind.RESERVE_NOW_PAY_LATER, 0, DAYS_BEFORE)


def let_pay_later(shop: Shop) -> None:
    """From now on guests of the first property pay nothing when they book."""
    ask_for_deposit(shop, LATER)


def book_for_later(shop: Shop, card: str = GOOD, ahead: int = 60) -> int:
    """Grace books a stay and leaves a card, which the worker keeps; the booking's id."""
    let_pay_later(shop)
    return book_with_card(shop, card, shop.stay(ahead=ahead))
