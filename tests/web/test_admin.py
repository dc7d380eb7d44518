"""web/admin: the first page, the list, one booking, closures, the inbox, mail; and who may see them."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from booking.domain.dates import Stay
from booking.extensions import db
from booking.models import Booking, Closure, Job, Night, OutboxRow, PromiseCheck
from booking.models.job import JobKind, JobState
from booking.web.admin.permits import OPEN_TO_ALL
from tests.support.noting import engine_of, noting
from tests.web.admin_house import ADA, FIRST, NOW, House, csrf_of

EMPTY = {"submit": ""}  # a browser's POST always says how long it is
OPEN_TO_STRANGERS = OPEN_TO_ALL
TODAY = date(2027, 3, 1)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def staff_pages(house: House) -> list[tuple[str, str, str]]:
    """Method, endpoint and path of every page below /admin, with values where the path wants some."""
    values: dict[str, object] = {"unit_id": 2, "event_id": "evt_test_0001", "payout_id": "po_test1"}
    values |= {"kind": "season", "day": "2027-03-12"}
    pages = []
    with house.app.test_request_context():
        urls = house.app.create_url_adapter(None) or house.app.url_map.bind("localhost")
        for rule in house.app.url_map.iter_rules():
            if rule.rule.startswith("/admin"):
                path = urls.build(rule.endpoint, {name: values.get(name, 1) for name in rule.arguments})
                methods = (rule.methods or set()) - {"OPTIONS"}
                pages += [(method, rule.endpoint, path) for method in sorted(methods)]
    return pages


def test_no_staff_page_answers_a_stranger(house: House) -> None:
    house.event("evt_test_0001", "failed", house.book())
    house.dispute(1)
    house.errand()
    seen = set()
    for method, endpoint, path in staff_pages(house):
        answer = house.stranger().open(path, method=method, data=EMPTY if method == "POST" else None)
        seen.add(endpoint)
        if endpoint not in OPEN_TO_STRANGERS:
            assert answer.status_code in (302, 401), (method, path)
            assert answer.location.startswith("/admin/login?next="), (method, path)
            assert "Grace" not in answer.text

    assert len(seen) > 15
    assert house.read(1).status == "confirmed"


def test_no_staff_page_takes_a_post_without_the_forms_token(house: House) -> None:
    house.event("evt_test_0001", "failed", house.book())
    client = house.ada()
    house.app.config["WTF_CSRF_ENABLED"] = True

    for method, _endpoint, path in staff_pages(house):
        if method == "POST":
            assert client.post(path, data=EMPTY).status_code == 400, path
    assert house.read(1).status == "confirmed"


def test_every_state_change_is_a_post(house: House) -> None:
    house.event("evt_test_0001", "failed", house.book())
    client = house.ada()
    before = [house.count(model) for model in (Booking, Night, OutboxRow, Closure)]

    for method, endpoint, path in staff_pages(house):
        if method == "GET":
            answer = client.get(path)
            assert answer.headers["Cache-Control"] == "no-store", path
            assert answer.status_code in (200, 303, 404, 422), (endpoint, answer.status_code)

    assert [house.count(model) for model in (Booking, Night, OutboxRow, Closure)] == before


def test_pages_have_one_heading_a_title_and_labelled_tables(house: House) -> None:
    booking_id = house.book()
    house.refund(booking_id, 1000, "failed")
    house.dispute(booking_id)
    house.event("evt_test_0001", "failed", booking_id)
    house.errand(booking_id)
    client = house.ada()

    for method, endpoint, path in staff_pages(house):
        if method == "GET" and endpoint not in OPEN_TO_STRANGERS and not path.endswith(".csv"):
            page = client.get(path).text
            assert page.count("<h1") == 1, path
            assert page.count("<table") == page.count("<caption") == page.count('class="table-region"'), path
            assert not [wrong for wrong in ("<script", "style=", "None") if wrong in page], path
            assert page.count('href="#main"') == page.count('id="main"') == 1, path


# --- the first page -------------------------------------------------------------------------------------------------


def test_empty_house_needs_nobody(house: House) -> None:
    page = house.ada().get("/admin/").text

    assert "Nothing needs you" in page
    assert "Nobody is paying right now." in page


def test_everything_that_waits_for_a_person_is_on_the_first_page(house: House) -> None:
    review = house.book(status="pending", needs_review=True)
    failed = house.book(Stay(date(2027, 4, 1), date(2027, 4, 3)), refund_failed=True)
    disputed = house.book(Stay(date(2027, 5, 1), date(2027, 5, 3)))
    house.dispute(disputed)
    house.event("evt_unmatched", "unmatched")
    house.event("evt_fine", "handled")
    house.errand(failed)

    page = house.ada().get("/admin/").text

    assert "Nothing needs you" not in page
    for booking_id in (review, failed, disputed):
        assert house.read(booking_id).reference in page
    assert '<a href="/admin/disputes/1">Answer by Mon 8 March 2027, 13:00</a>' in page
    assert "1 event from Stripe" in page
    assert "1 mail</a>" in page


def test_each_problem_leads_to_what_settles_it(house: House) -> None:
    failed = house.book(refund_failed=True)
    lines = [{"text": "attempt: paid, but gone", "is_problem": True}, {"text": "fine", "is_problem": False}]
    with house.rows() as session:
        for result in (lines * 3, lines):
            session.add(Job(kind=JobKind.RECONCILE.value, state=JobState.DONE, who=ADA, params={}, result=result))
            session.flush()  # one after the other: the second is the last
        session.add(PromiseCheck(code="I3", broken=2, checked_at=NOW))
        session.add(PromiseCheck(code="I4", broken=0, checked_at=NOW))

    page = house.ada().get("/admin/").text

    assert f'<a href="/admin/bookings/{failed}/refund">Send it again</a>' in page
    assert "1 thing differs from Stripe" in page
    assert '<a href="/admin/reconcile">' in page
    assert "1 check of our own rows" in page


def test_hostile_names_on_the_first_page_are_only_text(house: House) -> None:
    hostile = "<b onclick=alert(1)>=1+1"
    house.book(needs_review=True, refund_failed=True, guest_name=hostile)
    house.book(Stay(date(2027, 2, 27), date(2027, 3, 3)), guest_name=hostile)
    house.book(Stay(date(2027, 5, 1), date(2027, 5, 3)), status="pending", paid=False, guest_name=hostile)

    page = house.ada().get("/admin/").text

    assert page.count("&lt;b onclick=alert(1)&gt;=1+1") == 4
    assert "<b onclick" not in page


def test_who_neither_comes_nor_goes_is_in_house(house: House) -> None:
    house.book(Stay(date(2027, 2, 27), date(2027, 3, 3)), guest_name="Stays Over")
    house.book(Stay(date(2027, 2, 27), date(2027, 3, 1)), unit_id=house.other_unit_id, guest_name="Leaves Today")

    page = house.ada().get("/admin/").text
    in_house = page[page.index('id="in-house"') : page.index("Unpaid holds")]

    assert "Stays Over" in in_house
    assert "until Wednesday 3 March 2027" in in_house
    assert "Leaves Today" not in in_house


def test_arrivals_and_departures_follow_the_propertys_own_day(house: House) -> None:
    house.clock.time = NOW.replace(hour=23, minute=30)  # half past midnight of 2 March in Berlin
    house.book(Stay(date(2027, 3, 1), date(2027, 3, 2)), guest_name="Leaves Today")
    house.book(Stay(date(2027, 3, 2), date(2027, 3, 3)), guest_name="Comes Today")
    house.book(Stay(date(2027, 3, 4), date(2027, 3, 5)), guest_name="Comes Later")

    page = house.ada().get("/admin/").text

    today = page[page.index(">Today<", page.index("<section", page.index("Nothing needs you"))) :]
    today = today[: today.index(">Tomorrow<")]
    assert "Comes Today" in today
    assert "Leaves Today" in today
    assert "Comes Later" not in page


def test_cancelled_guests_do_not_arrive(house: House) -> None:
    house.book(Stay(TODAY, TODAY + timedelta(days=1)), status="cancelled", guest_name="Stays Home")

    assert "Stays Home" not in house.ada().get("/admin/").text


def test_unpaid_holds_are_shown_with_their_end(house: House) -> None:
    house.book(status="pending", paid=False)
    house.book(Stay(date(2027, 4, 1), date(2027, 4, 3)), status="pending", paid=False, hold_until=NOW - timedelta(1))

    page = house.ada().get("/admin/").text

    assert "Mon 1 March 2027, 13:45" in page
    assert page.count('scope="row"') == 1


# --- the list -------------------------------------------------------------------------------------------------------


def found(house: House, **query: str) -> list[int]:
    page = house.ada().get("/admin/bookings", query_string=query).text
    return [number for number in range(1, 60) if f'href="/admin/bookings/{number}"' in page]


def test_search_finds_by_reference_name_mail_and_stripe_id(house: House) -> None:
    grace = house.book()
    linus = house.book(
        Stay(date(2027, 4, 1), date(2027, 4, 3)), guest_name="Linus Ödegård", guest_email="linus@example.net"
    )
    house.refund(grace, 1000)
    with house.rows() as session:
        reference = session.get(Booking, grace).reference
        ids = session.execute(db.text("SELECT session_id, payment_intent_id FROM attempt WHERE booking_id = 1")).one()
        refund_id = session.scalar(db.text("SELECT stripe_refund_id FROM refund"))
        charge_id = session.scalar(db.text("SELECT charge_id FROM payment WHERE booking_id = 1"))

    read_out = f"{reference[:4]}-{reference[4:]}"
    for wanted in (reference, reference.lower(), read_out, f" {reference} ", "hopper", "GRACE@"):
        assert found(house, q=wanted) == [grace], wanted
    for wanted in (*ids, refund_id, charge_id):
        assert found(house, q=wanted) == [grace], wanted
    for wanted in ("ödegård", "ÖDEGÅRD", "example.net"):
        assert found(house, q=wanted) == [linus], wanted


@pytest.mark.parametrize("wanted", ["%", "_", "\\", "' OR 1=1 --", "cs_nothing", "x" * 500, "a\x00b"])
def test_search_takes_signs_as_they_are(house: House, wanted: str) -> None:
    house.book()

    assert found(house, q=wanted) == []


def test_list_is_narrowed_by_status_and_nonsense_shows_all(house: House) -> None:
    confirmed = house.book()
    cancelled = house.book(Stay(date(2027, 4, 1), date(2027, 4, 3)), status="cancelled")
    review = house.book(Stay(date(2027, 5, 1), date(2027, 5, 3)), needs_review=True)

    assert found(house, status="cancelled") == [cancelled]
    assert found(house, status="review") == [review]
    assert found(house, status="confirmed") == [confirmed, review]
    assert found(house, status="nonsense") == [confirmed, cancelled, review]


def test_list_has_pages_of_25_newest_first(house: House) -> None:
    for number in range(27):
        day = date(2027, 4, 1) + timedelta(days=number)
        house.book(Stay(day, day + timedelta(days=1)))

    assert found(house) == list(range(3, 28))
    assert found(house, page="2") == [1, 2]
    assert found(house, page="99") == [1, 2]
    assert found(house, page="-4") == found(house, page="x") == list(range(3, 28))


def test_list_asks_a_fixed_number_of_questions(house: House) -> None:
    client = house.ada()

    def statements(path: str) -> int:
        with noting(engine_of(house.app)) as asked:
            client.get(path)
        return len(asked)

    for number in range(3):
        house.book(Stay(TODAY + timedelta(days=number), TODAY + timedelta(days=number + 1)))
    few = [statements("/admin/bookings"), statements("/admin/")]
    for number in range(3, 15):
        house.book(Stay(TODAY + timedelta(days=number), TODAY + timedelta(days=number + 1)))

    assert [statements("/admin/bookings"), statements("/admin/")] == few
    assert few[0] <= 12
    assert few[1] <= 18  # Today looks everywhere


# --- one booking ----------------------------------------------------------------------------------------------------


def test_booking_page_tells_everything(house: House) -> None:
    booking_id = house.book()
    house.refund(booking_id, 1000)
    house.errand(booking_id)

    page = house.ada().get(f"/admin/bookings/{booking_id}").text

    for text in (
        "Grace Hopper", "grace@example.org", "We arrive late.", "Harbour Loft, Upper deck", "€612.00", "€602.00",
        "pi_test", "cs_test_", "ch_test", "re_test", "evt_test_0001", "webhook", "Mail: confirmed", ADA,
    ):  # fmt: skip
        assert text in page, text


def test_what_a_guest_types_is_shown_as_text(house: House) -> None:
    booking_id = house.book(guest_name="<script>alert(1)</script>", message="<img src=x onerror=alert(1)>")

    page = house.ada().get(f"/admin/bookings/{booking_id}").text

    assert "<script>" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("path", ["", "/cancel", "/cancel/check", "/refund", "/refund/check", "/let-go"])
def test_unknown_booking_is_404_in_the_staff_layout(house: House, path: str) -> None:
    answer = house.ada().get(f"/admin/bookings/999{path}")

    assert answer.status_code == 404
    assert "No such booking" in answer.text
    assert "Sign out" in answer.text


def test_closing_a_review_notes_who_and_what(house: House) -> None:
    booking_id = house.book(needs_review=True)
    client = house.ada()

    answer = client.post(f"/admin/bookings/{booking_id}/review", data={"note": "Paid in dollars, agreed by phone."})
    client.post(f"/admin/bookings/{booking_id}/review", data={"note": "Again."})

    page = client.get(f"/admin/bookings/{booking_id}").text
    assert answer.status_code == 303
    assert not house.read(booking_id).needs_review
    assert "Paid in dollars, agreed by phone." in page
    assert "Again." not in page


def test_a_review_is_not_closed_without_a_word(house: House) -> None:
    booking_id = house.book(needs_review=True)

    answer = house.ada().post(f"/admin/bookings/{booking_id}/review", data={"note": ""})

    assert answer.status_code == 422
    assert "Write what you found." in answer.text
    assert house.read(booking_id).needs_review


# --- closures -------------------------------------------------------------------------------------------------------


def closing(house: House, **changes: str) -> dict[str, str]:
    form = {"unit_id": str(house.unit_id), "arrive": "2027-03-12", "leave": "2027-03-16", "reason": "Painting"}
    return {**form, **changes}


def test_nights_are_closed_listed_and_reopened(house: House) -> None:
    client = house.ada()

    closed = client.post("/admin/closures", data=closing(house))
    page = client.get("/admin/closures").text
    reopened = client.post("/admin/closures/1/reopen", data=EMPTY)

    assert (closed.status_code, reopened.status_code) == (303, 303)
    assert "Painting" in page
    assert "Fri 12 to Tue 16 March 2027" in page
    assert ADA in page
    assert "Everything is on sale." in client.get("/admin/closures").text


def test_reopening_twice_is_no_error(house: House) -> None:
    client = house.ada()
    client.post("/admin/closures", data=closing(house))

    assert [client.post("/admin/closures/1/reopen", data=EMPTY).status_code for _ in range(2)] == [303, 303]


def test_clash_is_told_with_a_link_and_what_was_typed_is_kept(house: House) -> None:
    booking_id = house.book(FIRST)

    answer = house.ada().post("/admin/closures", data=closing(house))

    assert answer.status_code == 422
    assert f'<a href="/admin/bookings/{booking_id}">Booking {house.read(booking_id).reference}' in answer.text
    assert 'value="2027-03-12"' in answer.text
    assert 'value="Painting"' in answer.text
    assert house.count(Closure) == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arrive": ""}, "Choose the first night."),
        ({"leave": "2027-02-30"}, "Not a valid date value."),
        ({"leave": "2027-03-12"}, "Leave must be after arrive."),
        ({"leave": "2029-03-12"}, "at most a year"),
        ({"arrive": "2027-01-01", "leave": "2027-01-05"}, "These nights have passed."),
        ({"unit_id": "999"}, "Not a valid choice"),
        ({"unit_id": "x"}, "could not coerce"),
        ({"reason": "x" * 201}, "longer than 200"),
    ],
)
def test_impossible_closures_are_refused_in_words(house: House, changes: dict[str, str], words: str) -> None:
    answer = house.ada().post("/admin/closures", data=closing(house, **changes))

    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text


# --- the inbox and mail ---------------------------------------------------------------------------------------------


def test_inbox_lists_events_and_is_narrowed(house: House) -> None:
    booking_id = house.book()
    house.event("evt_done", booking_id=booking_id)
    house.event("evt_lost", "unmatched", note="booking not found")
    client = house.ada()

    everything = client.get("/admin/webhooks").text
    stuck = client.get("/admin/webhooks?outcome=stuck").text

    assert "evt_done" in everything
    assert "evt_lost" in everything
    assert house.read(booking_id).reference in everything
    assert "evt_lost" in stuck
    assert "evt_done" not in stuck
    assert "booking not found" in stuck
    assert "evt_done" in client.get("/admin/webhooks?outcome=nonsense&page=x").text


def test_payload_is_shown_without_the_people_in_it(house: House) -> None:
    house.event("evt_done")

    page = house.ada().get("/admin/webhooks/evt_done").text

    assert "amount_total" in page
    assert "61200" in page
    assert "•••" in page
    for personal in ("grace@example.org", "Grace Hopper", "+49 30", "Navy Yard", "22202"):
        assert personal not in page


def test_unknown_event_is_404(house: House) -> None:
    client = house.ada()

    assert client.get("/admin/webhooks/evt_nothing").status_code == 404
    assert client.post("/admin/webhooks/evt_nothing/replay", data=EMPTY).status_code == 404


def test_replaying_walks_the_event_through_the_door_again(house: House) -> None:
    payload = {"id": "evt_other", "object": "event", "type": "customer.created", "livemode": False}
    payload["data"] = {"object": {"id": "cus_1", "object": "customer"}}
    house.event("evt_other", "failed", type="customer.created", payload=payload)

    answer = house.ada().post("/admin/webhooks/evt_other/replay", data=EMPTY)

    assert (answer.status_code, answer.location) == (303, "/admin/webhooks/evt_other")


def test_dead_mail_is_listed_and_tried_again(house: House) -> None:
    row_id = house.errand(house.book())
    client = house.ada()
    page = client.get("/admin/mails").text

    answer = client.post(f"/admin/mails/{row_id}/retry", data=EMPTY)

    assert "recipient refused" in page
    assert answer.status_code == 303
    assert house.count(OutboxRow, state="due") == 1
    assert "Nothing is stuck." in client.get("/admin/mails").text


def test_unknown_errand_is_404(house: House) -> None:
    assert house.ada().post("/admin/mails/999/retry", data=EMPTY).status_code == 404


def test_old_form_is_refused_in_words(house: House) -> None:
    client = house.ada()
    house.app.config["WTF_CSRF_ENABLED"] = True

    answer = client.post("/admin/closures", data=closing(house, csrf_token="made up"))

    assert answer.status_code == 400
    assert "That form has run out" in answer.text
    assert csrf_of(answer.text)
