"""The files that go to a bank with the answer to a dispute: which there are, and what stands in each.

Stripe takes PDF, JPEG and PNG as evidence and no plain text: https://docs.stripe.com/file-upload. What is written here
becomes a PDF in gateways/paper_writer.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from booking.domain.dates import spoken_moment
from booking.domain.evidence import (
    MAIL_WORDS,
    STEP_WORDS,
    SentLetter,
    StayCase,
    Texts,
    describe_stay,
    tell_how_shown,
    tell_of,
    tell_of_cancelling,
    tell_of_refunds,
    tell_terms,
)

# Of one file, and of all files of an answer: https://docs.stripe.com/file-upload. Mastercard's rule of 19 pages is the
# strictest, and nobody knows beforehand whose card it was.
LARGEST, LARGEST_TOGETHER, MOST_PAGES_TOGETHER = 5_000_000, 4_500_000, 19


class PaperKind(StrEnum):
    """One file each: those that the shop makes, then those that staff adds."""

    TERMS = "terms"
    VOUCHER = "voucher"
    MAILS = "mails"
    TIMELINE = "timeline"
    SIGNED = "signed"
    INVOICE = "invoice"
    OTHER_CHARGE = "other_charge"


# What only the house has.
ADDED = (PaperKind.SIGNED, PaperKind.INVOICE, PaperKind.OTHER_CHARGE)
MADE = tuple(kind for kind in PaperKind if kind not in ADDED)
# How the files begin that Stripe takes, by the ending of their names: https://docs.stripe.com/file-upload
_BEGINNINGS = {"pdf": b"%PDF-", "jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n"}
MEDIA_TYPES: Mapping[str, str] = {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png"}
_PAGE = re.compile(rb"/Type\s*/Page\b")
# Under which name Stripe takes each: https://docs.stripe.com/api/disputes/evidence_object
FILE_FIELDS: Mapping[PaperKind, str] = {
    PaperKind.TERMS: "refund_policy",
    PaperKind.VOUCHER: "service_documentation",
    PaperKind.MAILS: "customer_communication",
    PaperKind.TIMELINE: "uncategorized_file",
    PaperKind.SIGNED: "customer_signature",
    PaperKind.INVOICE: "receipt",
    PaperKind.OTHER_CHARGE: "duplicate_charge_documentation",
}
# Together they are at most what the strictest bank reads.
MOST_PAGES: Mapping[PaperKind, int] = {
    PaperKind.TERMS: 3,
    PaperKind.VOUCHER: 3,
    PaperKind.MAILS: 9,
    PaperKind.TIMELINE: 4,
}
PAPER_WORDS: Mapping[PaperKind, str] = {
    PaperKind.TERMS: "The terms as the guest read them",
    PaperKind.VOUCHER: "Booking voucher: the stay, its price and its payment",
    PaperKind.MAILS: "The e-mails sent to the guest",
    PaperKind.TIMELINE: "What happened, with times",
    PaperKind.SIGNED: "Something that the guest has signed, such as a registration form",
    PaperKind.INVOICE: "Your own receipt or invoice",
    PaperKind.OTHER_CHARGE: "Proof that this charge and another are for two different things",
}


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines under a heading. An empty line is a gap."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """One file before it is one. `foot` stands below each page."""

    kind: PaperKind
    title: str
    foot: str
    parts: tuple[Part, ...]

    @property
    def most_pages(self) -> int:
        """On how many pages it has to fit."""
        return MOST_PAGES[self.kind]


@dataclass(frozen=True, slots=True)
class WrittenPaper:
    """A paper as a file."""

    content: bytes
    pages: int


def ending_of(content: bytes) -> str | None:
    """How the name of a file ends, by what is in it and not by what it was called; None where Stripe takes no such."""
    return next((ending for ending, start in _BEGINNINGS.items() if content.startswith(start)), None)


def count_pages(content: bytes) -> int:
    """How many pages a file has that somebody else made, as far as it can be seen from outside: one at least."""
    return max(1, len(_PAGE.findall(content))) if ending_of(content) == "pdf" else 1


def draft_papers(case: StayCase) -> tuple[Paper, ...]:
    """Every paper, from what we hold. Every statement in them is true of the rows they were made from."""
    parts = {
        PaperKind.TERMS: _terms(case),
        PaperKind.VOUCHER: _voucher(case),
        PaperKind.MAILS: _mails(case),
        PaperKind.TIMELINE: _timeline(case),
    }
    foot = f"Booking {case.reference}, {case.house}"
    return tuple(Paper(kind, PAPER_WORDS[kind], foot, told) for kind, told in parts.items())


def chosen_papers(texts: Texts) -> dict[PaperKind, int]:
    """Which papers an answer names, by our own number of each."""
    return {kind: int(texts[name]) for kind, name in FILE_FIELDS.items() if texts.get(name)}


def _terms(case: StayCase) -> tuple[Part, ...]:
    return (
        Part("How and when they were shown", (tell_how_shown(case),)),
        Part("The terms", tuple(tell_terms(case).split("\n"))),
    )


def _voucher(case: StayCase) -> tuple[Part, ...]:
    confirmed = f"Confirmed on {case.at(case.confirmed_at)} ({case.zone.key})." if case.confirmed_at else ""
    guest = (case.guest_name, case.guest_email, f"Booking reference {case.reference}.", confirmed)
    return (
        Part("Guest", tuple(line for line in guest if line)),
        Part("Stay, price and payment", tuple(describe_stay(case).split("\n"))),
        Part("Cancelling", (tell_of_cancelling(case),)),
        Part("Refunds", tuple(tell_of_refunds(case).split("\n"))),
    )


def _mails(case: StayCase) -> tuple[Part, ...]:
    told = tuple(tell_of(case, case.mails, MAIL_WORDS)) or ("No e-mail was sent.",)
    listed = Part(f"Sent to {case.guest_email}. Times are those of {case.zone.key}.", told)
    letters = tuple(Part(_letter_head(case, letter), tuple(letter.text.split("\n"))) for letter in case.letters)
    said = (Part("What the guest wrote when booking", tuple(case.message.split("\n"))),) if case.message else ()
    return (listed, *said, *letters)


def _letter_head(case: StayCase, letter: SentLetter) -> str:
    return f"E-mail of {spoken_moment(letter.at, case.zone)}: {letter.subject}"


def _timeline(case: StayCase) -> tuple[Part, ...]:
    told = tuple(tell_of(case, case.steps, STEP_WORDS)) or ("Nothing was recorded.",)
    return (Part(f"Recorded by our system. Times are those of {case.zone.key}.", told),)
