"""No sentence about money is false on any page: each says what the ledger says, or that it cannot know."""

import pytest

from booking.language import LANGUAGES, language
from tests.pages.archive import Archive, Kept, Ledger
from tests.pages.catalogue import NAMES, STATES, Stake
from tests.pages.claims import Claim, claims_of, sums_due, wanted
from tests.support.figures import note_figures


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_the_truth_about_money(archive: Archive, name: str, code: str) -> None:
    kept = archive.page(name, code)

    broken = wanted(STATES[name].stake, kept.ledger).broken_by(claims_of(kept))

    note_figures("pages_truth", part=f"{name} {code}".replace("/", " "), pages=1)
    assert broken == [], kept.words
    if STATES[name].stake is Stake.LEDGER and kept.ledger and kept.ledger.paid:
        assert [amount for amount in sums_due(kept.ledger, code) if amount not in kept.words] == [], kept.words


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_answers_as_it_should(archive: Archive, name: str, code: str) -> None:
    """The right status; one h1; private pages are kept by nobody and found by nobody."""
    kept, state = archive.page(name, code), STATES[name]

    assert kept.status == state.status
    assert kept.body.count("<h1") == 1
    assert kept.title.strip(" -–·|")
    if state.is_private:
        assert kept.headers["Cache-Control"] == "no-store"
        assert kept.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in kept.body


def test_every_folder_of_templates_for_guests_is_walked_through(archive: Archive) -> None:
    """A control of the catalogue itself: the six states of the way back and the nine of a booking are all in it."""
    headings = {kept.body.partition("<h1")[2].partition("</h1>")[0] for kept in archive.pages.values()}

    assert len(headings) > 30


LEDGERS = {
    "unpaid": Ledger("eur", 0, 0, 0, is_processing=False, refund_failed=False),
    "paid": Ledger("eur", 42000, 0, 0, is_processing=False, refund_failed=False),
    "refunded": Ledger("eur", 42000, 0, 42000, is_processing=False, refund_failed=False),
}


@pytest.mark.parametrize(
    ("sentence", "ledger"),
    [
        ("Nothing was charged.", "paid"),
        ("Paid €420.00", "unpaid"),
        ("€420.00 is on its way back to you.", "paid"),
        ("All of your €420.00 has been sent back.", "unpaid"),
        ("Your refund is on its way.", "refunded"),
        ("We look forward to seeing you.", "unpaid"),
    ],
)
def test_control_a_false_sentence_would_be_found(sentence: str, ledger: str) -> None:
    assert wanted(Stake.LEDGER, LEDGERS[ledger]).broken_by(claims_of(_page_with(sentence)))


@pytest.mark.parametrize(
    ("sentence", "claim"),
    [
        ("Nothing was charged.", Claim.NOTHING_TAKEN),
        ("Your bank is working on the payment. No money has reached us yet.", Claim.NOT_HERE_YET),
        ("All of your %(amount)s has been sent back; most banks show it within 5 to 10 days.", Claim.SENT_BACK),
    ],
)
def test_control_the_same_is_found_in_german(sentence: str, claim: Claim) -> None:
    told = language("de").gettext(sentence).replace("%(amount)s", "420,00 €")

    assert claims_of(_page_with(told, "de")) == {claim}


def test_control_a_page_that_cannot_know_may_not_say_that_nothing_was_charged() -> None:
    broken = wanted(Stake.UNKNOWN, None).broken_by(claims_of(_page_with("Nothing was charged.")))

    assert broken == [f"does not say: {Claim.IF_PAID}", f"says: {Claim.NOTHING_TAKEN}"]


def _page_with(sentence: str, code: str = "en") -> Kept:
    return Kept("some page", code, body=f"<title>x</title><main><p>{sentence}</p></main>")
