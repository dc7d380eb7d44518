"""What a guest who comes back from Stripe is told. Each has a heading, a sentence on the money, and a next step."""

from enum import StrEnum

from booking.queries.guest import GuestBooking, GuestState
from booking.services.checkout import ReturnState


class News(StrEnum):
    """One of these stands on the return page."""

    BOOKED = "booked"
    STAYED = "stayed"  # booked, and the stay is over by now
    CONFIRMING = "confirming"  # Stripe did not answer: nobody knows yet whether it is paid
    PROCESSING = "processing"  # a bank debit is on its way
    REQUESTED = "requested"  # a sum is reserved, and the host is to answer
    REQUEST_OFF = "request_off"  # a request that came to nothing
    DATES_GONE = "dates_gone"  # paid for nights that were gone: all of it goes back
    OPEN = "open"  # not paid, and still can be
    OVER = "over"  # not paid, and the time is over
    FAILED = "failed"  # the bank refused, after some days
    LET_GO = "let_go"  # not paid, and given up by the guest
    CANCELLED = "cancelled"
    REVIEW = "review"  # a person looks at the payment


_ENDED = {
    GuestState.DATES_GONE: News.DATES_GONE,
    GuestState.REQUEST_OFF: News.REQUEST_OFF,
    GuestState.PAYMENT_FAILED: News.FAILED,
    GuestState.LET_GO: News.LET_GO,
    GuestState.CANCELLED: News.CANCELLED,
}
_PLAIN = {
    ReturnState.BOOKED: News.BOOKED,
    ReturnState.CONFIRMING: News.CONFIRMING,
    ReturnState.PROCESSING: News.PROCESSING,
    ReturnState.REQUESTED: News.REQUESTED,
    ReturnState.REVIEW: News.REVIEW,
}


def find_news(state: ReturnState, booking: GuestBooking) -> News:
    """What to say, from the session that the guest comes back from and the booking that it belongs to.

    A session that was paid does not tell why there is no booking any more: the guest may have cancelled weeks later.
    """
    if state is ReturnState.BOOKED and booking.state is GuestState.STAYED:
        return News.STAYED
    if state in _PLAIN:
        return _PLAIN[state]
    if state is ReturnState.OPEN and booking.state is GuestState.HELD:
        return News.OPEN
    return _ENDED.get(booking.state, News.OVER)
