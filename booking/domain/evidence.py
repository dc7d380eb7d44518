"""What a bank is told of a disputed stay: the texts there are, how long each may be, and a first draft of them.

Only what we hold is said. Whether somebody came, slept and left nobody here knows: staff add it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from booking.domain.dates import Stay, spoken_moment
from booking.domain.money import Money
from booking.domain.pricing import Quote, QuoteLine
from booking.domain.states import DISPUTE_CLOSED
from booking.domain.terms import Deal, RefundStep, refund_due, refund_steps
from booking.domain.words import spoken

# One text for each of Stripe's names: https://docs.stripe.com/api/disputes/evidence_object. Where files go with an
# answer, their names are in it too, each with our number of the file (see papers.py).
Texts = dict[str, str]

SHORT_FIELDS = ("customer_name", "customer_email_address", "service_date")
LONG_FIELDS = (
    "product_description",
    "cancellation_policy_disclosure",
    "refund_policy_disclosure",
    "cancellation_rebuttal",
    "refund_refusal_explanation",
    "access_activity_log",
    "uncategorized_text",
)
FIELDS = (*SHORT_FIELDS, *LONG_FIELDS)
# In characters. https://docs.stripe.com/api/disputes/update
LONGEST_SHORT, LONGEST, MOST_TOGETHER = 5_000, 20_000, 150_000

MAIL_WORDS = {
    "confirmed": "confirmation of the booking, with dates, price and cancellation terms",
    "payment_processing": "news that the bank was still working on the payment",
    "dates_gone": "news that the nights were taken and that all the money goes back",
    "late_refund": "news that the payment came after the cancellation and goes back",
    "cancelled": "news that the booking is cancelled",
    "refund_sent": "news of a refund",
    "duplicate_refund": "news that the stay was paid twice and that the second payment goes back",
    "payment_failed": "news that the payment had failed",
    "hold_expired": "news that the time to pay had passed",
    "refund_delayed": "news that a refund had not arrived and that the house was on it",
    "pre_arrival": "directions and hours, sent before the arrival",
    "payment_link": "where to pay for the stay, how much and until when",
    "stay_changed": "the stay as the house had changed it, with dates, price and cancellation terms",
    "pay_difference": "what an agreed change of the stay would cost more, where to pay it and until when",
    "balance_due": "what was left to pay of the agreed price, where and until when",
    "balance_reminder": "reminder of what was left to pay of the agreed price",
    "balance_paid": "news that the stay was paid in full, with every payment",
    "not_owed": "news that a payment which the house had waived was sent back",
    "charge_announced": "news that the card which the guest had agreed to would be charged, how much and when",
    "charge_failed": "news that the card could not be charged, and where to pay instead",
    "pay_due": "what was owed beside the price, why, and where to pay it",
    "change_off": "news that a change of the stay had not been made and that the stay was as before",
    "request_received": "news that the request to book had reached the house and that a sum was reserved on the card",
    "request_declined": "news that the request to book was not accepted and that nothing was charged",
    "request_off": "news that the request to book had come to nothing and that nothing was charged",
    "receipt": "receipt for what was paid",
    "manage_link": "link to the page of the booking, asked for with reference and e-mail address",
}
STEP_WORDS = {
    "placed": 'the guest chose the dates, gave name and e-mail address and pressed "Book and pay"',
    "payment_processing": "the guest's bank began to work on the payment",
    "card_authorised": "the guest gave a card on Stripe's page, and the price was reserved on it",
    "request_asked": "the request to book was put before the house",
    "request_accepted": "the house accepted the request to book",
    "request_declined": "the house declined the request to book",
    "request_lapsed": "the request to book lapsed, because the house had not answered in time",
    "payment_received": "Stripe reported the payment",
    "confirmed": "the booking was confirmed",
    "moved": "the house moved the booking to another unit",
    "cancelled": "the booking was cancelled",
    "dates_gone": "the booking was cancelled, because another guest had taken the nights",
    "refund_requested": "a refund was ordered",
    "refund_succeeded": "a refund was sent",
    "refund_failed": "a refund did not arrive",
    "refund_canceled": "a refund did not arrive",
    "link_opened": "the link that had been mailed to the guest was opened",
}


@dataclass(frozen=True, slots=True)
class SentLetter:
    """One e-mail that left, word for word; its links are cut out, because they open the booking."""

    at: datetime
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class StayCase:
    """What we hold about a disputed stay. `mails` and `steps` are kinds with their times, oldest first."""

    reference: str
    guest_name: str
    guest_email: str
    message: str
    house: str
    address: str
    listing: str
    stay: Stay
    guests: int
    deal: Deal
    agreed_at: datetime
    confirmed_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str
    paid: tuple[tuple[datetime, Money], ...]
    refunded: tuple[tuple[str, Money], ...]  # Stripe's id of each refund that was sent
    mails: tuple[tuple[datetime, str], ...]
    steps: tuple[tuple[datetime, str], ...]
    words: tuple[str, ...] = ()  # the terms as the guest read them, in the guest's language
    letters: tuple[SentLetter, ...] = ()
    plan: tuple[str, ...] = ()  # what the guest agreed to pay when, in the same language; empty: all of it at once

    @property
    def quote(self) -> Quote:
        return self.deal.quote

    @property
    def zone(self) -> ZoneInfo:
        return self.deal.zone

    def at(self, instant: datetime) -> str:
        """An instant on the house's own clock."""
        return spoken_moment(instant, self.zone)


