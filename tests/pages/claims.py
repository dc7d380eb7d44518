"""What sentences of a page claim about money, and what each page must claim, worked out from the ledger.

A claim is found by its English words. What another language says of it is looked up in its catalogue: a sentence there
claims what the English one does. A new way to say something belongs into `WORDS`; what no line of it finds is not said.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from babel.messages.catalog import Message
from babel.messages.mofile import read_mo

from booking.domain.money import Money
from booking.language import DEFAULT, TRANSLATIONS, language
from tests.pages.archive import Kept, Ledger, words_of
from tests.pages.catalogue import Stake


class Claim(StrEnum):
    """Something that a sentence says of the guest's money."""

    NOTHING_TAKEN = "nothing was taken"
    NOT_HERE_YET = "no money has come here, so far"
    ARRIVED = "money came"
    ON_ITS_WAY = "money is going back"
    SENT_BACK = "money went back"
    REFUND_FAILED = "money could not be sent back"
    IF_PAID = "what holds if money was paid, because the page cannot know"


_SUM = r"€ ?[\d.,]+"
WORDS: Mapping[Claim, str] = {
    Claim.NOTHING_TAKEN: r"nothing ((new|more) )?(was|has been|is) (charged|taken)|no money was taken"
    r"|not (been )?charged",
    Claim.NOT_HERE_YET: r"no (money|payment)( for these nights)? has (reached us|arrived)",
    Claim.ARRIVED: rf"\bpaid {_SUM}|payment of {_SUM} (has arrived|is noted|arrived)|your payment of {_SUM} arrived"
    rf"|we have received {_SUM}|paid in full|you paid {_SUM}|(?<!once )your payment (has|had) arrived",
    Claim.ON_ITS_WAY: rf"({_SUM}|refund|money) (is|are) on (its|their) way|refund,? on its way|is being sent back"
    r"|is being refunded|on its way (back|through)|we are handing it to",
    Claim.SENT_BACK: r"(has|have|was|were) (been )?(sent|given) back|handed back to you by"
    r"|\bsent back (on|[−-])|has been refunded|was refunded"
    r"|sent to your bank on",
    Claim.REFUND_FAILED: r"would not take (the refund|it)|refund( of \S+)? (could not|was not|did not|failed)"
    r"|sending it back has not worked",
    Claim.IF_PAID: r"\bif you (did pay|have paid|paid)\b",
}
_UNPAID = frozenset({Claim.NOTHING_TAKEN, Claim.NOT_HERE_YET})
_ABOUT_REFUNDS = frozenset({Claim.ON_ITS_WAY, Claim.SENT_BACK, Claim.REFUND_FAILED})
_CAME_AND_WENT = _ABOUT_REFUNDS | {Claim.ARRIVED}


def claims_of(kept: Kept) -> set[Claim]:
    """What a page claims. A sentence that nobody has translated is found in English."""
    text = f"{kept.title}. {kept.words}"
    found = {claim for claim, words in WORDS.items() if re.search(words, text, re.IGNORECASE)}
    if kept.language == DEFAULT:
        return found
    return found | {claim for claim, said in _sentences(kept.language) if re.search(said, text, re.IGNORECASE)}


@lru_cache
def _sentences(code: str) -> list[tuple[Claim, str]]:
    """The claims of a language's catalogue, with a pattern for each sentence that makes one."""
    with (TRANSLATIONS / code / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        pairs = [pair for message in read_mo(file) for pair in _forms(message)]
    return [
        (claim, _pattern(told))
        for english, told in pairs
        for claim, words in WORDS.items()
        if told and re.search(words, _filled(english), re.IGNORECASE)
    ]


def _forms(message: Message) -> list[tuple[str, str]]:
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    return list(zip(message.id, message.string, strict=False))


def _filled(sentence: str) -> str:
    return words_of(re.sub(r"%?[({]\w+[)}]s?", "€1.00", sentence))


def _pattern(sentence: str) -> str:
    return re.sub(r"%\\?\(\w+\\?\)s|\\?\{\w+\\?\}", ".{1,60}?", re.escape(words_of(sentence)).replace(r"\ ", " "))


@dataclass(frozen=True)
class Wanted:
    """One of each of `must` has to be said, and nothing of `never`."""

    must: tuple[frozenset[Claim], ...]
    never: frozenset[Claim]

    def broken_by(self, claims: set[Claim]) -> list[str]:
        """What is wrong with a page that makes these claims."""
        missing = [f"does not say: {' or '.join(sorted(some))}" for some in self.must if not some & claims]
        return missing + [f"says: {claim}" for claim in sorted(self.never & claims)]


def wanted(stake: Stake, ledger: Ledger | None) -> Wanted:
    """The claims that a page must make, and those that would be false or unproved on it."""
    match stake:
        case Stake.NONE | Stake.NOT_YET:
            return Wanted((), _CAME_AND_WENT | {Claim.NOT_HERE_YET})
        case Stake.UNPAID:
            return Wanted((_UNPAID,), _CAME_AND_WENT)
        case Stake.REFUSED:
            return Wanted((_UNPAID | {Claim.IF_PAID},), _CAME_AND_WENT)
        case Stake.UNKNOWN:
            return Wanted((frozenset({Claim.IF_PAID}),), _CAME_AND_WENT | {Claim.NOTHING_TAKEN})
    assert ledger is not None, "a page about a booking has its ledger"
    by_ledger = _by_ledger(ledger)
    return by_ledger if stake is Stake.LEDGER else Wanted((), by_ledger.never)


def _by_ledger(ledger: Ledger) -> Wanted:
    if not ledger.paid and ledger.is_processing:
        return Wanted((frozenset({Claim.NOT_HERE_YET}),), _CAME_AND_WENT | {Claim.NOTHING_TAKEN})
    if not ledger.paid:
        return Wanted((_UNPAID,), _CAME_AND_WENT)
    truth = {
        Claim.ON_ITS_WAY: ledger.on_the_way > 0,
        Claim.SENT_BACK: ledger.sent_back > 0,
        Claim.REFUND_FAILED: ledger.refund_failed,
    }
    true = tuple(frozenset({claim}) for claim, is_true in truth.items() if is_true)
    return Wanted(true, _UNPAID | {claim for claim, is_true in truth.items() if not is_true})


def sums_due(ledger: Ledger, code: str) -> list[str]:
    """The amounts that a page about money that came must name, as its language writes them."""
    amounts = {ledger.paid, ledger.on_the_way, ledger.sent_back} - {0}
    written = (language(code).money(Money(minor, ledger.currency)) for minor in amounts)
    return sorted(amount.replace("\xa0", " ") for amount in written)
