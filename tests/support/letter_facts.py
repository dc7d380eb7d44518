"""The facts of one letter, for tests that write letters without a database."""

from datetime import UTC, date, datetime

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import Ask, quote
from booking.domain.rates import Party, plain_card
from booking.domain.terms import CancellationTerms, refund_steps
from booking.services.letter_facts import Moved
from tests.support.deals import make_deal

STAY = Stay(date(2027, 3, 12), date(2027, 3, 15))
TOTAL = Money(47700, "eur")
HOST = "https://stay.example.org"


def facts(**changes: object) -> dict[str, object]:
    """Everything that a letter of any kind may want to know; the values that a test is about are changed."""
    return {**_SHARED, **_BOOKING, **_MONEY, **changes}


_SHARED: dict[str, object] = {
    "to": "grace@example.org",
    "reply_to": "hello@sealharbour.example",
    "message_id": "<abc@stay.example.org>",
    "language": "en",
    "base_url": HOST,
    "sent_at": datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
    "today": date(2026, 11, 21),
    "refund": None,
    "owed": None,
    "owed_until": None,
    "owed_from_card": False,
    "may_charge_card": False,
    "due_amount": None,
    "difference": Money(12800, "eur"),
    "new_stay": Stay(date(2027, 3, 12), date(2027, 3, 16)),
    "new_guests": 3,
    "new_total": Money(60500, "eur"),
    "answer_by": datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
    "is_lapsed": False,
    "is_dates_gone": False,
    "is_card_gone": False,
    "change_until": datetime(2026, 11, 22, 8, 25, tzinfo=UTC),
    "charged": Money(12000, "eur"),
    "owed_for": "balance",
    "reason": "",
    "charge_on": "Fri 5 March 2027",
    "card": "Visa ···· 4242",
    "decline": "The payment was declined because there is not enough money, or a limit is reached.",
    "must_confirm": 0,
    "again_on": "Sun 7 March 2027",
    "property_name": "Seal Harbour Stays",
    "property_address": "Tovaerkskajen 7",
    "contact_email": "hello@sealharbour.example",
    "contact_phone": "+45 55 50 17 23",
    "check_in_from": "15:00",
    "check_out_by": "11:00",
    "timezone": "Europe/Copenhagen",
    "directions": "From the station take the harbour road.\nThe key box is left of the blue door.",
    "house_rules": "No smoking indoors.\nQuiet from 22:00.",
    "link": f"{HOST}/m/secret",
    "person_name": "Ben Example",
    "role": "desk",
    "by": "ada@example.org",
    "note": "",
}
_BOOKING: dict[str, object] = {
    "has_booking": True,
    "booking_id": 17,
    "reference": "H7K2M9QX",
    "listing_name": "Harbour Loft",
    "unit_name": "",
    "guest_name": "Grace Hopper",
    "guest_email": "grace@example.org",
    "guest_phone": "",
    "guest_message": "",
    "guests": 2,
    "arrival_time": "",
    "stay": STAY,
    "pay_until": datetime(2026, 11, 22, 8, 25, tzinfo=UTC),
    "has_nights": True,
    "is_over": False,
    "is_cancelled_by_guest": True,
    "calendar_host": "stay.example.org",
    "calendar_sequence": 0,
    "stay_url": f"{HOST}/stays/harbour-loft",
    "again_url": f"{HOST}/stays/harbour-loft?arrive=2027-03-12&leave=2027-03-15&guests=2",
}
_MONEY: dict[str, object] = {
    "is_paid_at_house": False,
    "total": TOTAL,
    "pay_now": TOTAL,
    "plan_words": (),
    "is_guaranteed": False,
    "quote": quote(plain_card("eur", 12800, 16400, 0, 350), Ask(STAY, Party(2))),
    "refund_steps": refund_steps(make_deal(TOTAL, CancellationTerms.in_two_steps(7, 2, 50), STAY.arrive)),
    "refund_rest": Money(0, "eur"),
    "payments": (Moved(date(2026, 11, 21), TOTAL),),
    "refunds": (),
    "paid": TOTAL,
    "returned": Money(0, "eur"),
    "withdrawn": Money(0, "eur"),
    "kept": TOTAL,
}

# What is told of a change that was offered, beside the booking itself.
_SHARED |= {
    "plan_name": "Harbour Club", "price": Money(900, "eur"), "interval": "month", "off_percent": "10",
    "amount": Money(900, "eur"), "number": "A1B2-0001", "keeps_until": datetime(2027, 3, 20, 11, tzinfo=UTC),
    "period_end": datetime(2027, 4, 12, 11, tzinfo=UTC), "trial_end": datetime(2027, 3, 26, 11, tzinfo=UTC),
}  # fmt: skip
OF_CHANGE = {name: _SHARED[name] for name in ("difference", "new_stay", "new_guests", "new_total", "change_until")}
# And of a request to book.
OF_REQUEST = {name: _SHARED[name] for name in ("answer_by", "reason", "is_lapsed", "is_dates_gone", "is_card_gone")}

# What is told of a charge to a saved card; `due_id` names what is owed.
_CHARGE = ("charged", "owed_for", "reason", "charge_on", "card", "decline", "must_confirm", "again_on")
OF_CHARGE = {"due_id": 1, **{name: _SHARED[name] for name in _CHARGE}}
