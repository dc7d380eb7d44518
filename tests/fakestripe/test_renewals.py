"""What the clock does with subscriptions: renewals, failed payments, trials."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from fakestripe.billing.periods import next_boundary
from tests.support.fake_billing import DAY, intent_of, make_customer, make_price, period, subscribe, use_card


def moment(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, 9, 30, tzinfo=UTC).timestamp())


def invoices(api: Any, subscription: Any) -> list[Any]:
    return api.invoices.list(params={"subscription": subscription.id, "limit": 100}).data


@pytest.mark.parametrize(
    ("interval", "count", "after", "expected"),
    [
        ("month", 1, moment(2027, 1, 31), moment(2027, 2, 28)),
        ("month", 1, moment(2027, 2, 28), moment(2027, 3, 31)),
        ("month", 3, moment(2027, 1, 31), moment(2027, 4, 30)),
        ("month", 1, moment(2028, 1, 31), moment(2028, 2, 29)),
        ("year", 1, moment(2027, 1, 31), moment(2028, 1, 31)),
        ("week", 2, moment(2027, 1, 31), moment(2027, 2, 14)),
        ("day", 1, moment(2027, 2, 28), moment(2027, 3, 1)),
    ],
)
def test_periods_are_counted_from_the_anchor(interval: str, count: int, after: int, expected: int) -> None:
    recurring = {"interval": interval, "interval_count": count}

    assert next_boundary(recurring, moment(2027, 1, 31), after) == expected


def test_a_leap_day_anchor_comes_back_on_the_last_of_february(sim: Any) -> None:
    recurring = {"interval": "year", "interval_count": 1}

    assert next_boundary(recurring, moment(2028, 2, 29), moment(2028, 2, 29)) == moment(2029, 2, 28)
    assert next_boundary(recurring, moment(2028, 2, 29), moment(2031, 3, 1)) == moment(2032, 2, 29)


def test_a_year_forward_renews_twelve_times_each_at_its_own_date(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api))
    starts = [period(subscription)[0]]

    sim.post("clock", {"advance": 367 * DAY})  # with a leap day in it too, the last draft is final

    found = invoices(api, subscription)[::-1]
    assert len(found) == 13
    assert {invoice.status for invoice in found} == {"paid"}
    for before, invoice in itertools.pairwise(found):
        start = invoice.lines.data[0].period.start
        assert start == before.lines.data[0].period.end == invoice.created
        assert invoice.status_transitions.paid_at == start + 3600
        starts.append(start)
    now = sim.get("clock")["now"]
    begin, end = period(api.subscriptions.retrieve(subscription.id))
    assert begin == starts[-1]
    assert begin <= now < end


def test_a_renewal_is_a_draft_for_an_hour(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api), make_price(api, 1500, "day"))

    sim.post("clock", {"advance": DAY + 60})
    draft = invoices(api, subscription)[0]
    assert (draft.status, draft.billing_reason) == ("draft", "subscription_cycle")
    assert draft.automatically_finalizes_at == draft.created + 3600
    api.invoice_items.create(
        params={"customer": subscription.customer, "invoice": draft.id, "amount": 500, "currency": "eur"}
    )
    sim.post("clock", {"advance": 3600})

    paid = api.invoices.retrieve(draft.id)
    assert (paid.status, paid.amount_paid) == ("paid", 2000)


def test_the_event_of_a_renewal_says_what_the_period_was_before(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api), make_price(api, 1500, "day"))
    start, end = period(subscription)

    sim.post("clock", {"advance": DAY + 60})

    data = sim.events("customer.subscription.updated")[0]["data"]
    old, new = data["previous_attributes"]["items"]["data"][0], data["object"]["items"]["data"][0]
    assert (old["current_period_start"], old["current_period_end"]) == (start, end)
    assert new["current_period_start"] == end
    assert data["previous_attributes"]["latest_invoice"] == subscription.latest_invoice


def test_the_next_invoice_is_announced_a_week_before(api: Any, sim: Any) -> None:
    subscribe(api, make_customer(api))

    sim.post("clock", {"advance": 20 * DAY})
    assert sim.events("invoice.upcoming") == []
    sim.post("clock", {"advance": 5 * DAY})

    upcoming = sim.events("invoice.upcoming")[0]["data"]["object"]
    assert (upcoming["amount_due"], upcoming["billing_reason"]) == (1500, "upcoming")


def test_a_failing_renewal_is_past_due_and_a_better_card_heals_it(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    subscription = subscribe(api, customer, make_price(api, 1500, "month"))
    use_card(api, customer, "pm_card_chargeCustomerFail")
    end = period(subscription)[1]

    sim.post("clock", {"advance": end - sim.get("clock")["now"] + 3700})
    invoice = invoices(api, subscription)[0]
    assert api.subscriptions.retrieve(subscription.id).status == "past_due"
    assert (invoice.status, invoice.attempt_count) == ("open", 1)
    assert invoice.next_payment_attempt == end + 3600 + 3 * DAY
    use_card(api, customer, "pm_card_visa")
    sim.post("clock", {"advance": 3 * DAY})

    healed = api.invoices.retrieve(invoice.id)
    assert (healed.status, healed.attempt_count, healed.next_payment_attempt) == ("paid", 2, None)
    assert api.subscriptions.retrieve(subscription.id).status == "active"


@pytest.mark.parametrize(
    ("last_resort", "status"), [(None, "canceled"), ("mark_unpaid", "unpaid"), ("leave_past_due", "past_due")]
)
def test_when_all_attempts_failed_it_ends_as_the_account_chose(
    api: Any, sim: Any, last_resort: str | None, status: str
) -> None:
    if last_resort:
        sim.post("billing", {"last_resort": last_resort})
    customer = make_customer(api)
    subscription = subscribe(api, customer)
    use_card(api, customer, "pm_card_chargeCustomerFail")

    sim.post("clock", {"advance": (31 + 16) * DAY})

    ended = api.subscriptions.retrieve(subscription.id)
    failed = [e["data"]["object"] for e in sim.events("invoice.payment_failed")]
    assert ended.status == status
    assert [invoice["attempt_count"] for invoice in failed] == [1, 2, 3, 4]
    assert failed[-1]["next_payment_attempt"] is None
    assert api.invoices.retrieve(failed[0]["id"]).status == "open"
    if status == "canceled":
        assert ended.cancellation_details.reason == "payment_failed"


def test_an_unpaid_subscription_makes_invoices_that_stay_drafts(api: Any, sim: Any) -> None:
    sim.post("billing", {"last_resort": "mark_unpaid"})
    customer = make_customer(api)
    subscription = subscribe(api, customer)
    use_card(api, customer, "pm_card_chargeCustomerFail")

    sim.post("clock", {"advance": 70 * DAY})

    newest = invoices(api, subscription)[0]
    assert (newest.status, newest.auto_advance) == ("draft", False)
    assert api.subscriptions.retrieve(subscription.id).status == "unpaid"


def test_a_card_that_always_asks_leaves_the_renewal_to_the_guest(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api, "pm_card_authenticationRequired"))
    first = intent_of(api, subscription.latest_invoice)
    requests.post(first.next_action.redirect_to_url.url, data={"answer": "complete"}, timeout=10)

    sim.post("clock", {"advance": 32 * DAY})

    newest = invoices(api, subscription)[0]
    intent = intent_of(api, newest.id)
    assert (newest.status, intent.status) == ("open", "requires_action")
    assert api.subscriptions.retrieve(subscription.id).status == "past_due"
    assert sim.events("invoice.payment_action_required")[-1]["data"]["object"]["id"] == newest.id
    requests.post(intent.next_action.redirect_to_url.url, data={"answer": "complete"}, timeout=10)
    assert api.subscriptions.retrieve(subscription.id).status == "active"


def test_a_card_that_asks_until_it_is_set_up_renews_by_itself(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api, "pm_card_authenticationRequiredOnSetup"))
    first = intent_of(api, subscription.latest_invoice)
    requests.post(first.next_action.redirect_to_url.url, data={"answer": "complete"}, timeout=10)

    sim.post("clock", {"advance": 32 * DAY})

    assert [invoice.status for invoice in invoices(api, subscription)] == ["paid", "paid"]


def test_a_trial_costs_nothing_until_it_ends(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api), trial_period_days=10, expand=["latest_invoice"])
    start, end = period(subscription)
    assert (subscription.status, end - start, subscription.trial_end) == ("trialing", 10 * DAY, end)
    assert (subscription.latest_invoice.status, subscription.latest_invoice.total) == ("paid", 0)
    assert api.charges.list().data == []

    sim.post("clock", {"advance": 6 * DAY})
    assert sim.events("customer.subscription.trial_will_end") == []
    sim.post("clock", {"advance": 1.1 * DAY})
    assert len(sim.events("customer.subscription.trial_will_end")) == 1
    sim.post("clock", {"advance": 3 * DAY})

    running = api.subscriptions.retrieve(subscription.id)
    assert (running.status, period(running)[0], running.billing_cycle_anchor) == ("active", end, end)
    assert api.charges.list().data[0].amount == 1500


@pytest.mark.parametrize(
    ("missing", "status", "told"),
    [
        ("cancel", "canceled", "customer.subscription.deleted"),
        ("pause", "paused", "customer.subscription.paused"),
        ("create_invoice", "past_due", "invoice.payment_failed"),
    ],
)
def test_a_trial_without_a_card_ends_as_was_agreed(api: Any, sim: Any, missing: str, status: str, told: str) -> None:
    subscription = subscribe(
        api,
        make_customer(api, None),
        trial_period_days=5,
        trial_settings={"end_behavior": {"missing_payment_method": missing}},
    )
    assert subscription.pending_setup_intent.startswith("seti_")

    sim.post("clock", {"advance": 5 * DAY + 2 * 3600})

    assert api.subscriptions.retrieve(subscription.id).status == status
    assert len(sim.events(told)) == 1


def test_a_paused_one_is_resumed_with_a_card(api: Any, sim: Any) -> None:
    customer = make_customer(api, None)
    trial = {"end_behavior": {"missing_payment_method": "pause"}}
    subscription = subscribe(api, customer, trial_period_days=5, trial_settings=trial)
    sim.post("clock", {"advance": 40 * DAY})
    use_card(api, customer, "pm_card_visa")

    resumed = api.subscriptions.resume(subscription.id, params={"expand": ["latest_invoice"]})

    assert (resumed.status, resumed.latest_invoice.status) == ("active", "paid")
    assert len(sim.events("customer.subscription.resumed")) == 1


def test_a_trial_ended_by_hand_is_charged_at_once(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api), trial_period_days=10)

    ended = api.subscriptions.update(subscription.id, params={"trial_end": "now", "expand": ["latest_invoice"]})

    assert (ended.status, ended.latest_invoice.amount_paid) == ("active", 1500)
    sim.post("clock", {"advance": 12 * DAY})
    assert len(api.charges.list().data) == 1


def test_a_longer_trial_moves_the_first_payment(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api), trial_period_days=5)
    later = subscription.trial_end + 10 * DAY

    api.subscriptions.update(subscription.id, params={"trial_end": later})
    sim.post("clock", {"advance": 10 * DAY})
    assert api.subscriptions.retrieve(subscription.id).status == "trialing"
    sim.post("clock", {"advance": 6 * DAY})

    assert api.subscriptions.retrieve(subscription.id).status == "active"


def test_a_subscription_billed_by_mail_is_past_due_when_nobody_pays(api: Any, sim: Any) -> None:
    subscription = subscribe(api, make_customer(api, None), collection_method="send_invoice", days_until_due=7)
    assert subscription.status == "active"

    sim.post("clock", {"advance": 2 * 3600})
    invoice = invoices(api, subscription)[0]
    assert (invoice.status, len(sim.events("invoice.sent"))) == ("open", 1)
    sim.post("clock", {"advance": 7 * DAY})

    assert len(sim.events("invoice.overdue")) == 1
    assert api.subscriptions.retrieve(subscription.id).status == "past_due"
    api.invoices.pay(invoice.id, params={"paid_out_of_band": True})
    assert api.subscriptions.retrieve(subscription.id).status == "active"


def test_renewals_survive_a_restart(tmp_path: Any, launch: Any, connect: Any) -> None:
    file = str(tmp_path / "state.db")
    process = launch("--db", file)
    try:
        subscription = subscribe(connect(process.url), make_customer(connect(process.url)))
    finally:
        process.stop()
    process = launch("--db", file)
    try:
        requests.post(f"{process.url}/_fake/clock", json={"advance": 32 * DAY}, timeout=15)
        found = invoices(connect(process.url), subscription)
    finally:
        process.stop()

    assert [invoice.billing_reason for invoice in found] == ["subscription_cycle", "subscription_create"]
