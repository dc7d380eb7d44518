"""Stripe's catalogue follows our plans: once for each thing, whatever breaks off in between."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from booking.domain.club import Interval, PlanTerms
from booking.domain.errors import PlanNotFound, PlanRefused
from booking.domain.money import Money
from booking.extensions import db
from booking.gateways.payments import GatewayUnavailable
from booking.models import AuditLine, CatalogEntry, CatalogErrand, ClubPlan
from booking.services import catalog_sync, club_plans
from tests.support.shop import Shop

MONTHLY = PlanTerms("Harbour Club", Money(900, "eur"), Interval.MONTH, 14, 1000)
YEARLY = PlanTerms("Harbour Club, a year", Money(9000, "eur"), Interval.YEAR, 0, 1000)
ADA = "ada@example.org"


def _add(shop: Shop, terms: PlanTerms = MONTHLY) -> int:
    with shop.app.app_context():
        return club_plans.add_plan(shop.runtime, terms, ADA)


def _change(shop: Shop, plan_id: int, terms: PlanTerms) -> None:
    with shop.app.app_context():
        club_plans.change_plan(shop.runtime, plan_id, terms, ADA)


def _sync(shop: Shop) -> list[str]:
    with shop.app.app_context():
        return [line.text for line in catalog_sync.sync_catalog(shop.runtime)]


def _entry(shop: Shop, plan_id: int) -> CatalogEntry:
    with shop.app.app_context():
        entry = db.session.get_one(CatalogEntry, (plan_id, False))
        db.session.expunge(entry)
        return entry


def _key(shop: Shop, plan_id: int) -> str:
    with shop.app.app_context():
        return db.session.get_one(ClubPlan, plan_id).lookup_key


def _errands(shop: Shop) -> list[tuple[str, bool]]:
    with shop.app.app_context():
        rows = db.session.query(CatalogErrand).order_by(CatalogErrand.id)
        return [(str(row.act), row.done_at is not None) for row in rows]


def _prices(shop: Shop) -> list[Any]:
    return list(reversed(shop.stripe_client().prices.list().data))


def test_a_plan_becomes_a_product_and_a_price_that_is_asked_for_by_its_name(shop: Shop) -> None:
    plan_id = _add(shop)

    lines = _sync(shop)

    [price] = shop.stripe_client().prices.list(params={"lookup_keys": [_key(shop, plan_id)]}).data
    product = shop.stripe_client().products.retrieve(price.product)
    assert (price.unit_amount, price.currency, price.recurring.interval) == (900, "eur", "month")
    assert product.name == "Harbour Club"
    assert product.metadata.to_dict().keys() == {"app", "purpose", "plan", "errand"}
    assert (price.metadata["purpose"], price.metadata["plan"]) == ("membership", str(plan_id))
    assert (_entry(shop, plan_id).product_id, _entry(shop, plan_id).price_id) == (product.id, price.id)
    assert len(lines) == 2


def test_a_second_run_finds_nothing_to_do(shop: Shop) -> None:
    _add(shop)
    _add(shop, YEARLY)
    _sync(shop)

    assert _sync(shop) == []
    assert len(_prices(shop)) == len(shop.stripe_client().products.list().data) == 2


def test_another_price_is_a_new_one_with_the_old_ones_name_and_the_old_one_is_inactive(shop: Shop) -> None:
    plan_id = _add(shop)
    _sync(shop)

    _change(shop, plan_id, PlanTerms("Harbour Club", Money(1200, "eur"), Interval.MONTH, 14, 1500))
    _sync(shop)

    old, new = _prices(shop)
    assert (old.active, old.lookup_key, new.active, new.unit_amount) == (False, None, True, 1200)
    assert new.lookup_key == _key(shop, plan_id)
    assert _entry(shop, plan_id).price_id == new.id
    assert old.product == new.product
    assert _sync(shop) == []


def test_a_new_name_is_told_to_stripe_and_a_retired_plan_can_be_bought_by_nobody(shop: Shop) -> None:
    plan_id = _add(shop)
    _sync(shop)
    _change(shop, plan_id, PlanTerms("Seal Club", Money(900, "eur"), Interval.MONTH, 14, 1000))
    _sync(shop)
    [product] = shop.stripe_client().products.list().data
    assert product.name == "Seal Club"

    with shop.app.app_context():
        club_plans.retire_plan(shop.runtime, plan_id, ADA)
    _sync(shop)

    [price], [product] = _prices(shop), shop.stripe_client().products.list().data
    assert (price.active, product.active, _entry(shop, plan_id).price_id) == (False, False, None)
    assert _sync(shop) == []


@pytest.mark.parametrize("broken", ["make_product", "make_price"])
def test_a_call_whose_answer_is_lost_is_made_again_under_the_same_key(
    shop: Shop, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_id = _add(shop)
    inner = shop.runtime.payments._inner
    ask = getattr(inner, broken)

    def lose(*given: Any) -> Any:
        ask(*given)
        raise GatewayUnavailable("the answer is lost")

    with monkeypatch.context() as patch:
        patch.setattr(inner, broken, lose)
        with shop.app.app_context():
            lines = catalog_sync.sync_catalog(shop.runtime)
    assert lines[-1].is_problem
    assert _errands(shop)[-1] == (broken, False)

    _sync(shop)

    assert len(_prices(shop)) == len(shop.stripe_client().products.list().data) == 1
    assert all(is_done for _, is_done in _errands(shop))
    assert _entry(shop, plan_id).price_id == _prices(shop)[0].id


@pytest.mark.parametrize("broken", ["make_product", "make_price"])
def test_what_was_made_is_found_even_when_stripe_has_forgotten_the_key(
    shop: Shop, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_id = _add(shop)
    inner = shop.runtime.payments._inner
    ask = getattr(inner, broken)

    def lose(*given: Any) -> Any:
        ask(*given)
        raise GatewayUnavailable("the answer is lost")

    with monkeypatch.context() as patch:
        patch.setattr(inner, broken, lose)
        _sync(shop)
    shop.pass_time(days=2)

    _sync(shop)

    assert len(_prices(shop)) == len(shop.stripe_client().products.list().data) == 1
    assert all(is_done for _, is_done in _errands(shop))
    assert _entry(shop, plan_id).price_id == _prices(shop)[0].id


def test_a_price_that_was_asked_for_before_it_changed_is_not_left_on_sale(
    small_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_id, shop = _add(small_shop), small_shop

    def fail(*given: Any) -> Any:
        raise GatewayUnavailable("nothing goes out")

    with monkeypatch.context() as patch:
        patch.setattr(shop.runtime.payments._inner, "make_price", fail)
        _sync(shop)
    _change(shop, plan_id, PlanTerms("Harbour Club", Money(1100, "eur"), Interval.MONTH, 0, 1000))

    _sync(shop)

    assert [(price.unit_amount, price.active) for price in _prices(shop)] == [(900, False), (1100, True)]
    assert _sync(shop) == []


def test_two_shops_on_one_account_do_not_take_each_others_names(small_shop: Shop) -> None:
    key = _key(small_shop, _add(small_shop))

    with small_shop.app.app_context():
        from booking.services.instance import get_instance_id

        assert key.endswith(get_instance_id(small_shop.runtime)[:8])
    assert key.startswith("harbour-club-month-eur-")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (PlanTerms(" ", Money(900, "eur"), Interval.MONTH, 0, 1000), "name"),
        (PlanTerms("Club", Money(0, "eur"), Interval.MONTH, 0, 1000), "price"),
        (PlanTerms("Club", Money(950, "isk"), Interval.MONTH, 0, 1000), "price"),
        (PlanTerms("Club", Money(900, "eur"), Interval.MONTH, 91, 1000), "trial_days"),
        (PlanTerms("Club", Money(900, "eur"), Interval.MONTH, 0, 10000), "off_share"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_its_field(small_shop: Shop, terms: PlanTerms, field: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        _add(small_shop, terms)

    assert refused.value.details["field"] == field


def test_a_plan_keeps_its_currency_and_a_retired_one_is_not_changed(small_shop: Shop) -> None:
    plan_id = _add(small_shop)
    with pytest.raises(PlanRefused):
        _change(small_shop, plan_id, PlanTerms("Club", Money(900, "chf"), Interval.MONTH, 0, 1000))
    with small_shop.app.app_context():
        club_plans.retire_plan(small_shop.runtime, plan_id, ADA)
        club_plans.retire_plan(small_shop.runtime, plan_id, ADA)
    with pytest.raises(PlanNotFound):
        _change(small_shop, plan_id, MONTHLY)

    with small_shop.app.app_context():
        actions = [line.action for line in db.session.query(AuditLine).order_by(AuditLine.number)]
    assert actions == ["plan.added", "plan.retired"]


def test_the_command_prints_a_line_for_each_thing_and_json_for_a_script(small_shop: Shop) -> None:
    def run(app: Flask, *args: str) -> Any:
        return app.test_cli_runner().invoke(args=["catalog-sync", *args])

    assert "Nothing to do" in run(small_shop.app).output
    _add(small_shop)
    told = run(small_shop.app, "--json")
    assert (told.exit_code, len(json.loads(told.output))) == (0, 2)
    assert "Nothing to do" in run(small_shop.app).output

    small_shop.stripe.post("faults", [{"kind": "status_500", "method": "*", "path_prefix": "/v1/prices", "times": 9}])
    failed = run(small_shop.app)
    assert failed.exit_code == 1
    assert failed.output.startswith("PROBLEM plan 1: no usable answer")
    assert timedelta(0) < catalog_sync.KEY_LIFE < timedelta(hours=24)
