"""The other commands: plain lines, honest exit codes, twice is once."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click import BadParameter
from click.testing import Result
from flask import Flask

from booking.cli.output import Span
from booking.config import ROOT, AppEnv
from booking.domain.money import Money
from booking.extensions import db
from booking.gateways.pictures import PictureFolder
from booking.models import Booking, Closure, Listing, Night, Payment, Property, Staff, Unit
from booking.services import heartbeat, photos
from tests.support.pictures import BLUE, RED, draw
from tests.support.shop import Shop

PASSWORD = "lantern-gannet-fathom-2207"


def run(app: Flask, *args: str, **more: str) -> Result:
    return app.test_cli_runner().invoke(args=args, **more)


# --- seed-demo ------------------------------------------------------------------------------------------------------


@pytest.fixture
def seeded(app: Flask, tmp_path: Path) -> Flask:
    result = run(app, "seed-demo", "--password-file", str(tmp_path / "password"))
    assert result.exit_code == 0, result.output
    return app


def test_demo_shop_has_listings_with_pictures_and_closed_nights(seeded: Flask) -> None:
    with seeded.app_context():
        listings = {listing.slug: listing for listing in db.session.query(Listing)}
        assert set(listings) == {"harbour-loft", "dune-house", "pilots-cabin", "ropewalk-room", "boathouse-double"}
        assert len(listings["boathouse-double"].units) == 3
        assert db.session.query(Closure).count() > 5
        assert db.session.query(Property).one().name == "Seal Harbour Stays"
        for listing in listings.values():
            assert len(listing.photos) >= 3, listing.slug


def test_the_commands_of_the_readme_have_a_booking_to_try(seeded: Flask) -> None:
    result = run(seeded, "test-webhook", "--booking-id", "1", "--event-type", "checkout.session.completed")

    assert result.exit_code == 0, result.output
    assert "pending -> confirmed" in result.output


def test_seeding_twice_changes_nothing(seeded: Flask, tmp_path: Path) -> None:
    password = (tmp_path / "password").read_text()

    result = run(seeded, "seed-demo", "--password-file", str(tmp_path / "password"))

    assert (result.exit_code, result.output) == (0, "The demo shop is there already.\n")
    assert (tmp_path / "password").read_text() == password
    with seeded.app_context():
        assert (db.session.query(Unit).count(), db.session.query(Staff).count()) == (7, 1)
        assert db.session.query(Booking).count() == 1


def test_password_of_the_demo_is_for_its_owner_alone(seeded: Flask, tmp_path: Path) -> None:
    assert (tmp_path / "password").stat().st_mode & 0o077 == 0


def test_demo_does_not_go_into_another_shop(small_shop: Shop, tmp_path: Path) -> None:
    with small_shop.app.app_context():
        db.session.query(Property).update({"name": "Somebody Else's"})
        db.session.commit()

    result = run(small_shop.app, "seed-demo", "--password-file", str(tmp_path / "password"))

    assert result.exit_code == 1
    assert "another shop" in result.output


def test_demo_does_not_go_into_production(app: Flask, tmp_path: Path) -> None:
    runtime = app.extensions["holdfast"]
    app.extensions["holdfast"] = replace(runtime, settings=replace(runtime.settings, app_env=AppEnv.PRODUCTION))

    assert run(app, "seed-demo", "--password-file", str(tmp_path / "password")).exit_code == 1


# --- create-staff ---------------------------------------------------------------------------------------------------


def create(app: Flask, *more: str, password: str = PASSWORD) -> Result:
    args = ("create-staff", "--email", "ada@example.org", "--name", "Ada", "--password-stdin", *more)
    return run(app, *args, input=password + "\n")


def test_staff_is_made_once(app: Flask) -> None:
    first, second = create(app), create(app)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "can sign in at http://127.0.0.1:8000/admin/" in first.output
    assert "has an account already" in second.output


def test_password_can_be_reset(app: Flask) -> None:
    create(app)
    with app.app_context():
        before = db.session.query(Staff).one().password_hash

    assert create(app, "--reset", password="halyard-jetty-island-7").exit_code == 0
    with app.app_context():
        assert db.session.query(Staff).one().password_hash != before


def test_password_can_come_from_a_file(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    args = (
        "create-staff",
        "--email",
        "ada@example.org",
        "--name",
        "Ada",
        "--password-file",
        str(tmp_path / "password"),
    )

    assert run(app, *args).exit_code == 0
    assert run(app, *args[:1], "--email", "b@example.org", "--name", "B", *args[5:], "--password-stdin").exit_code == 2


def test_password_can_be_typed(app: Flask) -> None:
    result = run(app, "create-staff", input=f"ada@example.org\nAda\n{PASSWORD}\n{PASSWORD}\n")

    assert result.exit_code == 0, result.output
    assert PASSWORD not in result.output


def test_weak_password_is_refused_in_one_line(app: Flask) -> None:
    result = create(app, password="password1234")

    assert result.exit_code == 1
    assert result.output.count("\n") == 1


def test_no_option_takes_a_password_itself(app: Flask) -> None:
    options = [option for parameter in app.cli.commands["create-staff"].params for option in parameter.opts]

    assert "--password" not in options


# --- explain, reconcile, expire-holds, send-mail --------------------------------------------------------------------


def test_story_names_each_step_and_its_cause_in_order(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay())
    small_shop.pay(booking_id)
    small_shop.work()
    reference = small_shop.booking(booking_id).reference

    by_reference = run(small_shop.app, "explain", f" {reference[:4].lower()}-{reference[4:]} ")
    by_id = run(small_shop.app, "explain", str(booking_id))

    assert by_reference.exit_code == 0, by_reference.output
    assert by_reference.output == by_id.output
    lines = by_reference.output.splitlines()
    assert lines[0].startswith(f"Booking 1 ({reference}): confirmed, paid; ")
    assert [line[:19] for line in lines[1:]] == sorted(line[:19] for line in lines[1:])
    for told in (
        "placed nothing -> pending  <- web",
        "confirmed pending -> confirmed  <- webhook evt_",
        "mail:confirmed:1",
    ):
        assert told in by_reference.output
    assert "EUR" in lines[0]


def test_story_tells_of_refunds_and_disputes_and_says_nothing_of_the_guest(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay())
    small_shop.pay(booking_id)
    for event_type in ("refund.updated", "charge.dispute.created"):
        run(small_shop.app, "test-webhook", "--booking-id", "1", "--event-type", event_type)

    result = run(small_shop.app, "explain", "1", "--json")
    story = json.loads(result.stdout)

    kept_in = {step["kept_in"] for step in story["steps"]}
    assert kept_in >= {"timeline", "attempt", "payment", "refund", "dispute", "inbox", "outbox"}
    assert "grace" not in result.stdout.lower()


@pytest.mark.parametrize("reference", ["99", "NOSUCH00", "", "'; DROP TABLE booking", "9" * 40])
def test_story_of_an_unknown_booking_is_one_line(small_shop: Shop, reference: str) -> None:
    result = run(small_shop.app, "explain", reference)

    assert (result.exit_code, result.output) == (1, "Error: We cannot find that booking.\n")


def test_reconcile_confirms_what_no_webhook_told_of(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay())
    small_shop.stripe.post("delivery", {"mode": "drop"})
    small_shop.pay(booking_id)

    dry = run(small_shop.app, "reconcile", "--dry-run", "--since", "4d")
    assert small_shop.state(booking_id) == ("pending", "unpaid")
    run(small_shop.app, "reconcile")

    assert "nothing was changed" in dry.output
    assert small_shop.state(booking_id) == ("confirmed", "paid")
    assert run(small_shop.app, "reconcile", "--json").stdout.strip() == "[]"


def test_reconcile_without_stripe_fails(app: Flask) -> None:
    result = run(app, "reconcile", "--since", "1d")

    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_verify_names_what_is_broken_and_compares_with_stripe(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay())
    small_shop.pay(booking_id)
    small_shop.work()

    well = run(small_shop.app, "verify", "--stripe")
    small_shop.breaks = ("I1", "I3", "I9", "I27")
    due = small_shop.booking(booking_id).amount_minor
    total, more = (Money(minor, "eur").major for minor in (due, due + 100))
    with small_shop.app.app_context():
        db.session.query(Night).delete()
        db.session.query(Payment).update({"amount_minor": Payment.amount_minor + 100})
        db.session.commit()
    broken = run(small_shop.app, "verify", "--stripe")
    told = json.loads(run(small_shop.app, "verify", "--stripe", "--json").stdout)

    assert (well.exit_code, broken.exit_code) == (0, 1), well.output
    assert "I1   ok      no night is sold twice" in well.output
    assert f"Stripe ok      came {total} EUR here, {total} EUR there" in well.output
    assert "22 promises kept, 0 broken, 5 leave no trace" in well.output
    assert "I1   BROKEN" in broken.output
    assert f"booking {booking_id} is confirmed for 3 nights but holds 0" in broken.output
    assert f"Stripe BROKEN  came {more} EUR here, {total} EUR there" in broken.output
    assert [proof["code"] for proof in told["promises"] if proof["verdict"] == "broken"] == [
        "I1", "I3", "I9", "I27"
    ]  # fmt: skip
    assert told["stripe"]["balances"][0]["captured_there"] == due


def test_verify_without_stripe_says_so(app: Flask) -> None:
    result = run(app, "verify", "--stripe")

    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_holds_expire_once(small_shop: Shop) -> None:
    booking_id = small_shop.book(small_shop.stay())
    small_shop.pass_time(hours=2)

    run(small_shop.app, "expire-holds")

    assert small_shop.state(booking_id) == ("expired", "unpaid")
    assert run(small_shop.app, "expire-holds").output == "No hold has run out.\n"


def test_mail_is_sent_once_and_trouble_is_an_exit_code(small_shop: Shop) -> None:
    small_shop.pay(small_shop.book(small_shop.stay()))
    small_shop.mailer.is_down = True
    down = run(small_shop.app, "send-mail")
    small_shop.mailer.is_down = False
    small_shop.pass_time(hours=2)
    up, again = run(small_shop.app, "send-mail"), run(small_shop.app, "send-mail")

    assert (down.exit_code, up.exit_code, again.exit_code) == (1, 0, 0)
    assert again.output == "Nothing is due.\n"
    assert len(small_shop.mailer.letters) == 2


@pytest.mark.parametrize(
    ("text", "span"), [("90m", timedelta(minutes=90)), ("4d", timedelta(4)), ("2w", timedelta(14))]
)
def test_span_is_read(text: str, span: timedelta) -> None:
    assert Span().convert(text, None, None) == span


@pytest.mark.parametrize("text", ["", "4", "d", "-4d", "4.5d", "4 d", "99999d", "٤d"])
def test_span_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadParameter):
        Span().convert(text, None, None)


# --- doctor ---------------------------------------------------------------------------------------------------------


def test_doctor_names_the_missing_worker(app: Flask) -> None:
    result = run(app, "doctor")

    assert result.exit_code == 1
    assert [line for line in result.output.splitlines() if line.startswith("PROBLEM")] == [
        "PROBLEM  worker: not seen for minutes: is `flask worker` running?"
    ]


def test_doctor_is_content_with_a_shop_that_runs(small_shop: Shop) -> None:
    with small_shop.app.app_context():
        heartbeat.beat(small_shop.runtime)

    result = run(small_shop.app, "doctor", "--online")

    assert result.exit_code == 0, result.output
    assert "clock" in result.output
    assert f"endpoint: {small_shop.url}/webhooks/stripe/, sent all" in result.output
    assert "api version: " in result.output
    secrets = small_shop.runtime.settings
    for secret in (secrets.secret_key, secrets.stripe_secret_key, *secrets.stripe_webhook_secrets):
        assert secret not in result.output


def test_doctor_says_where_stripe_does_not_answer(app: Flask) -> None:
    assert "does not tell the time" in run(app, "doctor", "--online").output


def test_doctor_names_pictures_whose_files_are_lost(small_shop: Shop, tmp_path: Path) -> None:
    runtime, folder = small_shop.runtime, PictureFolder(tmp_path / "media")
    with small_shop.app.app_context():
        heartbeat.beat(runtime)
        shop = replace(runtime, pictures=folder, settings=replace(runtime.settings, media_dir=tmp_path / "media"))
        small_shop.app.extensions["holdfast"] = shop
        for colour in (RED, BLUE):
            photos.add_photo(shop, small_shop.listing_id, draw((400, 300), colour=colour), "A room")
    whole = run(small_shop.app, "doctor")
    shutil.rmtree(next(place for place in (tmp_path / "media").iterdir() if place.is_dir()))

    lost = run(small_shop.app, "doctor")

    assert (whole.exit_code, lost.exit_code) == (0, 1)
    assert "pictures: 2, all in" in whole.output
    assert "PROBLEM  pictures: 1 of 2 have no files in" in lost.output


def test_refused_settings_are_all_named_without_a_traceback(tmp_path: Path) -> None:
    environment = {
        "PATH": "/usr/bin",
        "APP_ENV": "production",
        "APP_BASE_URL": "http://stay.example.org",
        "PYTHONPATH": ".",
    }
    environment |= {"SECRET_KEY": "short", "STRIPE_SECRET_KEY": "sk_test_12345678", "STRIPE_WEBHOOK_SECRET": "none"}
    command = [sys.executable, "-m", "booking.cli.startup"]

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for name in ("SECRET_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "APP_BASE_URL", "TRUSTED_HOSTS"):
        assert f"PROBLEM  {name}: " in done.stderr
