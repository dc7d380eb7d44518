"""A stay that a bank asks about: booked, confirmed and paid on 1 February 2027, with an e-mail that says so."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from booking.domain.dates import Stay
from booking.domain.evidence import StayCase
from booking.domain.money import Money
from booking.domain.pricing import Ask, quote
from booking.domain.rates import Party, plain_card
from booking.domain.terms import CancellationTerms, Deal

STAY = Stay(date(2027, 3, 12), date(2027, 3, 15))
AGREED = datetime(2027, 2, 1, 12, 30, tzinfo=UTC)
PAID = Money(47700, "eur")
CASE = StayCase(
    reference="H7K2M9QX",
    guest_name="Grace Hopper",
    guest_email="grace@example.org",
    message="We arrive late.",
    house="Seal Harbour Stays",
    address="1 Quay",
    listing="Harbour Loft",
    stay=STAY,
    guests=2,
    deal=Deal(
        quote(plain_card("eur", 12800, 16400, 0, 350), Ask(STAY, Party(2))),
        CancellationTerms.in_two_steps(7, 2, 50),
        STAY.arrive,
        AGREED,
        ZoneInfo("Europe/Berlin"),
    ),
    agreed_at=AGREED,
    confirmed_at=AGREED + timedelta(minutes=3),
    cancelled_at=None,
    cancel_reason="",
    paid=((AGREED + timedelta(minutes=3), PAID),),
    refunded=(),
    mails=((AGREED + timedelta(minutes=4), "confirmed"),),
    steps=((AGREED, "placed"), (AGREED, "card_declined"), (AGREED, "dispute_opened"), (AGREED, "confirmed")),
)

# When it was agreed to, and how the terms were shown: in words for the bank.
AT = "Mon 1 February 2027"
SHOWN = (
    f'The terms below were shown on the page with the button "Book and pay", above that button. The guest pressed it '
    f"on {AT}, 13:30 (Europe/Berlin). In that moment the terms were stored with the booking, and they have not changed "
    f"since. The same terms stand in the confirmation e-mailed to grace@example.org on {AT}, 13:34."
)
