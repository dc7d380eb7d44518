"""R20: quotes, cancellation terms and partial refunds add up exactly, in every kind of currency.

`MONEY_CASES` is how many cases each test draws (1,500 by default; 125,000 in `make torture`).
"""

import os
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from booking.domain.dates import Stay
from booking.domain.ledger import Ledger, PaymentEntry, RefundEntry, payment_status
from booking.domain.money import Money, step
from booking.domain.pricing import Ask, quote
from booking.domain.rates import FRIDAY, SATURDAY, Party, plain_card
from booking.domain.states import PaymentStatus, RefundStatus
from booking.domain.terms import CancellationTerms, refund_due, refund_steps
from tests.support.deals import make_deal, noon

CASES = int(os.environ.get("MONEY_CASES", "1500"))
CURRENCIES = st.sampled_from(("eur", "usd", "jpy", "krw", "kwd", "bhd", "isk", "ugx"))  # two, no and three decimals
SOME = settings(max_examples=CASES)
DAYS = st.dates(date(2026, 1, 1), date(2030, 1, 1))
ARRIVE = date(2027, 6, 1)


@SOME
@given(CURRENCIES, st.tuples(*[st.integers(0, 10**6)] * 4), DAYS, st.integers(1, 60), st.integers(1, 12))
def test_a_quote_is_what_its_nights_fees_and_taxes_come_to_one_by_one(
    currency: str, prices: tuple[int, int, int, int], first: date, nights: int, guests: int
) -> None:
    smallest = step(currency)
    nightly, weekend, cleaning, tax = (price * smallest for price in prices)
    stay = Stay(first, first + timedelta(days=nights))

    result = quote(plain_card(currency, nightly, weekend, cleaning, tax), Ask(stay, Party(guests)))

    by_night = sum((weekend if day.weekday() in (FRIDAY, SATURDAY) else nightly) + tax * guests for day in stay)
    assert result.total == Money(by_night + cleaning, currency)
    assert sum(line.unit.minor * line.quantity for line in result.lines) == result.total.minor
    assert result.total.is_movable


@SOME
@given(CURRENCIES, st.integers(1, 10**9), st.lists(st.integers(1, 100), min_size=1, max_size=12), st.data())
def test_refunds_in_parts_come_to_the_whole_and_never_to_more(
    currency: str, units: int, shares: list[int], data: st.DataObject
) -> None:
    total = Money(units * step(currency), currency)
    entry = PaymentEntry(total.minor)
    for share in shares:
        part = Money(entry.refundable_minor, currency).percent(share)
        assert part.is_movable
        assert 0 <= part.minor <= entry.refundable_minor
        status = data.draw(st.sampled_from((RefundStatus.SUCCEEDED, RefundStatus.PENDING, RefundStatus.FAILED)))
        entry = PaymentEntry(total.minor, (*entry.refunds, RefundEntry(part.minor, status)))
        alive = sum(refund.minor for refund in entry.refunds if refund.status is not RefundStatus.FAILED)
        assert entry.refundable_minor == entry.kept_minor == total.minor - alive

    sent = [RefundEntry(refund.minor, RefundStatus.SUCCEEDED) for refund in entry.refunds
            if refund.status is not RefundStatus.FAILED]  # fmt: skip
    rest = RefundEntry(entry.refundable_minor, RefundStatus.SUCCEEDED)
    whole = PaymentEntry(total.minor, (*sent, rest))
    assert (whole.refunded_minor, whole.kept_minor) == (total.minor, 0)
    assert payment_status(Ledger((whole,))) is PaymentStatus.REFUNDED


@SOME
@given(CURRENCIES, st.integers(1, 10**9), st.integers(0, 60), st.integers(0, 60), st.integers(0, 100), st.data())
def test_what_a_cancellation_gives_back_and_what_the_house_keeps_are_the_whole(
    currency: str, units: int, full: int, part: int, percent: int, data: st.DataObject
) -> None:
    total = Money(units * step(currency), currency)
    deal = make_deal(total, CancellationTerms.in_two_steps(max(full, part), min(full, part), percent), ARRIVE)
    today = ARRIVE - timedelta(days=data.draw(st.integers(-2, 70)))

    back = refund_due(deal, noon(today))

    assert back.is_movable
    assert (total - back).is_movable
    assert 0 <= back.minor <= total.minor
    assert back.minor in {0, *(one.refund.minor for one in refund_steps(deal))}
