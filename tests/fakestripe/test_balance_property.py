"""Whatever is bought, given back, disputed and waited for: the balance is the sum of its entries, and they add up.

`BALANCE_EXAMPLES` says how many plays (10; more in `make torture`).
"""

import os
from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import fakestripe
from fakestripe.options import Options

EXAMPLES = int(os.environ.get("BALANCE_EXAMPLES", "10"))
CARDS = {
    "succeeds": "4242424242424242",
    "is declined": "4000000000000002",
    "is disputed as fraudulent": "4000000000000259",
    "is disputed as not received": "4000000000002685",
    "becomes an inquiry": "4000000000001976",
    "pends a refund": "4000000000007726",
    "fails a refund": "4000000000005126",
    "skips pending": "4000000000000077",
    "asks for 3-D Secure": "4000002760003184",
}
ACCOUNTS = ("AT611904300234573201", "AT861904300235473202")
CURRENCIES = ("eur", "usd", "jpy")
WHICH = st.integers(0, 20)
HEAD = {"Authorization": "Bearer sk_test_property"}


class Money(RuleBasedStateMachine):
    """Random calls to one simulator; after each the books are checked through the API alone."""

    def __init__(self):
        super().__init__()
        app = fakestripe.create_app(Options(background=False, seed=1))
        self.client = app.test_client()

    @initialize(cards=st.lists(st.sampled_from(sorted(CARDS)), min_size=3, max_size=6))
    def begin(self, cards):
        for card in cards:
            self.buy(card, 6000, "eur")

    @rule(
        card=st.sampled_from(sorted(CARDS)),
        amount=st.integers(100, 90000),
        code=st.sampled_from(CURRENCIES),
    )
    def buy(self, card, amount, code):
        self._pay(self._open(amount, code), card=CARDS[card], authenticate="complete")

    @rule(iban=st.sampled_from(ACCOUNTS), amount=st.integers(100, 90000))
    def buy_by_debit(self, iban, amount):
        self._pay(self._open(amount, "eur"), method="sepa_debit", iban=iban)

    @rule(amount=st.integers(100, 90000), part=st.floats(0.1, 1), wait=st.booleans())
    def authorise(self, amount, part, wait):
        form = {"amount": amount, "currency": "eur", "capture_method": "manual", "confirm": "true"}
        status, intent = self._post("payment_intents", {**form, "payment_method": "pm_card_visa"})
        assert status == 200, intent
        if not wait:
            self._post(f"payment_intents/{intent['id']}/capture", {"amount_to_capture": max(1, int(amount * part))})

    @rule(which=WHICH)
    def capture_all(self, which):
        for intent in self._one("payment_intents", which, lambda i: i["status"] == "requires_capture"):
            self._post(f"payment_intents/{intent['id']}/capture", {})

    @rule(which=WHICH)
    def cancel(self, which):
        for intent in self._one("payment_intents", which):
            self._post(f"payment_intents/{intent['id']}/cancel", {})

    @rule(which=WHICH, part=st.sampled_from([None, 0.1, 0.3, 0.5, 0.9, 1, 1.5]))
    def refund(self, which, part):
        for charge in self._one("charges", which, lambda c: c["captured"]):
            form = {"amount": int(charge["amount"] * part)} if part else {}
            status, answer = self._post("refunds", {"charge": charge["id"], **form})
            assert status in (200, 400), answer

    @rule(which=WHICH, outcome=st.sampled_from(["succeeded", "failed"]))
    def settle(self, which, outcome):
        for intent in self._one("payment_intents", which, lambda i: i["status"] == "processing"):
            self._control(f"payments/{intent['id']}/settle", {"outcome": outcome})

    @rule(which=WHICH, status=st.sampled_from(["pending", "requires_action", "succeeded", "failed", "canceled"]))
    def move_a_refund(self, which, status):
        for refund in self._one("refunds", which):
            self._control(f"refunds/{refund['id']}", {"status": status})

    @rule(which=WHICH, status=st.sampled_from(["won", "lost"]))
    def decide_a_dispute(self, which, status):
        for dispute in self._one("disputes", which):
            self._control(f"disputes/{dispute['id']}", {"status": status})

    @rule(which=WHICH, evidence=st.sampled_from(["winning_evidence", "losing_evidence", "a letter"]))
    def answer_a_dispute(self, which, evidence):
        for dispute in self._one("disputes", which):
            form = {"evidence[uncategorized_text]": evidence, "submit": "true"}
            self._post(f"disputes/{dispute['id']}", form)

    @rule(which=WHICH)
    def accept_a_dispute(self, which):
        for dispute in self._one("disputes", which):
            self._post(f"disputes/{dispute['id']}/close", {})

    @rule(seconds=st.sampled_from([1, 90, 3600, 86400, 3 * 86400, 40 * 86400]))
    def wait(self, seconds):
        assert self._control("clock", {"advance": seconds}) == 200

    @invariant()
    def the_books_add_up(self):
        """Read once after each call, for all that must be so."""
        books = {name: self._all(name) for name in ("balance_transactions", "charges", "refunds", "disputes")}
        self._the_balance_is_the_sum_of_its_entries(books)
        self._the_entries_follow_from_what_happened(books)
        self._nothing_is_given_back_twice(books)

    def _the_balance_is_the_sum_of_its_entries(self, books):
        sums = {"available": defaultdict(int), "pending": defaultdict(int)}
        for entry in books["balance_transactions"]:
            assert entry["net"] == entry["amount"] - entry["fee"]
            assert entry["fee"] == sum(part["amount"] for part in entry["fee_details"])
            sums[entry["status"]][entry["currency"]] += entry["net"]
        shown = self._get("balance")
        for name, expected in sums.items():
            amounts = {part["currency"]: part["amount"] for part in shown[name]}
            assert {code: n for code, n in amounts.items() if n} == {code: n for code, n in expected.items() if n}

    def _the_entries_follow_from_what_happened(self, books):
        """Taken, less what was given back and did not come back, less what the banks took."""
        expected, found = defaultdict(int), defaultdict(int)
        for charge in books["charges"]:
            expected[charge["currency"]] += charge["amount_captured"]
        for refund in books["refunds"]:
            expected[refund["currency"]] -= refund["amount"] * (refund["status"] not in ("failed", "canceled"))
        for dispute in books["disputes"]:
            took = dispute["status"] not in ("won", "prevented") and not dispute["status"].startswith("warning")
            expected[dispute["currency"]] -= dispute["amount"] * took
        for entry in books["balance_transactions"]:
            found[entry["currency"]] += entry["amount"]
        assert dict(found) == {code: n for code, n in expected.items() if n or code in found}

    def _nothing_is_given_back_twice(self, books):
        given = defaultdict(int)
        for refund in books["refunds"]:
            given[refund["charge"]] += refund["amount"] * (refund["status"] not in ("failed", "canceled"))
        for charge in books["charges"]:
            assert 0 <= given[charge["id"]] <= charge["amount_captured"] <= charge["amount"]
            assert charge["amount_refunded"] <= charge["amount"]

    def _open(self, amount, code):
        price = "line_items[0][price_data]"
        form = {
            "mode": "payment",
            f"{price}[currency]": code,
            f"{price}[unit_amount]": amount,
            f"{price}[product_data][name]": "Seaview Cottage",
            "line_items[0][quantity]": 1,
            "success_url": "http://shop.test/ok",
        }
        status, session = self._post("checkout/sessions", form)
        assert status == 200, session
        return session["id"]

    def _pay(self, session, **body):
        answer = self.client.post(f"/_fake/sessions/{session}/pay", json={"wait": False, **body})
        assert answer.status_code == 200, answer.text
        return answer.json["payment_intent"]["id"]

    def _post(self, path, form):
        answer = self.client.post(f"/v1/{path}", data=form, headers=HEAD)
        assert answer.status_code < 500, (path, form)
        return answer.status_code, answer.json

    def _control(self, path, body):
        answer = self.client.post(f"/_fake/{path}", json=body)
        assert answer.status_code < 500, (path, body)
        return answer.status_code

    def _one(self, path, which, fits=bool):
        """One of those that fit, as a list; none where there is none."""
        found = [item for item in self._all(path) if fits(item)]
        return found[which % len(found) :][:1] if found else []

    def _get(self, path):
        answer = self.client.get(f"/v1/{path}", headers=HEAD)
        assert answer.status_code == 200, answer.text
        return answer.json

    def _all(self, path):
        """Every page, oldest first."""
        found, cursor = [], ""
        while True:
            page = self._get(f"{path}?limit=100{cursor}")
            found += page["data"]
            if not page["has_more"]:
                return found[::-1]
            cursor = f"&starting_after={page['data'][-1]['id']}"


TestMoney = Money.TestCase
TestMoney.settings = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None, derandomize=True)
