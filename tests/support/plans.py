"""A shop that asks for a deposit, and a guest who pays it."""

from datetime import date, datetime, time

import requests
from sqlalchemy import select

from booking.domain.payment_plans import PaymentPlan, PlanKind
from booking.models import Due
from booking.services import balances, payment_plans
from booking.services.checkout import Handoff
from tests.support.shop import ZONE, Shop

ADA = "ada@example.org"
PERCENT, DAYS_BEFORE = 30, 14
THIRTY = PaymentPlan(PlanKind.DEPOSIT, PERCENT, DAYS_BEFORE)


def ask_for_deposit(shop: Shop, plan: PaymentPlan = THIRTY) -> None:
    """From now on guests of the first property pay a part when they book."""
    with shop.app.app_context():
        payment_plans.choose_for_property(shop.runtime, 1, plan, ADA)


def book_with_deposit(shop: Shop, ahead: int = 60) -> int:
    """Grace books a stay and pays its deposit; the booking's id."""
    ask_for_deposit(shop)
    booking_id = shop.book(shop.stay(ahead=ahead))
    shop.pay(booking_id)
    return booking_id


def dues_of(shop: Shop, booking_id: int) -> list[Due]:
    """Everything that is or was owed for a booking beside the first payment."""
    return shop._read(select(Due).where(Due.booking_id == booking_id).order_by(Due.id))


def balance_of(shop: Shop, booking_id: int) -> Due:
    """The balance of a booking."""
    (due,) = dues_of(shop, booking_id)
    return due


def start_balance(shop: Shop, booking_id: int) -> Handoff:
    """Press the button that leads to Stripe for the balance."""
    due_id = balance_of(shop, booking_id).id
    with shop.app.app_context():
        return balances.start_due(shop.runtime, due_id)


def pay_balance(shop: Shop, booking_id: int, card: str = "4242424242424242") -> requests.Response:
    """Press it, and pay."""
    start_balance(shop, booking_id)
    return shop.pay(booking_id, card)


def write_about_balances(shop: Shop) -> list[str]:
    """Let the worker look what is to be written about balances, and send it."""
    with shop.app.app_context():
        lines = balances.write_about_balances(shop.runtime)
    shop.work()
    return lines


def go_to_noon(shop: Shop, day: date) -> None:
    """Let time pass until noon of a day, where the house is."""
    noon = datetime.combine(day, time(12), ZONE)
    shop.pass_time(seconds=(noon - shop.clock.now()).total_seconds())
