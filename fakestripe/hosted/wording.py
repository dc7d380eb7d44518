"""What the payment page calls things, by the session's mode: to pay, to subscribe, to save a card."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fakestripe import checkout_modes, money, prices
from fakestripe.store import Record


@dataclass(frozen=True)
class Wording:
    """`headline` is the large text; `above` stands over it, `note` under it where there is one."""

    above: str
    headline: str
    button: str
    total: str
    note: str = ""
    asks_for_method: bool = True


def of(session: Record, lines: list[Record], now: float) -> Wording:
    if session["mode"] == "setup":
        return Wording("For payments later", "Save your card", "Save card", "", "Nothing is charged now.")
    asks = checkout_modes.needs_method(session)
    total = money.show(session["amount_total"], session["currency"])
    if session["mode"] == "payment":
        button = f"Pay {total}" if session["amount_total"] else "Complete order"
        return Wording("Amount to pay", total, button, total, asks_for_method=asks)
    name = next(line["description"] for line in lines if line["price"]["recurring"])
    days = _trial_days(session["_subscription_data"], now)
    if days:
        note = f"Then {_again(lines)}, from {_day(now, days)} on."
        return Wording(f"Try {name}", _days_free(days), "Start trial", total, note, asks)
    return Wording(f"Subscribe to {name}", total, "Subscribe", total, f"Then {_again(lines)}.", asks)


def _trial_days(data: Record, now: float) -> int:
    if "trial_end" in data:
        return math.ceil((int(data["trial_end"]) - now) / 86400)
    return int(data.get("trial_period_days", 0))


def _again(lines: list[Record]) -> str:
    """What is charged again and again: "€15.00 per month", "€40.00 every 3 months"."""
    recurring = [line for line in lines if line["price"]["recurring"]]
    price = recurring[0]["price"]
    amount = money.show(sum(line["_full_amount"] for line in recurring), price["currency"])
    how_often = "per" if price["recurring"]["interval_count"] == 1 else "every"
    return f"{amount} {how_often} {prices.period(price)}"


def _days_free(days: int) -> str:
    return "1 day free" if days == 1 else f"{days} days free"


def _day(now: float, days: int) -> str:
    return f"{datetime.fromtimestamp(now, UTC) + timedelta(days=days):%-d %B %Y}"
