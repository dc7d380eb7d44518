"""The table: I1 to I27, what each promises, and which look shows it. Some no database can show; tests prove those."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from booking.queries.invariants import cards, club, dues, evidence, guards, inbox, log, money, nights, requests, story
from booking.queries.invariants.given import Given

Find = Callable[[Session, Given], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Promise:
    """One invariant. Each of `looks` gives a line for every row that breaks it; none: only tests can show it."""

    code: str
    text: str
    looks: tuple[Find, ...] = ()


PROMISES = (
    Promise(
        "I1",
        "no night is sold twice, and each night belongs to the booking that has it",
        (
            guards.find_missing_night_key,
            nights.find_doubled_nights,
            nights.find_overlaps,
            nights.find_unheld_bookings,
            nights.find_stray_nights,
        ),
    ),
    Promise(
        "I2",
        "a confirmed booking is paid for, or what is left of its price is written down as owed",
        (money.find_unpaid_confirmed, money.find_uneven_plans, money.find_stray_balances),
    ),
    Promise(
        "I3",
        "each amount that came is on a booking that keeps it, on its way back, or with a person",
        (
            money.find_homeless_money,
            money.find_wrong_status,
            dues.find_uncounted_payments,
            dues.find_doubly_paid,
        ),
    ),
    Promise(
        "I4",
        "each cause has its effect once",
        (guards.find_missing_keys, story.find_repeated_confirmations, money.find_repeated_refunds),
    ),
    Promise("I5", "no event that was accepted is lost", (inbox.find_failed_events, inbox.find_dropped_work)),
    Promise("I6", "events in any order and number end alike"),
    Promise(
        "I7", "a booking never goes back: confirmed stays confirmed until it is cancelled", (story.find_steps_back,)
    ),
    Promise("I8", "never more goes back than came", (money.find_over_refunds,)),
    Promise("I9", "what was charged is what was agreed", (money.find_other_amounts, dues.find_misplaced)),
    Promise("I10", "one session of a booking can be paid at a time", (money.find_two_live_attempts,)),
    Promise(
        "I11",
        "nothing is confirmed without Stripe's signature, our own question, or staff who took the money",
        (story.find_unproved,),
    ),
    Promise("I12", "no transaction is open while Stripe is asked"),
    Promise(
        "I13",
        "everything sent to Stripe has a stored key and frozen parameters",
        (
            money.find_unkeyed,
            club.find_unkeyed,
            requests.find_unkeyed_sums,
            cards.find_unkeyed,
            evidence.find_unkeyed,
        ),
    ),
    Promise("I14", "nights are let go only when nobody can pay for them any more", (nights.find_early_releases,)),
    Promise("I15", "test and live, and other shops on the account, never mix", (money.find_foreign_money,)),
    Promise("I16", "declines, disputes and refunds never move a booking", (story.find_moved_by_money,)),
    Promise("I17", "with webhooks off for good the end is the same"),
    Promise("I18", "a webhook is answered within a second"),
    Promise("I19", "no secret is written down", (inbox.find_secrets,)),
    Promise(
        "I20",
        "the timeline tells each booking's status",
        (story.find_untold_status, nights.find_stuck_holds, nights.find_stuck_changes),
    ),
    Promise("I21", "what strangers send never fails and never reaches Stripe"),
    Promise("I22", "the audit log is as it was written: no line changed, put in or gone", (log.find_broken_log,)),
    Promise(
        "I23",
        "the members' rate has a membership behind it, and nobody pays for two",
        (
            club.find_unfounded_rates,
            club.find_double_members,
            club.find_forgotten_members,
            club.find_unfounded_members,
            club.find_lost_joinings,
        ),
    ),
    Promise(
        "I24",
        "a request that waits has one sum reserved for it, and ends in time",
        (
            requests.find_requests_without_sum,
            requests.find_sums_without_request,
            requests.find_stuck_requests,
        ),
    ),
    Promise(
        "I25",
        "a saved card pays for its own booking alone, within what its guest agreed to, and is forgotten when asked",
        (
            cards.find_foreign_cards,
            cards.find_unagreed,
            cards.find_unguaranteed,
            cards.find_too_much,
            cards.find_unforgotten,
        ),
    ),
    Promise(
        "I26",
        "the answer to a dispute is what staff saved, with files that are as they were made",
        (
            evidence.find_altered_files,
            evidence.find_strange_files,
            evidence.find_other_answers,
            evidence.find_unsent,
        ),
    ),
    Promise("I27", "searches are told which nights are taken as the nights say", (nights.find_wrong_occupancy,)),
)
