"""services/trials.py: the wizard's test booking is a booking like any other, one at a time, and never of real money."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from booking import create_app
from booking.extensions import db
from booking.models import AuditLine, Booking, Unit
from booking.queries.setup import Step, read_setup
from booking.runtime import Runtime
from booking.services.trials import TrialRefused, place_trial, trial_key
from tests.support.shop import MemoryMailer, ShiftedClock, add_listing, make_settings, outfit

ADA = ("Ada Lovelace", "ada@example.org")


@pytest.fixture
def empty(database_url: str) -> Iterator[Flask]:
    """An app in whose shop nothing is, on each database in turn."""
    app = create_app(make_settings(database_url))
    outfit(app, ShiftedClock(), MemoryMailer())
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def runtime(empty: Flask) -> Runtime:
    return empty.extensions["holdfast"]


def test_a_test_booking_holds_nights_far_ahead_and_is_written_down(empty: Flask, runtime: Runtime) -> None:
    add_listing(empty)

    placed = place_trial(runtime, *ADA)

    booking = db.session.get_one(Booking, placed.booking_id)
    assert (booking.guest_name, booking.guest_email, booking.status) == ("Test of Ada Lovelace", ADA[1], "pending")
    assert (booking.arrive - runtime.clock.now().date()).days > 50
    assert [line.action for line in db.session.query(AuditLine)] == ["trial.placed"]


def test_while_one_waits_asking_again_gives_the_same(empty: Flask, runtime: Runtime) -> None:
    add_listing(empty)

    assert place_trial(runtime, *ADA) == place_trial(runtime, *ADA)


@pytest.mark.parametrize("rules", [{"min_nights": 5}, {"horizon_days": 10}, {"notice_days": 20}, {"max_guests": 1}])
def test_the_rules_of_the_house_are_kept(empty: Flask, runtime: Runtime, rules: dict[str, Any]) -> None:
    add_listing(empty, **rules)

    assert place_trial(runtime, *ADA).booking_id


def test_where_nothing_can_be_booked_it_is_refused_in_words(empty: Flask, runtime: Runtime) -> None:
    with pytest.raises(TrialRefused, match="Nothing can be booked"):
        place_trial(runtime, *ADA)

    add_listing(empty)
    db.session.remove()  # what was read before
    db.session.query(Unit).one().is_active = False
    db.session.commit()
    with pytest.raises(TrialRefused, match="no listing on sale"):
        place_trial(runtime, *ADA)


def test_a_live_key_never_pays_for_a_test(empty: Flask, runtime: Runtime) -> None:
    add_listing(empty)
    live = replace(runtime, settings=replace(runtime.settings, stripe_secret_key="sk_live_0123456789abcdef"))

    with pytest.raises(TrialRefused, match="real money"):
        place_trial(live, *ADA)

    assert db.session.query(Booking).count() == 0


def test_the_wizard_knows_how_far_the_shop_is(empty: Flask, runtime: Runtime) -> None:
    assert read_setup(db.session(), trial_key()).next_step is Step.HOUSE
    assert read_setup(db.session(), trial_key()).open_steps == (Step.HOUSE,)
    add_listing(empty)
    db.session.remove()  # what was read before
    found = read_setup(db.session(), trial_key())
    assert (found.next_step, found.done) == (Step.PHOTO, (Step.HOUSE, Step.LISTING))
    place_trial(runtime, *ADA)

    found = read_setup(db.session(), trial_key())

    assert found.next_step is Step.TRIAL
    assert found.trial is not None
    assert (found.trial.is_waiting, found.trial.is_confirmed, found.trial.is_given_back) == (True, False, False)
    assert found.trial.webhook_at is None
