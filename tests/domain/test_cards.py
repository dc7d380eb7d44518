"""domain/cards.py: numbers of cards in what people write."""

import pytest

from booking.domain.cards import MASK, has_card_number, without_card_numbers


@pytest.mark.parametrize(
    "number",
    [
        "4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "4242.4242.4242.4242", "378282246310005",
        "3782 822463 10005", "371449635398431", "6011111111111117", "5555555555554444", "2223003122003222",
        "4222222222222", "6205500000000000004", "４２４２ ４２４２ ４２４２ ４２４２",
        "4242\u00a04242\u00a04242\u00a04242", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
    ],
)  # fmt: skip
def test_a_card_number_is_taken_out_and_the_rest_is_kept(number: str) -> None:
    text = f"We come late.\nCard: {number}, thanks"

    assert has_card_number(text)
    assert without_card_numbers(text) == f"We come late.\nCard: {MASK}, thanks"
    assert not has_card_number(without_card_numbers(text))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("4242 4242 4242 4242 123", f"{MASK} 123"),
        ("4242 4242 4242 4242 12/27 123", f"{MASK} 12/27 123"),
        ("4242424242424242 and 5555555555554444", f"{MASK} and {MASK}"),
        ("no. 7 4242424242424242", f"no. 7 {MASK}"),
        ("4242 4242 4242 4242 5555 5555 5555 4444", f"{MASK} {MASK}"),
        ("4242 4242 4242 4242 18 and thanks a lot", f"{MASK} and thanks a lot"),  # both 16 and 18 digits would fit
    ],
)
def test_what_stands_beside_the_number_does_not_hide_it(text: str, kept: str) -> None:
    assert without_card_numbers(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "", "no digits", "4242 4242 4242 4241", "424242424242", "42424242424242424242", "+49 171 5550123",
        "We are 2 adults and 2 children (8 and 11).", "Order 1234567890123456", "12 March 2027 to 16 March 2027",
        "0000000000000000", "Flight LH 4242, 16:30",
        "Call 4242 4242 or 4242 4242",
    ],
)  # fmt: skip
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not has_card_number(text)
    assert without_card_numbers(text) == text
