"""The stay page: what it says in each state of a choice, and that its calendar and its box never say what is not so."""

import re
from datetime import date, timedelta
from html import unescape

import pytest

from booking.domain.dates import Stay
from booking.extensions import db
from booking.models import Closure, Listing, Night, Property
from tests.support.shop import ShiftedClock, add_listing

LINK = re.compile(r'<a class="cell"[^>]*data-day="([^"]+)"[^>]*href="([^"]+)"[^>]*>(.*?)</a>', re.S)


@pytest.fixture(autouse=True)
def _house(app):
    add_listing(
        app,
        summary="over the old boatyard",
        beds="one double, two singles",
        amenities=["wifi", "sea_view", "helipad"],
        access_notes="Twenty steps up.",
        registration="DK-4583-17",
        translations={"de": {"summary": "über der alten Werft", "beds": "ein Doppelbett"}},
    )
    add_listing(app, "dune-house", name="Dune House", max_guests=6, min_nights=3, position=1)
    with app.app_context():
        place = db.session.query(Property).one()
        place.house_rules, place.directions = "Quiet from 22:00.", "Left after the ferry."
        db.session.commit()


@pytest.fixture
def stay():
    today = ShiftedClock().today()
    # The first of the month after next, so that both months of the calendar hold what is asked for.
    first = (today.replace(day=1) + timedelta(days=70)).replace(day=1)
    return Stay(first + timedelta(days=9), first + timedelta(days=13))


def close(app, slug, stay):
    with app.app_context():
        listing = db.session.query(Listing).filter_by(slug=slug).one()
        closure = Closure(unit_id=listing.units[0].id, arrive=stay.arrive, leave=stay.leave)
        db.session.add(closure)
        db.session.flush()
        db.session.add_all(Night(unit_id=closure.unit_id, day=night, closure_id=closure.id) for night in stay)
        db.session.commit()


def look(client, slug="harbour-loft", status=200, prefix="", **asked):
    response = client.get(f"{prefix}/stays/{slug}", query_string=asked)
    assert response.status_code == status
    return response.get_data(as_text=True)


def text_of(page):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def part(page, name):
    """What stands in one part of the page that changes with the dates."""
    found = re.search(rf'id="{name}"[^>]* data-live[^>]*>(.*?)(?=data-live|</main>)', page, re.S)
    assert found, name
    return text_of(found[1])


def links(page):
    """Days that are links: what each says, and where it leads."""
    return {
        date.fromisoformat(day): (text_of(words).strip(), unescape(address))
        for day, address, words in LINK.findall(page)
    }


def spoken(day):
    return f"{day:%A} {day.day} {day:%B}"


def test_everything_a_guest_asks_about_stands_there_in_order(client):
    words = text_of(look(client).split("<main")[1])

    asked = [
        "over the old boatyard", "Sleeps 4", "one double, two singles", "from 15:00", "by 11:00", "Pick your nights",
        "From €128.00 a night", "About this stay", "Wifi View of the sea", "House rules Quiet from 22:00.",
        "If you have to cancel", "Where it is 1 Quay, Seal Harbour Left after the ferry.", "Twenty steps up.",
        "Whom to ask", "ada@example.org", "DK-4583-17",
    ]  # fmt: skip
    places = [words.find(sentence) for sentence in asked]
    assert -1 not in places, asked[places.index(-1)]
    assert places == sorted(places)
    assert "helipad" not in words


def test_what_a_host_has_not_told_leaves_no_empty_heading(client):
    words = text_of(look(client, "dune-house"))

    assert not any(heading in words for heading in ("Beds", "What’s here", "Steps and doors", "Registration number"))


def test_the_hosts_words_come_in_the_language_of_the_page(client):
    words = text_of(look(client, prefix="/de"))

    assert "über der alten Werft" in words
    assert "ein Doppelbett" in words


