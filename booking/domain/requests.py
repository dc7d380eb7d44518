"""Requests to book: what a request is asked to wait for, until when, and what may follow what.

The card is authorised with the request and charged when the host accepts. How money of it stands at Stripe is the other
enum here; what is kept of both is in models/request.py.
"""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from booking.domain.errors import TransitionRefused
from booking.domain.money import Money
from booking.domain.policy import HOLD_GRACE
from booking.domain.states import BookingStatus
from booking.domain.words import Said, say, say_count

# The shortest time for which Stripe says that a bank keeps a sum on a card that its holder gave on a page or that we
# charge ourselves (Visa: five days, four days and eighteen hours to be exact; seven for other cards). Asked of where a
# charge does not say it itself: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
SHORTEST_WINDOW = timedelta(days=4, hours=18)
# So long before the bank lets the sum go the answer must be here: a capture whose outcome is not known is asked for
# again for hours, and one that comes too late is refused.
SAFETY = timedelta(hours=12)
# However near the stay is, the host gets so long.
LEAST_PATIENCE = timedelta(hours=1)
LEAST_HOURS, USUAL_HOURS, MOST_HOURS = 1, 48, 96
LONGEST_REASON = 500


class RequestState(StrEnum):
    """Where a request stands."""

    STARTED = "started"  # its guest has still to give a card
    ASKED = "asked"  # a sum is reserved on it, and the host is to answer
    ACCEPTING = "accepting"  # the host has agreed, and whether the sum was taken is not known yet
    ACCEPTED = "accepted"
    DECLINED = "declined"  # by the host
    LAPSED = "lapsed"  # nobody answered in time
    WITHDRAWN = "withdrawn"  # by its guest, or the house let the booking go
    DATES_GONE = "dates_gone"  # when the card had been given, somebody else had the nights
    CARD_FAILED = "card_failed"  # the bank let the sum go, or would not have it taken


class AuthorisationState(StrEnum):
    """Where a sum that was reserved on a card stands."""

    HELD = "held"
    CAPTURING = "capturing"  # we asked Stripe to take it; the answer is not known yet
    CAPTURED = "captured"
    RELEASING = "releasing"  # it is to be let go; Stripe has not said yet that it is
    RELEASED = "released"  # by us: nothing was charged
    GONE = "gone"  # the bank or somebody at Stripe let it go


# In these the money is on the guest's card, and neither with us nor free.
UNCAPTURED = (AuthorisationState.HELD, AuthorisationState.CAPTURING, AuthorisationState.RELEASING)
# In these a request still keeps its nights.
OPEN_REQUEST = (RequestState.ASKED, RequestState.ACCEPTING)

_ENDS = frozenset(
    {
        RequestState.ACCEPTED,
        RequestState.DECLINED,
        RequestState.LAPSED,
        RequestState.WITHDRAWN,
        RequestState.DATES_GONE,
        RequestState.CARD_FAILED,
    }
)
# A sum can be taken in Stripe's own dashboard, so that a request may be accepted out of nearly anything. From ACCEPTING
# back to ASKED leads a capture that Stripe refused while the sum is still reserved.
_STEPS: dict[RequestState, frozenset[RequestState]] = {
    RequestState.STARTED: frozenset({RequestState.ASKED, *_ENDS}),
    RequestState.ASKED: frozenset({RequestState.ACCEPTING, *_ENDS}),
    RequestState.ACCEPTING: frozenset(
        {RequestState.ASKED, RequestState.ACCEPTED, RequestState.DATES_GONE, RequestState.CARD_FAILED}
    ),
}


def check_step(old: RequestState, new: RequestState) -> None:
    """Raise TransitionRefused unless a request may go this way."""
    if new not in _STEPS.get(old, frozenset()):
        raise TransitionRefused(old=old, new=new)


def can_be_answered(request: RequestState, booking: BookingStatus, *, needs_review: bool) -> bool:
    """Whether a request waits for its host: not where its booking is over, or a person decides on money for it."""
    return request is RequestState.ASKED and booking is BookingStatus.PENDING and not needs_review


def answer_deadline(asked_at: datetime, hours: int, capture_before: datetime | None, arrives_at: datetime) -> datetime:
    """Until when the host may answer, in whole minutes: the earliest of three moments, but never at once.

    These are the host's own patience (`hours`), a safe time before the bank lets the sum go, and the moment from which
    the guest could come.
    """
    window_ends = capture_before or asked_at + SHORTEST_WINDOW
    earliest = min(asked_at + timedelta(hours=hours), window_ends - SAFETY, arrives_at)
    answer_by = max(earliest, asked_at + LEAST_PATIENCE)
    return answer_by.replace(second=0, microsecond=0)


def first_moment(arrive: date, check_in_from: str, zone: ZoneInfo) -> datetime:
    """The moment from which a guest could come, by the house's own clock."""
    try:
        clock = time.fromisoformat(check_in_from.strip().zfill(5))
    except ValueError:  # the house wrote no time of day
        clock = time.min
    return datetime.combine(arrive, clock, tzinfo=zone)


def nights_kept_until(answer_by: datetime) -> datetime:
    """Until when the nights of a request are kept: an answer given in the last minute still finds them."""
    return answer_by + HOLD_GRACE


def request_in_words(total: Money, hours: int) -> tuple[Said, ...]:
    """What a guest agrees to who asks, in the order in which it happens."""
    return (
        say("This is a request: the house accepts or declines it."),
        say("{total} is reserved on your card now, and charged only when the house accepts.", total=total),
        say_count(
            "The house answers within {count} hour.",
            "The house answers within {count} hours.",
            hours,
        ),
        say("If it declines, or does not answer in time, the sum is released and nothing is charged."),
    )
