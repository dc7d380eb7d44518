"""Reads what a guest typed on the payment page, or says what is wrong with it, field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from fakestripe import cards
from fakestripe.checkout_modes import needs_method
from fakestripe.guests import Guest
from fakestripe.instruments import Billing, Instrument
from fakestripe.store import Record

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
EXPIRY = re.compile(r"(\d{1,2})\s*/?\s*(\d{2}|\d{4})")
NEEDS_POSTAL_CODE = ("US", "GB", "CA")


class Entry:
    """One filled-in form for one session."""

    def __init__(self, session: Record, form: Mapping[str, str], now: float, known_email: str | None) -> None:
        self._session = session
        self._known_email = known_email
        self._form = form
        self._today = datetime.fromtimestamp(now, UTC).date()
        self.errors: dict[str, str] = {}
        self.method = self._read("method") or session["payment_method_types"][0]
        self._check()

    def guest(self) -> Guest:
        answers = {f["key"]: self._read(f"custom_{f['key']}") for f in self._custom_fields}
        return Guest(
            email=self.email,
            name=self._read("billingName"),
            phone=self._read("phone") or None,
            address=self._address(),
            terms_accepted=bool(self._read("termsOfService")),
            promotions=bool(self._read("promotions")),
            save=bool(self._read("savePaymentMethod")),
            answers={key: value for key, value in answers.items() if value},
            shipping=self._shipping() if self._session["shipping_address_collection"] else None,
            business_name=self._read("businessName") or None,
            individual_name=self._read("individualName") or None,
        )

    def instrument(self) -> Instrument | None:
        """How to pay, or None where the session does not ask for it."""
        if not needs_method(self._session):
            return None
        billing = Billing(self.email, self._read("billingName"), self._read("phone") or None, self._address())
        if self.method == "sepa_debit":
            return Instrument("sepa_debit", self._iban, billing=billing)
        month, year = self._expiry or (12, 2034)
        return Instrument("card", self._number, month, year, billing)

    @property
    def email(self) -> str:
        return self._read("email") or self._known_email or ""

    @property
    def _custom_fields(self) -> list[Record]:
        return list(self._session["custom_fields"])

    @property
    def _number(self) -> str:
        return re.sub(r"[\s-]", "", self._read("cardNumber"))

    @property
    def _iban(self) -> str:
        return re.sub(r"\s", "", self._read("iban")).upper()

    @property
    def _expiry(self) -> tuple[int, int] | None:
        match = EXPIRY.fullmatch(self._read("cardExpiry"))
        if not match or not 1 <= int(match[1]) <= 12:
            return None
        year = int(match[2])
        return int(match[1]), year if year > 99 else 2000 + year

    def _read(self, name: str) -> str:
        return self._form.get(name, "").strip()

    def _address(self) -> dict[str, str | None]:
        return {
            "country": self._read("billingCountry") or None,
            "postal_code": self._read("billingPostalCode") or None,
            "line1": self._read("billingAddressLine1") or None,
            "city": self._read("billingLocality") or None,
        }

    def _shipping(self) -> Record:
        address = {
            "city": self._read("shippingLocality"),
            "country": self._read("shippingCountry"),
            "line1": self._read("shippingAddressLine1"),
            "postal_code": self._read("shippingPostalCode"),
        }
        return {"name": self._read("shippingName"), "address": {key: value or None for key, value in address.items()}}

    def _check(self) -> None:
        if not EMAIL.fullmatch(self.email):
            self.errors["email"] = "Enter your email address, such as grace@example.com."
        if needs_method(self._session):
            self._check_method()
            self._check_billing()
        self._check_extras()

    def _check_method(self) -> None:
        if self.method not in self._session["payment_method_types"]:
            self.errors["method"] = "Choose how to pay."
        elif self.method == "card":
            self._check_card()
        elif self._iban not in cards.BY_IBAN:
            self.errors["iban"] = "Use one of the test IBANs."

    def _check_card(self) -> None:
        if not self._number:
            self.errors["cardNumber"] = "Enter a card number."
        elif not cards.passes_luhn(self._number):
            self.errors["cardNumber"] = "Your card number is invalid."
        self._check_expiry()
        if not re.fullmatch(r"\d{3,4}", self._read("cardCvc")):
            self.errors["cardCvc"] = "Your card's security code is incomplete."

    def _check_expiry(self) -> None:
        expiry = self._expiry
        if expiry is None:
            self.errors["cardExpiry"] = "Enter the expiry date as MM / YY."
        elif (expiry[1], expiry[0]) < (self._today.year, self._today.month):
            self.errors["cardExpiry"] = "Your card's expiration date is in the past."

    def _check_billing(self) -> None:
        if not self._read("billingName"):
            self.errors["billingName"] = "Enter the name on the card or account."
        country = self._read("billingCountry")
        if not re.fullmatch(r"[A-Z]{2}", country):
            self.errors["billingCountry"] = "Choose a country."
        if country in NEEDS_POSTAL_CODE and not self._read("billingPostalCode"):
            self.errors["billingPostalCode"] = "Enter your postal code."
        if self._session["billing_address_collection"] == "required":
            for name in ("billingAddressLine1", "billingLocality"):
                if not self._read(name):
                    self.errors[name] = "Enter your address."

    def _check_extras(self) -> None:
        session = self._session
        if session["phone_number_collection"]["enabled"] and not self._read("phone"):
            self.errors["phone"] = "Enter a phone number."
        consent = session["consent_collection"] or {}
        if consent.get("terms_of_service") == "required" and not self._read("termsOfService"):
            self.errors["termsOfService"] = "Accept the terms of service to go on."
        self._check_names()
        self._check_shipping()
        for field in self._custom_fields:
            name = f"custom_{field['key']}"
            if not field["optional"] and not self._read(name):
                self.errors[name] = "Fill in this field."

    def _check_names(self) -> None:
        for kind, wanted in (self._session.get("name_collection") or {}).items():
            name = f"{kind}Name"
            if wanted["enabled"] and not wanted["optional"] and not self._read(name):
                self.errors[name] = "Enter a name."

    def _check_shipping(self) -> None:
        wanted = self._session["shipping_address_collection"]
        if not wanted:
            return
        for name in ("shippingName", "shippingAddressLine1", "shippingLocality"):
            if not self._read(name):
                self.errors[name] = "Fill in this field."
        if self._read("shippingCountry") not in wanted["allowed_countries"]:
            self.errors["shippingCountry"] = "Choose a country we send to."