def test_terms_are_counted_in_days_before_arrival_until_there_are_dates(client, stay):
    before = part(look(client), "terms")
    after = part(look(client, arrive=stay.arrive, leave=stay.leave), "terms")

    assert "Free cancellation until 7 days before arrival." in before
    assert "After that 50 percent comes back until 2 days before arrival." in before
    assert "days before arrival" not in after
    assert f"Free cancellation until {stay.arrive - timedelta(days=7):%a} " in after


def test_a_free_day_says_its_price_and_leads_to_the_choice_of_a_departure(client, stay):
    words, address = links(look(client, month=f"{stay.arrive:%Y-%m}"))[stay.arrive]

    assert re.search(rf"{spoken(stay.arrive)}, available, \d+ euros$", words)
    second = client.get(address.split("#")[0]).get_data(as_text=True)
    assert f"You arrive on {stay.arrive:%a} {stay.arrive.day} {stay.arrive:%B}." in part(second, "nights")
    said, last = links(second)[stay.leave]
    assert f"{spoken(stay.leave)}, leave on this day: 4 nights, €" in said
    third = client.get(last.split("#")[0]).get_data(as_text=True)
    assert "4 nights, 2 guests, all in" in part(third, "quote")
    total = re.search(r"4 nights, (€[\d.,]+) all in", said)[1]
    assert part(third, "quote").count(total) >= 2


def test_the_chosen_stay_is_told_night_by_night_and_the_day_to_leave_too(client, stay):
    page = look(client, arrive=stay.arrive, leave=stay.leave)

    days = links(page)
    assert [day for day, (words, _) in days.items() if ", chosen, " in words] == list(stay)
    assert ", the day you leave, " in days[stay.leave][0]
    assert len(re.findall(r'class="is-chosen[^"]* starts', page)) == 1
    assert len(re.findall(r'class="is-chosen[^"]* ends', page)) == 1


def test_taken_nights_are_words_and_no_links_and_a_stay_may_end_before_them(app, client, stay):
    close(app, "harbour-loft", stay)

    page = look(client, month=f"{stay.arrive:%Y-%m}")

    words = text_of(page)
    assert not set(stay) & links(page).keys()
    assert f"{spoken(stay.arrive)}, only to leave, its night not available" in words
    assert f"{spoken(stay.arrive + timedelta(days=1))}, not available" in words
    earlier = look(client, arrive=stay.arrive - timedelta(days=2))
    assert "leave on this day: 2 nights" in links(earlier)[stay.arrive][0]
    assert max(day for day, (said, _) in links(earlier).items() if "leave on" in said) == stay.arrive


def test_a_gap_too_short_for_the_shortest_stay_is_no_day_of_arrival_and_says_so(app, client, stay):
    close(app, "dune-house", stay)

    page = look(client, "dune-house", month=f"{stay.arrive:%Y-%m}")

    before = stay.arrive - timedelta(days=2)
    assert before not in links(page)
    assert before - timedelta(days=1) in links(page)
    assert f"{spoken(before)}, no arrival: fewer than 3 nights free from here" in text_of(page)
    assert "The shortest stay here is 3 nights." in part(page, "nights")
    refused = part(look(client, "dune-house", arrive=before), "quote")
    assert "The shortest stay here is 3 nights, and fewer are free from" in refused
    assert "Now choose the day you leave" not in refused


@pytest.mark.parametrize("slug", ["harbour-loft", "dune-house"])
def test_each_state_of_a_choice_is_told_in_german_too(app, client, stay, slug):
    close(app, slug, stay)
    before = stay.arrive - timedelta(days=2)

    for asked in ({"month": f"{stay.arrive:%Y-%m}"}, {"arrive": before}, {"arrive": before, "leave": stay.leave}):
        page = look(client, slug, prefix="/de", **asked)
        assert ", nicht frei" in page
        if slug == "dune-house" and "leave" not in asked:
            assert "keine Anreise" in page


