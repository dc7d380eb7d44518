"""Amounts in a currency's smallest unit: decimals, smallest charge, and how a page shows them.

Source: docs.stripe.com/currencies (zero-decimal, three-decimal, special cases, minimums).
"""

from __future__ import annotations

from decimal import Decimal

from fakestripe.errors import ApiError, invalid_request

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
# No minor unit in life, but Stripe keeps two decimals for them: 5 ISK is the amount 500.
WHOLE_WITH_TWO_DECIMALS = frozenset({"isk", "ugx"})
CURRENCIES = (
    frozenset(
        """aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd
    cad cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl
    htg huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr
    mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek
    sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu uzs wst xcd yer zar
    zmw""".split()
    )
    | ZERO_DECIMAL
    | THREE_DECIMAL
    | WHOLE_WITH_TWO_DECIMALS
)
MINIMUM = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200,
    "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
MAXIMUM = 99_999_999
SYMBOLS = {
    "eur": "€", "usd": "$", "gbp": "£", "jpy": "¥", "aud": "A$", "cad": "CA$", "nzd": "NZ$",
    "inr": "₹", "ils": "₪", "krw": "₩", "brl": "R$", "mxn": "MX$",
}  # fmt: skip


def decimals(currency: str) -> int:
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def show(amount: int, currency: str) -> str:
    """420.00 euro as "€420.00"; a currency without a sign of its own as "CZK 4,200.00"."""
    value = Decimal(abs(amount)).scaleb(-decimals(currency))
    shown_decimals = 0 if currency in WHOLE_WITH_TWO_DECIMALS else decimals(currency)
    sign = SYMBOLS.get(currency, currency.upper() + "\u00a0")
    return f"{'-' if amount < 0 else ''}{sign}{value:,.{shown_decimals}f}"


def check_chargeable(amount: int, currency: str, param: str) -> None:
    """Refuse what Stripe would refuse to charge."""
    if currency not in CURRENCIES:
        raise _refusal(f"Invalid currency: {currency}.", "currency", None)
    if amount > MAXIMUM:
        message = f"Amount must be no more than {show(MAXIMUM, currency)}"
        raise _refusal(message, param, "amount_too_large")
    minimum = MINIMUM.get(currency, 1)
    if amount < minimum:
        message = f"The total amount due must add up to at least {show(minimum, currency)}"
        raise _refusal(message, param, "amount_too_small")
    step = _step(currency)
    if amount % step:
        message = f"{currency.upper()} amounts must be divisible by {step}."
        raise _refusal(message, param, "parameter_invalid_integer")


def fee(amount: int, currency: str) -> int:
    """An invented price list, 1.5 % and 25 minor units: only its being above zero matters."""
    return round(amount * 15 / 1000) + (25 if decimals(currency) == 2 else 0)


def _step(currency: str) -> int:
    if currency in THREE_DECIMAL:
        return 10
    return 100 if currency in WHOLE_WITH_TWO_DECIMALS else 1


def _refusal(message: str, param: str, code: str | None) -> ApiError:
    return invalid_request(message, code=code, param=param, executed=False)
