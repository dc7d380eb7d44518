"""Makes up forms for a fakestripe endpoint: mostly of the right shape, now and then nonsense.

A value that should be an id of something that exists is a `Known` until the form is written.
"""

from __future__ import annotations

import string
from typing import Any, NamedTuple

from hypothesis import strategies as st

from fakestripe import schema

NASTY = [
    "", " ", "0", "-1", "-0", "١٢", "1e9", "1_000", "0x10", "NaN", "inf", "9" * 30, "9" * 5000, "-" + "9" * 5000, "²",
    "null", "true", "True", "\x00", "\ud7ff", "\uffff", "🏠", "../..", "a" * 6000, "%", "{}", "[]", "http://",
    "{CHECKOUT_SESSION_ID}", "https://x.test/\x00", "javascript:alert(1)", "a@b.c", "' OR 1=1 --", "<script>", "*",
    "card", "eur", "usd", "month", "pm_card_visa", "tok_visa", "pm_card_chargeDeclined", "253402300800", "9" * 14,
]  # fmt: skip
NAMES = st.text(string.ascii_lowercase + "_", min_size=1, max_size=12)
KEYS = st.one_of(NAMES, st.sampled_from(["amount", "metadata", "expand", "limit", "0", "__proto__", "id", "é"]))
WORDS = st.one_of(st.sampled_from(NASTY), st.text(max_size=20).map(lambda t: t.encode("utf-8", "ignore").decode()))
TREES = st.recursive(WORDS, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Idempotency-Key": st.sampled_from(["", "k", "k2", "x" * 255, "x" * 256, "é", "a b", ";"]),
        "Stripe-Version": st.sampled_from(
            ["", "2026-10-28.endive", "2026-05-27.dahlia", "2010-01-01", "9999", "latest", "é"]
        ),
        "Stripe-Account": st.sampled_from(["", "acct_1", "x"]),
        "Content-Type": st.sampled_from(["application/json", "multipart/form-data", "text/plain", "", "é", ";;"]),
        "Authorization": st.sampled_from(
            [
                "",
                "Bearer",
                "Bearer ",
                "Bearer sk_live_x",
                "Bearer é",
                "Basic !!!",
                "Basic c2tfdGVzdF94Og==",
                "Basic /w==",
                "x y z",
            ]
        ),
        "X-HTTP-Method-Override": st.just("DELETE"),
        "Transfer-Encoding": st.just("identity"),
    },
)
NAMED = {
    "default_payment_method": "payment_method",
    "default_price": "price",
    "duplicate_charge_id": "charge",
    "from_invoice": "invoice",
    "receipt": "file",
    "uncategorized_file": "file",
    "session": "checkout.session",
    "sessions": "checkout.session",
    "payment_pages": "checkout.session",
    "configurations": "billing_portal.configuration",
    "configuration": "billing_portal.configuration",
}
"""Parameters and parts of paths whose objects have another name than they."""
KINDS = (
    "balance_transaction charge customer dispute event file invoice invoice_payment invoiceitem payment_intent "
    "payment_method payout price product refund setup_intent subscription subscription_item webhook_endpoint"
).split()
FITTING = {
    "country": st.sampled_from(["CZ", "US"]),
    "token": st.sampled_from(["tok_visa", "tok_chargeDeclined", "tok_chargeCustomerFail"]),
    "payment_method": st.sampled_from(["pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired"]),
    "number": st.sampled_from(["4242424242424242", "4000002760003184", "1"]),
    "iban": st.just("AT611904300234573201"),
}


class Known(NamedTuple):
    """An id of something of this kind; which one is looked up when the form is written."""

    kind: str
    number: int

    def find(self, ids: dict[str, list[str]]) -> str:
        found = ids.get(self.kind) or ["nothing_there"]
        return found[self.number % len(found)]


def known(kind: str) -> st.SearchStrategy[Known]:
    return st.builds(Known, st.just(kind), st.integers(0, 9))


def kind_called(name: str) -> str | None:
    """What a parameter or a part of a path speaks of: `customers` and `customer` alike."""
    singular = name.removesuffix("s")
    return NAMED.get(name) or next((kind for kind in (name, singular) if kind in KINDS), None)


def fields_of(tree: Any, ids: dict[str, list[str]], name: str = "") -> list[tuple[str, str]]:
    """Nested data as the fields of a form with brackets."""
    if isinstance(tree, Known):
        return [(name, tree.find(ids))]
    if not isinstance(tree, dict):
        return [(name, str(tree))]
    return [
        pair for key, value in tree.items() for pair in fields_of(value, ids, f"{name}[{key}]" if name else str(key))
    ]


def forms_for(group: schema.Group, own: str | None) -> st.SearchStrategy[dict[str, Any]]:
    """What is required, and a few of the others; `own` is the kind that cursors point at."""
    members = {name: _mostly(values_for(param, name, own)) for name, param in group.members.items()}
    required = {name: members.pop(name) for name in sorted(group.required)}
    if not members:
        return st.fixed_dictionaries(required)
    chosen = st.sets(st.sampled_from(sorted(members)), max_size=4)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({**required, **{name: members[name] for name in names}}))


def values_for(param: schema.Param, name: str, own: str | None) -> st.SearchStrategy[Any]:
    """What fits a parameter's type."""
    if isinstance(param, schema.Group):
        return forms_for(param, own)
    if isinstance(param, schema.Items):
        items = st.lists(values_for(param.item, name, own), min_size=1, max_size=3)
        return items.map(lambda found: {str(n): value for n, value in enumerate(found)})
    if isinstance(param, schema.Unsettable):
        return st.one_of(st.just(""), values_for(param.inner, name, own))
    if isinstance(param, schema.Choice):
        return st.sampled_from(param.values)
    if isinstance(param, schema.Integer):
        return st.one_of(st.integers(param.minimum or 0, param.maximum or 5000), st.integers()).map(str)
    return _of_type(param, name, own)


def _of_type(param: schema.Param, name: str, own: str | None) -> st.SearchStrategy[Any]:
    kind = own if name in ("starting_after", "ending_before") else kind_called(name)
    text = st.one_of(FITTING.get(name, st.just("Cottage")), known(kind) if kind else NAMES)
    times = st.integers(0, 3 * 10**9).map(str)
    fitting = {
        schema.Number: st.decimals(0, 9999, places=2).map(str),
        schema.Flag: st.sampled_from(["true", "false"]),
        schema.Country: st.sampled_from(["CZ", "US"]),
        schema.Currency: st.sampled_from(["eur", "eur", "eur", "usd", "jpy", "kwd", "isk", "xxx", "EUR"]),
        schema.Email: st.just("grace@example.com"),
        schema.Url: st.sampled_from(["http://shop.test/x?a={CHECKOUT_SESSION_ID}", "https://[::1", "http://é"]),
        schema.Metadata: st.dictionaries(NAMES, WORDS, max_size=3),
        schema.TimeRange: st.one_of(times, st.dictionaries(st.sampled_from(["gt", "gte", "lt", "lte"]), times)),
    }
    return fitting.get(type(param), text)


def _mostly(fitting: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    nonsense = st.one_of(WORDS, TREES, known("event"))
    return st.integers(0, 24).flatmap(lambda n: fitting if n else nonsense)
