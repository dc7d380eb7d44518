"""What a refusal says: to people a sentence, to logs its code, to the page the facts about it."""

import pytest

from booking.domain.errors import BookingError, PriceChanged, RefundRefused
from booking.domain.words import Said, say


@pytest.mark.parametrize(
    ("kind", "said", "told"),
    [
        (BookingError, None, "That could not be done."),
        (RefundRefused, None, "That refund is not possible."),
        (RefundRefused, "Only 12 {euros} are left.", "Only 12 {euros} are left."),
        (RefundRefused, say("Only {left} are left.", left=12), "Only 12 are left."),
    ],
)
def test_a_refusal_says_what_is_wrong_in_its_own_sentence_or_in_the_one_it_was_given(
    kind: type[BookingError], said: Said | str | None, told: str
) -> None:
    error = kind(said)

    assert isinstance(error.said, Said)
    assert error.user_message == told
    assert str(error) == f"{error.code}: {told}"


def test_a_refusal_carries_the_facts_that_a_page_needs() -> None:
    assert PriceChanged(shown=1, total=2).details == {"shown": 1, "total": 2}
