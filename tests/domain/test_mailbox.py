"""domain/mailbox.py: which addresses look like a slip of the finger."""

import pytest

from booking.domain.mailbox import suggest_address


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("grace@gmial.com", "grace@gmail.com"),
        ("grace@gmail.con", "grace@gmail.com"),
        ("grace@gmail.co", "grace@gmail.com"),
        ("grace@gamil.com", "grace@gmail.com"),
        ("grace@gmaill.com", "grace@gmail.com"),
        ("grace@hotmial.com", "grace@hotmail.com"),
        ("grace@outlok.com", "grace@outlook.com"),
        ("grace@yaho.com", "grace@yahoo.com"),
        ("grace@gmajl.com", "grace@gmail.com"),
        ("grace@arcr.de", "grace@arcor.de"),
        ("grace@gmx.ne", "grace@gmx.net"),
        ("Grace.Hopper+stay@GMIAL.com", "Grace.Hopper+stay@gmail.com"),
        ("grace@t-onlien.de", "grace@t-online.de"),
        ("grace@wbe.de", "grace@web.de"),
        ("grace@navy.example.con", "grace@navy.example.com"),
        ("grace@harbour.ed", "grace@harbour.de"),
        ('"a@b"@gmial.com', '"a@b"@gmail.com'),
    ],
)
def test_a_slip_of_the_finger_is_seen(typed: str, meant: str) -> None:
    assert suggest_address(typed) == meant


@pytest.mark.parametrize(
    "address",
    [
        "grace@gmail.com", "grace@GMAIL.com", "grace@gmx.net", "grace@gmx.de", "grace@mac.com", "grace@wed.de",
        "grace@example.org", "grace@mail.com", "grace@mx.de", "grace@hotel.co", "grace@uni-bonn.de", "grace@fsf.org",
        "grace@bücher.example", "grace@harbour.ne", "grace@con", "grace@gmaiils.com", "grace@gmalis.com",
        "grace@gmail.c", "grace", "", "@gmial.com", "grace@",
    ],
)  # fmt: skip
def test_an_address_that_may_well_be_right_is_left_alone(address: str) -> None:
    assert suggest_address(address) is None


def test_what_is_suggested_is_never_doubted_again() -> None:
    suggested = suggest_address("grace@gmial.com")

    assert suggested
    assert suggest_address(suggested) is None
