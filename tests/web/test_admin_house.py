"""web/admin: the house, its listings, units and photos. What is typed is kept, and refusals stand beside the fields."""

import dataclasses
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from urllib3.filepost import encode_multipart_formdata

from booking.domain.roles import Role
from booking.extensions import db
from booking.gateways.pictures import PictureFolder
from booking.models import Job, Listing, OutboxRow, Photo, Property, Unit
from booking.services import delivery, job_work
from booking.services.photos import MOST_PHOTOS
from tests.support.pictures import bomb, draw, with_place
from tests.support.shop import MemoryMailer
from tests.web.admin_changes import PRESS, DeafStripe, _use
from tests.web.admin_house import ADA, House, value_of

GOOD_HOUSE = {
    "name": "Seal Harbour", "tagline": "By the sea", "tagline_de": "Am Meer", "address": "1 Quay",
    "contact_email": "Hello@Example.org ", "contact_phone": "+45 55 50 17 23", "timezone": "Europe/Copenhagen",
    "currency": "eur", "check_in_from": "16:00", "check_out_by": "10:00", "house_rules": "Quiet.\r\nPlease.",
    "house_rules_de": "Ruhe.", "directions": "Left.", "directions_de": "",
}  # fmt: skip
GOOD_LISTING = {"name": "The Loft", "slug": "the-loft", "max_guests": "3", "bedrooms": "1", "amenities": "wifi"}
JPEG = draw((900, 600), exif=with_place())


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A house whose pictures are made, in a folder of its own."""
    house, media = House(tmp_path), tmp_path / "media"
    settings = dataclasses.replace(house.runtime.settings, media_dir=media)
    house.runtime = dataclasses.replace(house.runtime, settings=settings, pictures=PictureFolder(media))
    house.app.extensions["holdfast"] = house.runtime
    return house


@pytest.fixture
def client(house: House) -> FlaskClient:
    return house.ada()


def first(house: House, model: Any) -> Any:
    with house.app.app_context():
        return db.session.query(model).order_by(model.id).first()


def errors_of(page: str) -> list[str]:
    return [unescape(text) for text in re.findall(r"Error: </span>([^<]*)</p>", page)]


def send(client: FlaskClient, *files: tuple[bytes, str]) -> Any:
    return send_to(client, "/admin/listings/1/photos", *files)


def send_to(client: FlaskClient, path: str, *files: tuple[bytes, str]) -> Any:
    body, content_type = encode_multipart_formdata([("files", (name, content)) for content, name in files])
    return client.post(path, data=body, content_type=content_type)


# --- the house ------------------------------------------------------------------------------------------------------


def test_the_house_is_kept_in_both_languages(house: House, client: FlaskClient) -> None:
    assert client.post("/admin/house", data=GOOD_HOUSE).status_code == 303

    place = first(house, Property)
    assert (place.name, place.contact_email, place.timezone) == (
        "Seal Harbour",
        "Hello@example.org",
        "Europe/Copenhagen",
    )
    assert (place.check_in_from, place.check_out_by, place.house_rules) == ("16:00", "10:00", "Quiet.\nPlease.")
    assert place.translations == {"de": {"tagline": "Am Meer", "house_rules": "Ruhe."}}
    assert "By the sea" in client.get("/").text
    assert "Am Meer" in client.get("/de/").text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("timezone", "Mars/Olympus", "This is no time zone."), ("contact_email", "nobody", "no e-mail address"),
        ("name", "  ", "Type the name"), ("check_in_from", "25:00", "like 15:00"), ("currency", "xxx", "Not a valid"),
        ("contact_phone", "<script>", "telephone number"), ("tagline_de", "x" * 201, "at most 200"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field_and_all_that_was_typed_is_kept(
    house: House, client: FlaskClient, field: str, value: str, words: str
) -> None:
    answer = client.post("/admin/house", data={**GOOD_HOUSE, "address": "Kept 7", field: value})

    assert answer.status_code == 422
    assert [words in error for error in errors_of(answer.text)] == [True]
    assert value_of(answer.text, "address") == "Kept 7"
    assert first(house, Property).address != "Kept 7"


def test_the_currency_is_no_field_any_more_once_somebody_has_booked(house: House, client: FlaskClient) -> None:
    assert re.search('<select[^>]* name="currency"', client.get("/admin/house").text)
    house.book()

    page = client.get("/admin/house").text
    assert "<select" not in page
    assert "Bookings were made in it, so it stays." in page
    refused = client.post("/admin/house", data={**GOOD_HOUSE, "currency": "usd"})
    assert refused.status_code == 422
    assert "so the currency stays" in refused.text


def test_hostile_words_are_shown_as_words(client: FlaskClient) -> None:
    hostile = "<script>alert(1)</script> \u202e\x00 =1+1"
    client.post("/admin/house", data={**GOOD_HOUSE, "name": hostile, "house_rules": hostile})

    for path in ("/admin/house", "/", "/stays/harbour-loft"):
        page = client.get(path).text
        assert "<script>alert" not in page
        assert "\u202e" not in page


def test_a_test_mail_is_sent_once_and_the_page_tells_what_became_of_it(house: House, client: FlaskClient) -> None:
    token = value_of(client.get("/admin/house").text, "form_token")
    assert "never asked for" in client.get("/admin/house").text

    for _ in range(2):
        assert client.post("/admin/house/test-mail", data={"form_token": token}).status_code == 303
    assert house.count(OutboxRow) == 1
    assert "The worker is not running, so nothing is sent." in client.get("/admin/house").text

    mailer = MemoryMailer()
    with house.app.app_context():
        delivery.run_due(dataclasses.replace(house.runtime, mailer=mailer))
    assert [letter.subject for letter in mailer.letters] == ["A test mail from your shop"]
    assert "handed over" in client.get("/admin/house").text


def test_a_mail_server_that_refuses_is_told_on_the_page(house: House, client: FlaskClient) -> None:
    token = value_of(client.get("/admin/house").text, "form_token")
    client.post("/admin/house/test-mail", data={"form_token": token})
    with house.app.app_context():
        delivery.run_due(dataclasses.replace(house.runtime, mailer=MemoryMailer(is_down=True)))

    assert "the last try said: mail server down" in client.get("/admin/house").text


def test_no_secret_stands_on_the_page(house: House, client: FlaskClient) -> None:
    page = client.get("/admin/house").text
    settings = house.runtime.settings
    for secret in (settings.stripe_secret_key, settings.secret_key, *settings.stripe_webhook_secrets):
        assert secret not in page


# --- listings -------------------------------------------------------------------------------------------------------


def test_a_listing_is_made_from_four_fields_and_is_on_sale(house: House, client: FlaskClient) -> None:
    form = {"name": "Dune House", "nightly": "188,50", "max_guests": "6", "units": "2"}
    answer = client.post("/admin/listings/new", data=form)

    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "Dune House 1" in page
    assert "Dune House 2" in page
    assert client.get("/stays/dune-house").status_code == 200
    with house.app.app_context():
        assert db.session.query(Listing).filter_by(slug="dune-house").one().nightly_minor == 18850


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("nightly", "much"), ("nightly", "0"), ("nightly", "-5"), ("nightly", "1,200"), ("max_guests", "x"),
     ("units", "0"), ("units", "")],
)  # fmt: skip
def test_a_listing_that_cannot_be_is_refused_in_words(
    house: House, client: FlaskClient, field: str, value: str
) -> None:
    form = {"name": "Dune House", "nightly": "188", "max_guests": "6", "units": "2", field: value}
    answer = client.post("/admin/listings/new", data=form)

    assert answer.status_code == 422
    assert errors_of(answer.text)
    assert house.count(Listing) == 1


def test_describing_a_listing_changes_its_page_and_its_old_address_leads_there(
    house: House, client: FlaskClient
) -> None:
    words = {"summary": "over the yard", "summary_de": "über der Werft", "registration": "SH-1", "area_m2": ""}
    assert client.post("/admin/listings/1", data={**GOOD_LISTING, **words}).status_code == 303

    page = client.get("/stays/the-loft").text
    assert "over the yard" in page
    assert "Wifi" in page
    assert "über der Werft" in client.get("/de/stays/the-loft").text
    moved = client.get("/stays/harbour-loft?arrive=2027-03-12&leave=2027-03-16&guests=2")
    assert (moved.status_code, moved.location) == (301, "/stays/the-loft?arrive=2027-03-12&leave=2027-03-16&guests=2")
    assert client.get("/de/stays/harbour-loft").location == "/de/stays/the-loft"
    assert client.get("/stays/never-was").status_code == 404


@pytest.mark.parametrize(
    ("field", "value"), [("slug", "The Loft"), ("slug", "../x"), ("max_guests", "0"), ("amenities", "gold"),
                         ("description_de", "x" * 4001), ("bedrooms", "-1")],
)  # fmt: skip
def test_a_description_that_cannot_be_is_refused(house: House, client: FlaskClient, field: str, value: str) -> None:
    answer = client.post("/admin/listings/1", data={**GOOD_LISTING, "name": "Kept name", field: value})

    assert answer.status_code == 422
    assert 'class="wrong"' in answer.text
    assert 'value="Kept name"' in answer.text
    assert first(house, Listing).name == "Harbour Loft"


def test_off_sale_says_first_that_bookings_stay(house: House, client: FlaskClient) -> None:
    house.book()
    page = client.get("/admin/listings/1/off-sale").text
    assert "Nothing happens to the 1 booking to come" in page

    client.post("/admin/listings/1/off-sale", data={"x": ""})
    assert client.get("/stays/harbour-loft").status_code == 404
    assert house.read(1).status == "confirmed"
    assert "off sale" in client.get("/admin/listings").text

    client.post("/admin/listings/1/on-sale", data={"x": ""})
    assert client.get("/stays/harbour-loft").status_code == 200


def test_order_is_changed_by_buttons(house: House, client: FlaskClient) -> None:
    client.post("/admin/listings/new", data={"name": "Second", "nightly": "1", "max_guests": "1", "units": "1"})
    client.post("/admin/listings/2/move", data={"to": "up"})

    page = client.get("/admin/listings").text
    assert page.index("Second") < page.index("Harbour Loft")
    assert client.post("/admin/listings/2/move", data={"to": "sideways"}).status_code == 400


# --- units ----------------------------------------------------------------------------------------------------------


def test_units_are_added_renamed_and_taken_out_of_use(house: House, client: FlaskClient) -> None:
    assert client.post("/admin/listings/1/units", data={"name": "Attic"}).status_code == 303
    assert client.post("/admin/listings/1/units", data={"name": "Attic"}).status_code == 422
    with house.app.app_context():
        unit_id = db.session.query(Unit).filter_by(name="Attic").one().id
    assert client.post(f"/admin/units/{unit_id}", data={"name": "Attic room"}).status_code == 303
    assert client.post(f"/admin/units/{unit_id}/move", data={"to": "up"}).status_code == 303
    assert client.post(f"/admin/units/{unit_id}/rest", data={"x": ""}).status_code == 303
    page = client.get(f"/admin/units/{unit_id}").text
    assert "Attic room" in page
    assert "out of use" in page
    assert client.post(f"/admin/units/{unit_id}/use", data={"x": ""}).status_code == 303
    assert client.get("/admin/units/999").status_code == 404


def test_a_unit_with_bookings_to_come_stays_in_use_and_they_are_named(house: House, client: FlaskClient) -> None:
    booking_id = house.book()
    answer = client.post(f"/admin/units/{house.unit_id}/rest", data={"x": ""})

    assert answer.status_code == 409
    assert "somebody has nights in it" in answer.text
    assert f'href="/admin/bookings/{booking_id}"' in answer.text


# --- photos ---------------------------------------------------------------------------------------------------------


def run_worker(house: House) -> None:
    with house.app.app_context():
        job_work.run_due(house.app.extensions["holdfast"])


def test_photos_are_sent_processed_by_the_worker_described_ordered_and_removed(
    house: House, client: FlaskClient
) -> None:
    answer = send(client, (JPEG, "IMG_1.jpg"), (draw((800, 500), "PNG", (9, 9, 200)), "<b>2</b>.png"))
    assert answer.status_code == 303
    waiting = client.get(answer.location)
    assert waiting.headers["Refresh"] == "2"
    assert "<progress" in waiting.text
    assert "Waits its turn." in waiting.text

    run_worker(house)
    done = client.get(answer.location)
    assert "Refresh" not in done.headers
    assert "IMG_1.jpg: kept" in done.text
    assert "<b>2</b>" not in done.text
    words = {"alt_1_en": "A house", "alt_1_de": "Ein Haus", "alt_2_en": "A room", "alt_2_de": ""}
    assert client.post("/admin/listings/1/photos/words", data=words).status_code == 303
    client.post("/admin/photos/2/move", data={"to": "first", **words, "alt_2_de": "Ein Zimmer"})
    with house.app.app_context():
        assert [photo.alt_in("de") for photo in db.session.get_one(Listing, 1).photos] == ["Ein Zimmer", "Ein Haus"]
    client.post("/admin/photos/2/remove", data={"x": ""})
    client.post("/admin/photos/2/remove", data={"x": ""})
    with house.app.app_context():
        assert [photo.alt for photo in db.session.query(Photo)] == ["A house"]


def test_the_place_where_a_photo_was_taken_is_in_none_of_its_files(house: House, client: FlaskClient) -> None:
    assert b"Canary Telephones" in JPEG
    send(client, (JPEG, "IMG_1.jpg"))
    run_worker(house)

    files = [file for file in house.runtime.settings.media_dir.rglob("*") if file.is_file()]
    assert len(files) > 5
    assert all(b"Canary" not in file.read_bytes() for file in files)


HOSTILE = {
    "a page that calls itself a photo": (b"<!doctype html><script>alert(1)</script>", "photo.jpg", "no picture"),
    "a drawing that may hold script": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "photo.svg", "no picture"),
    "half a photo": (JPEG[: len(JPEG) // 2], "half.jpg", "no picture"),
    "a bomb": (bomb(20_000, 20_000), "bomb.png", "40 million pixels"),
    "nothing": (b"", "empty.jpg", "no picture"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_are_refused_in_plain_words(house: House, client: FlaskClient, what: str) -> None:
    content, name, words = HOSTILE[what]
    answer = send(client, (content, name))
    run_worker(house)

    page = client.get(answer.location).text
    assert name in page
    assert words in page
    assert house.count(Photo) == 0
    assert [file for file in house.runtime.settings.media_dir.rglob("*") if file.is_file()] == []


def test_what_hides_behind_a_photo_does_not_live_on(house: House, client: FlaskClient) -> None:
    """A file that is a photo to one program and a page or an archive to another: only the pixels are kept."""
    send(client, (JPEG + b"PK\x03\x04<script>alert(1)</script>", "polyglot.jpg"))
    run_worker(house)

    files = [file for file in house.runtime.settings.media_dir.rglob("*") if file.is_file()]
    assert house.count(Photo) == 1
    assert all(b"<script" not in file.read_bytes() for file in files)


def test_a_file_of_more_than_12_mb_is_refused_before_anybody_opens_it(house: House, client: FlaskClient) -> None:
    answer = send(client, (bytes(12_000_001), "big.jpg"))

    assert answer.status_code == 422
    assert "12 MB at most" in answer.text
    assert house.count(Job) == 0


def test_too_many_files_or_none_are_refused(house: House, client: FlaskClient) -> None:
    assert "Choose one or more photos." in send(client).text
    assert "Choose 8 photos at most" in send(client, *[(b"x", f"{n}.jpg") for n in range(9)]).text


def test_an_album_that_is_full_takes_no_more(house: House, client: FlaskClient) -> None:
    with house.rows() as session:
        for number in range(MOST_PHOTOS):
            session.add(Photo(listing_id=1, digest=f"{number:064}", width=9, height=9, colour="#ffffff"))

    assert "Remove one to make room" in client.get("/admin/listings/1/photos").text
    assert send(client, (JPEG, "one-more.jpg")).status_code == 422


def test_only_staff_may_send_more_than_a_megabyte_and_only_there(house: House, client: FlaskClient) -> None:
    large = bytes(1_500_000)
    assert send(house.stranger(), (large, "big.jpg")).status_code == 302
    assert send(client, (large, "big.jpg")).status_code == 303
    answer = send_to(client, "/admin/house", (large, "big.jpg"))
    assert answer.status_code == 413
    assert "8 may come at a time" in answer.text
    too_much = send(client, *[(bytes(12_000_000), f"{n}.jpg") for n in range(9)])
    assert too_much.status_code == 413


# --- comparing with Stripe, replaying -------------------------------------------------------------------------------


def test_comparing_now_is_work_that_is_watched(house: House, client: FlaskClient) -> None:
    assert "There was none yet." in client.get("/admin/reconcile").text
    answer = client.post("/admin/reconcile", data={"x": ""})
    assert client.post("/admin/reconcile", data={"x": ""}).location == answer.location

    page = client.get(answer.location).text
    assert "Comparing with Stripe" in page
    assert f"Asked for by {ADA}" in page
    assert client.get("/admin/jobs/99").status_code == 404


def test_replaying_all_is_offered_where_something_is_stuck(house: House, client: FlaskClient) -> None:
    assert (
        "No event waits for a person."
        in client.post("/admin/webhook-replays", data={"x": ""}, follow_redirects=True).text
    )
    house.event("evt_stuck", "unmatched")

    assert "Replay all of these" in client.get("/admin/webhooks?outcome=stuck").text
    answer = client.post("/admin/webhook-replays", data={"x": ""})
    assert "/admin/jobs/" in answer.location
    run_worker(house)
    assert "evt_stuck" in client.get(answer.location).text


# --- setting up, and the health of it all ---------------------------------------------------------------------------


def test_an_empty_shop_begins_with_the_wizard_for_those_who_may_set_it_up(house: House) -> None:
    with house.rows() as session:
        for model in (Unit, Listing, Property):
            session.query(model).delete()

    assert house.ada().get("/admin/").location == "/admin/setup"
    assert house.member(Role.DESK).get("/admin/").status_code == 200
    page = house.ada().get("/admin/setup?step=trial").text
    assert "Only the name, an e-mail address, the time zone and the currency are needed now." in page


def test_a_wizard_step_that_cannot_be_is_refused_there(house: House, client: FlaskClient) -> None:
    refused = client.post("/admin/setup/house", data={**GOOD_HOUSE, "timezone": "Nowhere"})
    assert refused.status_code == 422
    assert "This is no time zone." in refused.text
    refused = client.post("/admin/setup/listing", data={"name": "", "nightly": "x", "max_guests": "1", "units": "1"})
    assert refused.status_code == 422


def test_the_step_about_stripe_names_settings_and_shows_no_secret(house: House, client: FlaskClient) -> None:
    page = client.get("/admin/setup?step=stripe").text

    assert "STRIPE_SECRET_KEY" in page
    assert "STRIPE_WEBHOOK_SECRET" in page
    assert f"{house.runtime.settings.base_url}/webhooks/stripe/" in page
    settings = house.runtime.settings
    for secret in (settings.stripe_secret_key, settings.secret_key, *settings.stripe_webhook_secrets):
        assert secret not in page


def test_a_stripe_that_does_not_answer_is_told_in_the_wizard(house: House, client: FlaskClient) -> None:
    _use(house, DeafStripe(house.runtime.payments))

    answer = client.post("/admin/setup/test-booking", data=PRESS, follow_redirects=True)

    assert "Stripe did not open its page." in answer.text
    waiting = client.get("/admin/setup")
    assert waiting.headers["Refresh"] == "3"
    assert "The nights are held until you have paid." in waiting.text


def test_the_page_about_health_tells_what_waits_and_what_is_wrong(house: House, client: FlaskClient) -> None:
    house.errand()
    house.event("evt_stuck", "failed")
    client.post("/admin/reconcile", data=PRESS)

    page = client.get("/admin/system").text

    assert "run `flask db upgrade`" in page  # the tables of this house were made by hand
    assert "Sqlalchemy" in page
    assert "/admin/webhooks?outcome=stuck" in page
    assert "Long work" in page