@dataclass(frozen=True, slots=True)
class DisputeSums:
    """Disputes of one reason in one currency: how they ended so far, and their money in minor units."""

    reason: str
    currency: str
    open: int = 0
    won: int = 0
    lost: int = 0
    ended: int = 0  # without a decision: an inquiry that the bank let rest, or one that was prevented
    at_stake_minor: int = 0
    won_minor: int = 0
    lost_minor: int = 0

    @property
    def count(self) -> int:
        """All of them."""
        return self.open + self.won + self.lost + self.ended

    def __add__(self, other: "DisputeSums") -> "DisputeSums":
        numbers = [each.name for each in fields(self) if each.name not in ("reason", "currency")]
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in numbers})


def sum_up(reason: str, currency: str, status: str, count: int, minor: int) -> DisputeSums:
    """Disputes that stand alike."""
    if status == "won":
        return DisputeSums(reason, currency, won=count, won_minor=minor)
    if status == "lost":
        return DisputeSums(reason, currency, lost=count, lost_minor=minor)
    if status in DISPUTE_CLOSED:
        return DisputeSums(reason, currency, ended=count)
    return DisputeSums(reason, currency, open=count, at_stake_minor=minor)


def check_texts(texts: Texts) -> dict[str, str]:
    """What is wrong, by field, in words for the form; nothing where Stripe would take the texts."""
    wrong = {name: _too_long(limit_of(name)) for name in FIELDS if len(texts[name]) > limit_of(name)}
    if not any(texts.values()):
        return {FIELDS[0]: "Write something: an empty answer loses the dispute."}
    if not wrong and sum(map(len, texts.values())) > MOST_TOGETHER:
        longest = max(LONG_FIELDS, key=lambda name: len(texts[name]))
        wrong[longest] = f"All texts together may have {MOST_TOGETHER:,} characters. Shorten this one first."
    return wrong


def limit_of(name: str) -> int:
    """How many characters one text may have."""
    return LONGEST_SHORT if name in SHORT_FIELDS else LONGEST


def days_left(due_by: datetime, now: datetime) -> int:
    """Whole days until an answer is due; 0 on the last one, below 0 once the time has passed."""
    return (due_by - now) // timedelta(days=1)


def draft_texts(case: StayCase) -> Texts:
    """A first draft from what we hold. Every statement in it is true of the rows it was made from."""
    terms = f"{tell_how_shown(case)}\n\n{tell_terms(case)}"
    return {
        "customer_name": case.guest_name,
        "customer_email_address": case.guest_email,
        "service_date": f"{spoken(case.stay.arrive)} (arrival) to {spoken(case.stay.leave)} (departure)",
        "product_description": describe_stay(case),
        "cancellation_policy_disclosure": terms,
        "refund_policy_disclosure": f"Refunds follow the cancellation terms. {terms}",
        "cancellation_rebuttal": tell_of_cancelling(case),
        "refund_refusal_explanation": tell_of_refunds(case),
        "access_activity_log": _lines(
            f"What our system recorded of booking {case.reference}. Times are those of {case.zone.key}.",
            tell_of(case, case.steps, STEP_WORDS),
        ),
        "uncategorized_text": _tell_of_letters(case),
    }


# --- the texts ------------------------------------------------------------------------------------------------------


def describe_stay(case: StayCase) -> str:
    """What was sold, line by line, and what was paid for it."""
    nights, guests = _count(case.stay.nights, "night"), _count(case.guests, "guest")
    where = ", ".join(part for part in (case.listing, case.house, case.address) if part)
    lines = [
        f"A stay of {nights} for {guests}: {where}.",
        f"Arrival {spoken(case.stay.arrive)}, departure {spoken(case.stay.leave)}. Booking reference {case.reference}.",
        "",
        *(f"{_label(line)}: {line.quantity} x {_plain(line.unit)} = {_plain(line.total)}" for line in case.quote.lines),
        f"Total: {_plain(case.quote.total)}",
        *(f"Agreed to when booking: {line}" for line in case.plan),
        *(f"Paid on {case.at(at)} ({case.zone.key}): {_plain(amount)}" for at, amount in case.paid),
    ]
    return "\n".join(lines)


