"""Text that people typed, made fit for headers and letters."""

from booking.gateways.plain_text import one_line, some_lines


def test_header_text_keeps_words_of_every_script() -> None:
    assert one_line(" Grüße\taus  東京\r\n👩‍🚀 ") == "Grüße aus 東京 👩‍🚀"


def test_what_turns_the_text_around_is_left_out_and_names_are_not() -> None:
    assert one_line("\u202egnp\u202c \u2067\u05d2\u05e8\u2069\u200f") == "gnp \u05d2\u05e8\u200f"


def test_lines_stay_lines_and_nothing_else_does() -> None:
    assert some_lines("One.\r\nTwo\x0bthree\u2028four\x00\n\n") == "One.\nTwo\nthree\nfour"
