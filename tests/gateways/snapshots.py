"""The text of each letter to a guest, kept to be read. `python -m tests.gateways.snapshots` writes it anew."""

from datetime import timedelta
from pathlib import Path

from booking.config import ROOT
from booking.domain.money import Money
from booking.gateways.letters import build_letter_writer
from booking.services.letter_facts import Moved
from booking.services.notifications import GuestMail
from tests.support.letter_facts import STAY, TOTAL, facts

FOLDER = Path(__file__).with_name("letters")
HALF = Money(23850, "eur")
# What is not as in the confirmation of a paid stay. Money that came back in full leaves nothing with the house.
_ALL_BACK: dict[str, object] = {
    "is_over": True, "refund": TOTAL, "returned": TOTAL, "kept": Money(0, "eur"), "refund_steps": (),
}  # fmt: skip
_UNPAID: dict[str, object] = {"payments": (), "paid": Money(0, "eur"), "kept": Money(0, "eur")}
# A deposit of 30 percent is paid.
_OWING: dict[str, object] = {
    "owed": Money(33390, "eur"), "owed_until": STAY.arrive - timedelta(days=14), "paid": Money(14310, "eur"),
    "payments": (Moved(facts()["today"], Money(14310, "eur")),),  # type: ignore[arg-type]
}  # fmt: skip
CASES: dict[str, tuple[GuestMail, dict[str, object]]] = {
    "confirmed": (GuestMail.CONFIRMED, {"guest_message": "Could we have a cot?\nWe come with a baby."}),
    "confirmed_deposit": (GuestMail.CONFIRMED, _OWING),
    "confirmed_deposit_with_card": (
        GuestMail.CONFIRMED, {**_OWING, "may_charge_card": True, "owed_from_card": True},
    ),
    "confirmed_deposit_without_a_card_yet": (GuestMail.CONFIRMED, {**_OWING, "may_charge_card": True}),
    "balance_due": (GuestMail.BALANCE_DUE, _OWING),
    "balance_reminder": (GuestMail.BALANCE_REMINDER, _OWING),
    "balance_paid": (GuestMail.BALANCE_PAID, {"due_amount": Money(33390, "eur")}),
    "not_owed": (GuestMail.NOT_OWED, {"refund": Money(33390, "eur")}),
    "payment_processing": (GuestMail.PROCESSING, _UNPAID),
    "payment_processing_nights_taken": (GuestMail.PROCESSING, {**_UNPAID, "has_nights": False}),
    "dates_gone": (GuestMail.DATES_GONE, _ALL_BACK),
    "late_refund": (GuestMail.LATE_REFUND, _ALL_BACK),
    "hold_expired": (GuestMail.HOLD_EXPIRED, {**_UNPAID, "is_over": True}),
    "cancelled_by_guest": (GuestMail.CANCELLED, {"is_over": True, "refund": HALF, "returned": HALF, "kept": HALF}),
    "cancelled_by_house": (GuestMail.CANCELLED, {**_ALL_BACK, "is_cancelled_by_guest": False}),
    "cancelled_unpaid": (GuestMail.CANCELLED, {**_UNPAID, "is_over": True, "is_cancelled_by_guest": False}),
    "refund_sent": (GuestMail.REFUND_SENT, {"refund": HALF}),
    "refund_delayed": (GuestMail.REFUND_DELAYED, {"refund": HALF, "is_over": True}),
    "duplicate_refund": (GuestMail.DUPLICATE_REFUND, {"refund": TOTAL}),
    "payment_failed": (GuestMail.PAYMENT_FAILED, {**_UNPAID, "is_over": True}),
    "payment_link": (GuestMail.PAYMENT_LINK, _UNPAID),
    "payment_link_deposit": (
        GuestMail.PAYMENT_LINK,
        {
            **_UNPAID, "pay_now": Money(14310, "eur"),
            "plan_words": ("You pay €143.10 now, and the balance of €333.90 until Fri 26 February 2027.",
                           "We write to you before that day with a link to pay. Nothing is taken by itself."),
        },
    ),
    "payment_link_for_a_card": (
        GuestMail.PAYMENT_LINK,
        {
            **_UNPAID, "pay_now": Money(0, "eur"), "is_guaranteed": True,
            "plan_words": ("You pay nothing now. Your card is charged with €477.00 on Fri 26 February 2027.",
                           "We write to you before that day. Until then you can also pay in another way."),
        },
    ),
    "stay_changed": (GuestMail.STAY_CHANGED, {"difference": None}),
    "stay_changed_dearer": (GuestMail.STAY_CHANGED, {}),
    "stay_changed_cheaper": (GuestMail.STAY_CHANGED, {"difference": None, "refund": HALF}),
    "pay_difference": (GuestMail.PAY_DIFFERENCE, {}),
    "change_off": (GuestMail.CHANGE_OFF, {}),
    "change_off_refunded": (GuestMail.CHANGE_OFF, {"refund": HALF}),
    "request_received": (GuestMail.REQUEST_RECEIVED, _UNPAID),
    "request_declined": (GuestMail.REQUEST_DECLINED, {**_UNPAID, "is_over": True, "reason": "We mend the roof."}),
    "request_lapsed": (GuestMail.REQUEST_DECLINED, {**_UNPAID, "is_over": True, "is_lapsed": True}),
    "request_off_dates_gone": (GuestMail.REQUEST_OFF, {**_UNPAID, "is_over": True, "is_dates_gone": True}),
    "request_off_card_gone": (GuestMail.REQUEST_OFF, {**_UNPAID, "is_over": True, "is_card_gone": True}),
    "request_off_too_late": (GuestMail.REQUEST_OFF, {**_UNPAID, "is_over": True}),
    "manage_link": (GuestMail.MANAGE_LINK, {}),
    "pre_arrival": (GuestMail.PRE_ARRIVAL, {}),
    "pre_arrival_time_known": (GuestMail.PRE_ARRIVAL, {"arrival_time": "16:30"}),
    "charge_announced": (GuestMail.CHARGE_ANNOUNCED, {}),
    "charge_announced_damage": (
        GuestMail.CHARGE_ANNOUNCED, {"owed_for": "damage", "reason": "A broken window in the hall", "card": ""},
    ),
    "charge_failed": (GuestMail.CHARGE_FAILED, {}),
    "charge_failed_to_confirm": (
        GuestMail.CHARGE_FAILED, {"must_confirm": 1, "again_on": "", "owed_for": "no_show_fee"},
    ),
    "pay_due": (GuestMail.PAY_DUE, {"owed_for": "damage", "reason": "A broken window in the hall"}),
    "receipt": (
        GuestMail.RECEIPT,
        {"refunds": (Moved(facts()["today"], HALF, True),), "returned": HALF, "kept": HALF},  # type: ignore[arg-type]
    ),
}  # fmt: skip
write = build_letter_writer(ROOT / "templates")


def text_of(name: str) -> str:
    """Subject and text of one case, in English."""
    kind, changes = CASES[name]
    letter = write(kind, facts(**changes))
    return f"{letter.subject}\n\n{letter.text}"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        (FOLDER / f"{case}.txt").write_text(text_of(case), encoding="utf-8")