def _label(line: QuoteLine) -> str:
    return f"{_kind(line.kind)} ({line.name})" if line.name else _kind(line.kind)


def tell_how_shown(case: StayCase) -> str:
    """The review page shows the terms above its button, and pressing that button writes the booking."""
    shown = (
        f'The terms below were shown on the page with the button "Book and pay", above that button. The guest pressed '
        f"it on {case.at(case.agreed_at)} ({case.zone.key}). In that moment the terms were stored with the booking, "
        "and they have not changed since."
    )
    confirmation = next((at for at, kind in case.mails if kind == "confirmed"), None)
    if confirmation is None:
        return shown
    return (
        f"{shown} The same terms stand in the confirmation e-mailed to {case.guest_email} on {case.at(confirmation)}."
    )


def tell_terms(case: StayCase) -> str:
    """What is due back until when, and the words that the guest read."""
    lines = [f"Cancelled {_until(case, step)}: {_plain(step.refund)} back." for step in refund_steps(case.deal)]
    rest = f"{_plain(case.deal.rest)} back" if case.deal.rest.minor else "nothing back"
    read = ["", "In the words that the guest read:", *case.words] if case.words else []
    return "\n".join([*lines, f"Cancelled later, or not cancelled: {rest}.", *read])


def _until(case: StayCase, step: RefundStep) -> str:
    return f"before {case.at(step.until)}" if step.until else f"on or before {spoken(step.last_day)}"


def tell_of_cancelling(case: StayCase) -> str:
    """Whether it was cancelled, by whom, and what was due back then."""
    if case.cancelled_at is None:
        kept = f"It was confirmed on {case.at(case.confirmed_at)}, and from then on " if case.confirmed_at else ""
        return "The guest did not cancel this booking." + (
            f" {kept}nobody else could book these nights." if kept else ""
        )
    who = {"guest": "by the guest", "staff": "by the house"}.get(case.cancel_reason)
    if who is None:
        why = case.cancel_reason.replace("_", " ")
        return f"The booking was cancelled by itself on {case.at(case.cancelled_at)}: {why}."
    due = _plain(_due_when_cancelled(case, case.cancelled_at))
    return f"The booking was cancelled {who} on {case.at(case.cancelled_at)}. By the terms, {due} was due back."


def tell_of_refunds(case: StayCase) -> str:
    """What was paid, what went back, and why no more."""
    paid, back = _sum(case, case.paid), _sum(case, case.refunded)
    lines = [f"Paid: {_plain(paid)}. Sent back: {_plain(back)}."]
    lines += [f"Refund {stripe_id}: {_plain(amount)}." for stripe_id, amount in case.refunded]
    if back.minor >= paid.minor:
        lines.append("Everything that was paid has been sent back, so that nothing more is due.")
    elif case.cancelled_at is None:
        lines.append("The booking was not cancelled, and the terms give money back only for cancelling in time.")
    elif case.cancel_reason in ("guest", "staff"):
        lines.append(_compare(back, _due_when_cancelled(case, case.cancelled_at)))
    return "\n".join(lines)


def _compare(back: Money, due: Money) -> str:
    said = f"On the day of cancelling, the terms gave back {_plain(due)}."
    return f"{said} Nothing more is due." if back.minor >= due.minor else said


def _tell_of_letters(case: StayCase) -> str:
    title = f"E-mails sent to {case.guest_email}. Times are those of {case.zone.key}."
    letters = _lines(title, tell_of(case, case.mails, MAIL_WORDS)) if case.mails else "No e-mail was sent."
    said = f"\n\nWhat the guest wrote when booking:\n{case.message}" if case.message else ""
    return letters[: LONGEST - len(said)] + said


# --- words ----------------------------------------------------------------------------------------------------------


def tell_of(case: StayCase, facts: Iterable[tuple[datetime, str]], words: dict[str, str]) -> list[str]:
    """A line for each fact that there are words for, with its time on the house's clock."""
    return [f"{case.at(at)}: {words[kind]}" for at, kind in facts if kind in words]


def _lines(title: str, lines: list[str]) -> str:
    """As many lines as one text can take, with room for what was written beside them."""
    kept, length = [title], len(title)
    for number, line in enumerate(lines):
        length += len(line) + 1
        if length > LONGEST - 3_000:
            return "\n".join([*kept, f"... and {len(lines) - number} more"])
        kept.append(line)
    return "\n".join(kept)


def _due_when_cancelled(case: StayCase, at: datetime) -> Money:
    return refund_due(case.deal, at)


def _sum(case: StayCase, amounts: Iterable[tuple[object, Money]]) -> Money:
    return sum((amount for _, amount in amounts), Money(0, case.quote.total.currency))


def _plain(amount: Money) -> str:
    return f"{amount.major} {amount.currency.upper()}"


def _kind(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _too_long(limit: int) -> str:
    return f"At most {limit:,} characters."
