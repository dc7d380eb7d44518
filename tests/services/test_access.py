"""Secret links: minted, peeked at, opened, and never told apart when they are no good."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from booking.database import transaction
from booking.domain.errors import TooManyTries
from booking.models import AccessLink, Booking
from booking.models.instance import LinkPurpose
from booking.services import access
from tests.support.shop import GRACE


@pytest.fixture
def placed(small_shop):
    placed = small_shop.place(small_shop.stay())
    with small_shop.app.app_context():
        yield placed


def mint(shop, booking_id, purpose):
    with transaction() as session:
        return access.mint_link(session, session.get_one(Booking, booking_id), purpose, shop.clock.now())


def test_a_booking_link_opens_again_and_again_until_after_the_stay(small_shop, placed):
    token = mint(small_shop, placed.booking_id, LinkPurpose.BOOKING)

    assert access.open_link(small_shop.runtime, token).reference == placed.reference
    assert access.open_link(small_shop.runtime, token).reference == placed.reference
    small_shop.clock.offset += timedelta(days=33 + 32)
    assert access.open_link(small_shop.runtime, token) is None


def test_a_lookup_link_opens_once_and_peeking_does_not_use_it_up(small_shop, placed):
    token = mint(small_shop, placed.booking_id, LinkPurpose.LOOKUP)

    assert access.peek_link(token, small_shop.clock.now())
    assert access.open_link(small_shop.runtime, token).reference == placed.reference
    assert access.open_link(small_shop.runtime, token) is None
    assert not access.peek_link(token, small_shop.clock.now())


def test_a_lookup_link_dies_after_half_an_hour(small_shop, placed):
    token = mint(small_shop, placed.booking_id, LinkPurpose.LOOKUP)

    small_shop.clock.offset += timedelta(minutes=31)

    assert access.open_link(small_shop.runtime, token) is None


@pytest.mark.parametrize("token", ["", "x", "\0", "\ud800", "x" * 100_000])
def test_a_wrong_token_opens_nothing(small_shop, placed, token):
    assert access.open_link(small_shop.runtime, token) is None


def test_only_the_hash_of_a_token_is_stored(small_shop, placed):
    token = mint(small_shop, placed.booking_id, LinkPurpose.BOOKING)

    with transaction() as session:
        link = session.scalars(select(AccessLink)).one()
        assert token not in (link.token_hash, str(link.__dict__))


@pytest.mark.parametrize("typed", ["{0}", " {1} ", "{2}"])
def test_a_link_is_mailed_to_the_address_on_file_however_the_reference_is_typed(small_shop, placed, typed):
    reference = placed.reference
    forms = (reference, f"{reference[:4]}-{reference[4:]}".lower(), reference.replace("0", "o").replace("1", "l"))

    access.request_link(small_shop.runtime, typed.format(*forms), GRACE.email.upper())

    assert small_shop.mails(placed.booking_id) == ["manage_link"]


@pytest.mark.parametrize(("reference", "email"), [("", "linus@example.org"), ("ZZZZZZZZ", "grace@example.org")])
def test_nothing_is_mailed_where_reference_and_address_do_not_match(small_shop, placed, reference, email):
    access.request_link(small_shop.runtime, reference or placed.reference, email)

    assert small_shop.mails(placed.booking_id) == []


def test_asking_too_often_is_refused_whether_or_not_there_is_a_booking(small_shop, placed, monkeypatch):
    monkeypatch.setattr(access, "LOOKUPS_PER_ADDRESS", 0)
    object.__setattr__(small_shop.runtime.settings, "rate_limits", True)

    with pytest.raises(TooManyTries):
        access.request_link(small_shop.runtime, "ZZZZZZZZ", "linus@example.org")