def test_taken_nights_are_answered_with_stays_that_really_fit(app, client, stay):
    close(app, "harbour-loft", Stay(stay.arrive + timedelta(days=1), stay.leave))

    page = look(client, arrive=stay.arrive, leave=stay.leave)

    box = part(page, "quote")
    assert "Not free on these nights" in box
    assert "Continue" not in box
    offered = re.findall(r'<li><a rel="nofollow" href="([^"]+)#price">', page)
    assert len(offered) == 4
    for address in offered:
        assert "Continue" in part(client.get(unescape(address)).get_data(as_text=True), "quote")
    assert set(stay) & {day for day, (words, _) in links(page).items() if ", chosen, " in words} == {stay.arrive}


def test_a_stay_that_is_too_short_says_the_rule_in_the_box_and_offers_one_that_fits(client, stay):
    page = look(client, "dune-house", 422, arrive=stay.arrive, leave=stay.arrive + timedelta(days=1))

    assert "The shortest stay here is 3 nights." in part(page, "quote")
    assert "3 nights, €" in part(page, "quote")
    assert 'aria-invalid="true" aria-describedby="leave-wrong"' in page


def test_more_guests_than_it_sleeps_are_led_to_a_stay_that_takes_them(client, stay):
    page = look(client, status=422, arrive=stay.arrive, leave=stay.leave, guests=5)

    box = part(page, "quote")
    assert "This stay sleeps 4." in box
    assert "Dune House 4 nights, €" in box
    assert 'value="5"' in page


def test_months_ahead_and_back_keep_the_choice(client, stay):
    page = look(client, arrive=stay.arrive, leave=stay.leave, guests=3)

    turns = [unescape(address) for address in re.findall(r'<a rel="(?:prev|next) nofollow" href="([^"]+)"', page)]
    assert len(turns) == 2
    assert all(f"arrive={stay.arrive}&leave={stay.leave}&guests=3" in address for address in turns)
    assert "3 guests, all in" in part(client.get(turns[1].split("#")[0]).get_data(as_text=True), "quote")


@pytest.mark.parametrize(
    ("fees", "words"),
    [
        ({"cleaning_minor": 4000}, "before tourist tax and cleaning; the total has both."),
        ({}, "before tourist tax; the total has it."),
        ({"cleaning_minor": 4000, "tourist_tax_minor": 0}, "before cleaning; the total has it."),
        ({"tourist_tax_minor": 0}, "with everything in."),
    ],
)
def test_what_a_price_in_the_calendar_leaves_out_is_said_and_nothing_else(app, client, fees, words):
    add_listing(app, "cabin", name="Cabin", position=2, **fees)

    assert words in part(look(client, "cabin"), "nights")


def test_the_way_on_stands_in_the_box_and_in_the_bar_with_the_same_total(client, stay):
    page = look(client, arrive=stay.arrive, leave=stay.leave)

    ways = set(re.findall(r'<a class="button[^"]*" href="([^"]+)">Continue</a>', page))
    assert len(ways) == 1
    total = re.search(r'<p class="figure">([^<]+)</p>', page)[1]
    assert f"<b>{total}</b>" in page


def test_each_part_that_changes_with_the_dates_can_be_found_by_its_name(client, stay):
    for asked in ({}, {"arrive": stay.arrive}, {"arrive": stay.arrive, "leave": stay.leave}):
        page = look(client, **asked)

        names = re.findall(r'id="([\w-]+)"[^>]* data-live', page)
        assert names == [
            "problems",
            "nights",
            "quote",
            "arrive-wrong",
            "leave-wrong",
            "guests-wrong",
            "terms",
            "also",
            "bar",
        ]
        assert re.search(r'data-live data-said="[^"]+"', page)


def test_scripts_are_files_of_our_own_and_stand_in_no_page_as_text(client):
    for path in ("/", "/stays", "/stays/harbour-loft"):
        page = client.get(path).get_data(as_text=True)

        scripts = re.findall(r"<script\b[^>]*>[^<]*</script>", page)
        assert any('type="module" src="/static/js/' in script for script in scripts)
        for script in scripts:
            is_file = re.fullmatch(r'<script type="module" src="/static/js/[\w.?=]+"></script>', script)
            assert is_file or script.startswith('<script type="application/ld+json">')
