"""The guards that stand between a mishap and money: each named, with how it is taken away and a test that must notice.

`without` holds exact lines of the shop's source and what stands there once the guard is gone. A guard whose lines have
changed is reported as such, so that this list cannot grow stale.
"""

from dataclasses import dataclass

S = "tests/scenarios/"
C = "tests/services/test_changes.py::"
TOO_OLD = "test_conflicts.py::test_scenario_16_a_session_too_old_to_finish_in_is_ended_before_the_next_is_handed_out"
FOUND_BY_LOOKING = (
    "test_confirmation.py::test_stripe_made_the_session_but_goes_on_answering_500_the_session_is_found_by_looking"
)
CLICK_WHILE_HANGING = "test_scenario_28_a_click_while_stripe_hangs_is_told_the_truth_and_makes_one_session"
TWO_PAY = "test_conflicts.py::test_scenario_03_two_pay_for_the_same_nights_one_is_confirmed_and_one_refunded_once"


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard; `test` is the id of a test, as pytest takes it."""

    name: str
    module: str
    without: tuple[str, str]
    test: str


GUARDS = (
    Guard(
        "a night of somebody else is not taken over",
        "booking.services.nights",
        (
            "        where=or_(\n"
            "            old.booking_id == fresh.booking_id, old.closure_id == fresh.closure_id, "
            'old.hold_until <= bindparam("at")\n'
            "        ),\n",
            "",
        ),
        S + TWO_PAY + "[sqlite]",
    ),
    Guard(
        "all nights of a stay or none",
        "booking.services.nights",
        ("hold_until) == stay.nights:", "hold_until) >= 0:"),
        S + TWO_PAY + "[sqlite]",
    ),
    Guard(
        "the nights are looked at again when money comes",
        "booking.services.settlement",
        (
            "        return _refund_dates_gone(case, payment)\n    return _confirm",
            "        unit_id = case.booking.unit_id\n    return _confirm",
        ),
        S + TWO_PAY + "[sqlite]",
    ),
    Guard(
        "a payment counts once",
        "booking.services.settlement",
        (
            "    if _is_recorded(case):\n        return Outcome.ALREADY\n    payment = ",
            "    payment = ",
        ),
        S + "test_webhook_route.py::test_staff_can_replay_an_event_at_any_time_without_a_second_effect",
    ),
    Guard(
        "nights stay empty between two stays, also where money comes late",
        "booking.services.nights",
        ("    return broken_turnover(rules, stay, slept) is None", "    return True"),
        "tests/concurrency/test_turnover.py::"
        "test_nights_whose_hold_is_over_are_not_taken_back_beside_a_new_guest[sqlite]",
    ),
    Guard(
        "a second payment of a confirmed booking goes back",
        "booking.services.settlement",
        (
            "BookingStatus.CONFIRMED:\n        return refund_duplicate(case, payment)",
            "BookingStatus.CONFIRMED:\n        return Outcome.ALREADY",
        ),
        S + "test_conflicts.py::test_a_second_payment_for_one_booking_is_refunded_by_itself[sqlite]",
    ),
    Guard(
        "money for a cancelled booking goes back",
        "booking.services.settlement",
        (
            "BookingStatus.CANCELLED:\n        return refund_late(case, payment)",
            "BookingStatus.CANCELLED:\n        return Outcome.ALREADY",
        ),
        S + "test_conflicts.py::test_scenario_14_staff_cancels_while_the_bank_confirms_and_the_money_goes_back[sqlite]",
    ),
    Guard(
        "a second payment of a difference goes back",
        "booking.services.differences",
        (
            "ChangeStatus.DONE:\n        return refund_duplicate(case, payment)",
            "ChangeStatus.DONE:\n        return Outcome.ALREADY",
        ),
        C + "test_a_second_payment_of_the_difference_goes_back[sqlite]",
    ),
    Guard(
        "a difference for a cancelled booking goes back",
        "booking.services.differences",
        (
            "is not BookingStatus.CONFIRMED:\n        return refund_late(case, payment)",
            "is not BookingStatus.CONFIRMED:\n        return Outcome.ALREADY",
        ),
        C + "test_cancelled_while_the_guest_pays_all_of_it_goes_back[sqlite]",
    ),
    Guard(
        "the amount must be the one that was agreed",
        "booking.services.settlement",
        ("(evidence.amount == agreed,", "(True,"),
        S + "test_conflicts.py::test_wrong_amount_is_never_confirmed_and_keeps_the_nights[sqlite]",
    ),
    Guard(
        "the session must be of the kind that was asked for",
        "booking.services.settlement",
        ("(evidence.mode == mode,", "(True,"),
        S + "test_webhook_route.py::test_wrong_currency_amount_mode_or_booking_is_a_decision_answered_with_success",
    ),
    Guard(
        "nobody pays later who has not agreed that the card is charged",
        "booking.services.reservations",
        ("    if schedule.is_guaranteed:\n", "    if False:\n"),
        S + "test_pay_later.py::test_nobody_pays_later_who_has_not_agreed_that_the_card_is_charged[sqlite]",
    ),
    Guard(
        "a session that the attempt does not know never confirms",
        "booking.services.settlement",
        ("    if _is_of_another_session(case):", "    if False:"),
        S + "test_webhook_route.py::test_money_in_a_session_that_the_attempt_does_not_know_needs_review",
    ),
    Guard(
        "a declined card ends nothing",
        "booking.services.settlement",
        ("EvidenceState.DECLINED: _note_decline,", "EvidenceState.DECLINED: _close_failed,"),
        S + "test_confirmation.py::test_scenario_11_a_decline_alone_changes_nothing_but_a_note[sqlite]",
    ),
    Guard(
        "a delayed payment keeps its nights",
        "booking.services.settlement",
        (
            "    case.attempt.status = AttemptStatus.PROCESSING\n"
            "    if case.booking.status is BookingStatus.PENDING:\n"
            "        _keep_nights(case)\n"
            "        case.booking.hold_until = None\n",
            "    case.attempt.status = AttemptStatus.PROCESSING\n",
        ),
        S + "test_conflicts.py::test_delayed_method_keeps_its_nights_for_days_and_then_confirms[sqlite]",
    ),
    Guard(
        "an event has its effect once",
        "booking.services.webhooks",
        ("    if not is_replay and not _file(delivery):", "    if not is_replay and not _file(delivery) and False:"),
        S
        + "test_confirmation.py::test_scenario_02_the_same_event_ten_times_and_a_second_event_have_one_effect[sqlite]",
    ),
    Guard(
        "events of the other mode change nothing",
        "booking.services.webhooks",
        ("    if event.livemode != identity.livemode:", "    if False:"),
        S + "test_webhook_route.py::test_scenario_22_events_of_others_are_ignored_without_a_trace",
    ),
    Guard(
        "only Stripe's signature opens the door",
        "booking.gateways.stripe_gateway",
        (
            "        except (stripe.SignatureVerificationError, ValueError, TypeError):\n            return False",
            "        except (stripe.SignatureVerificationError, ValueError, TypeError):\n            return True",
        ),
        S + "test_webhook_route.py::test_scenario_20_whatever_is_not_signed_by_stripe_is_400_and_touches_nothing",
    ),
    Guard(
        "an old signature is refused",
        "booking.gateways.stripe_gateway",
        ("SIGNATURE_TOLERANCE = 300", "SIGNATURE_TOLERANCE = 10**9"),
        S + "test_webhook_route.py::test_scenario_20_whatever_is_not_signed_by_stripe_is_400_and_touches_nothing",
    ),
    Guard(
        "the old session is ended before a new one is handed out",
        "booking.services.checkout",
        (
            "        if attempts.end_given_up(runtime, booking_id, Cause(Source.WEB)):\n"
            "            continue  # one of them was paid: look again\n",
            "",
        ),
        S + TOO_OLD + "[sqlite]",
    ),
    Guard(
        "the same question to Stripe has the same key",
        "booking.services.attempts",
        (
            "        return runtime.payments.open_checkout(ticket.params, ticket.idempotency_key)",
            "        return runtime.payments.open_checkout(ticket.params, uuid.uuid4().hex)",
        ),
        S
        + "test_confirmation.py::test_scenario_06_crash_after_stripe_made_the_session_gives_the_same_one_later[sqlite]",
    ),
    Guard(
        "an answer that stays away is looked for in Stripe's list",
        "booking.services.attempts",
        ("        return _search(runtime, ticket)", "        raise"),
        S + FOUND_BY_LOOKING + "[sqlite]",
    ),
    Guard(
        "nights are let go only by Stripe's word",
        "booking.services.checkout",
        ("        if not is_surely_over(booking_id, runtime.clock.now()):\n            raise", "        pass"),
        "tests/services/test_checkout.py::test_an_overdue_hold_is_ended_without_stripe_only_once_it_is_surely_over",
    ),
    Guard(
        "never more is refunded than is left",
        "booking.services.refunds",
        ("    _check_amount(session, booking, payments, amount)\n", ""),
        S + "test_refunds.py::test_scenario_24_never_more_than_is_left[sqlite]",
    ),
    Guard(
        "a refund form sent twice is one refund",
        "booking.services.refunds",
        (
            "            done = _find_by_token(session, form_token)\n",
            "            done, form_token = None, uuid.uuid4().hex\n",
        ),
        S + "test_refunds.py::test_scenario_24_a_double_click_is_one_refund_and_two_equal_forms_are_two[sqlite]",
    ),
    Guard(
        "a refund whose key Stripe may have forgotten is looked for first",
        "booking.services.refunds",
        (
            "        is_old = refund.first_sent_at is not None and refund.first_sent_at < now - KEY_LIFE",
            "        is_old = False",
        ),
        S + "test_refunds.py::test_a_refund_older_than_its_key_is_looked_for_before_it_is_sent_again[sqlite]",
    ),
    Guard(
        "late news never moves a refund back",
        "booking.services.refund_news",
        (
            "    if is_first_word or REFUND_RANK[evidence.status] > REFUND_RANK[refund.status]:",
            "    if is_first_word or REFUND_RANK[evidence.status] != REFUND_RANK[refund.status]:",
        ),
        S + "test_refunds.py::test_late_news_of_a_refund_never_moves_it_backwards[sqlite]",
    ),
    Guard(
        "a disputed payment is not refunded",
        "booking.services.refunds",
        (" if not _is_blocked(session, payment.id)]", "]"),
        S + "test_refunds.py::test_a_dispute_is_recorded_told_and_blocks_refunds_but_moves_nothing[sqlite]",
    ),
    Guard(
        "a refund that was asked for before the dispute waits",
        "booking.services.refunds",
        ("        is_blocked = _is_blocked(session, refund.payment_id)\n", "        is_blocked = False\n"),
        S + "test_disputes.py::test_a_refund_waits_while_the_charge_is_disputed_and_goes_out_when_it_is_won[sqlite]",
    ),
    Guard(
        "an answer to a dispute is a row that is there once",
        "booking.services.evidence",
        (
            "            session.add(_new_submission(dispute_id, texts, staff_email, now))\n",
            "            session.execute(delete(EvidenceSubmission))\n"
            "            session.add(_new_submission(dispute_id, texts, staff_email, now))\n",
        ),
        S + "test_disputes.py::test_the_row_stops_a_second_answer_even_where_nobody_looked_for_it[sqlite]",
    ),
    Guard(
        "an answer whose fate is unknown is looked for before it is sent again",
        "booking.services.evidence",
        ("        if _waits(found):\n", "        if True:\n"),
        S + "test_disputes.py::test_an_answer_that_was_sent_but_whose_key_is_spent_is_found_by_looking[sqlite]",
    ),
    Guard(
        "an answer that a colleague is sending is not taken back",
        "booking.services.evidence",
        ("    if not order.was_sent:\n        gone", "    if False:\n        gone"),
        S + "test_disputes.py::test_a_look_that_sees_a_colleagues_call_does_not_take_the_row_away[sqlite]",
    ),
    Guard(
        "old news of a dispute changes nothing",
        "booking.services.disputes",
        ("    if is_late:\n        return\n", ""),
        S + "test_refunds.py::test_a_dispute_that_is_won_is_no_longer_shown_and_old_news_of_it_changes_nothing[sqlite]",
    ),
    Guard(
        "the table of transitions is kept to",
        "booking.services.timeline",
        ("    check_transition(old, new)\n", ""),
        S + "test_conflicts.py::test_cancelling_twice_with_one_form_refunds_once[sqlite]",
    ),
    Guard(
        "two workers never do one thing at once",
        "booking.services.outbox",
        ("row.run_after, row.tries = now + LEASE, row.tries + 1", "row.tries = row.tries + 1"),
        "tests/services/test_outbox.py::test_two_workers_never_hold_the_same_row[sqlite]",
    ),
    Guard(
        "asking for a mail twice is asking once",
        "booking.services.outbox",
        (
            '"dedupe_key": dedupe_key, "payload"',
            '"dedupe_key": dedupe_key + __import__("secrets").token_hex(4), "payload"',
        ),
        "tests/services/test_outbox.py::test_asking_twice_is_asking_once",
    ),
    Guard(
        "the price that is shown is the price that is held",
        "booking.services.reservations",
        ("        if priced.total != request.shown_total:", "        if False:"),
        S + "test_conflicts.py::test_price_changed_before_the_button_was_pressed_nothing_is_held",
    ),
    Guard(
        "whoever decides on money does so in a transaction",
        "booking.database",
        (
            '    if not session.info.get(_WRITES):\n        raise RuntimeError("this must run inside transaction()")',
            "    return",
        ),
        S + "test_confirmation.py::test_settling_outside_a_transaction_is_refused",
    ),
    Guard(
        "another program's sessions are not ours",
        "booking.services.stripes_lists",
        ("        if evidence.tag.app == walk.identity.instance_id:", "        if True:"),
        "tests/services/test_reconciliation.py::test_sessions_of_other_programs_are_passed_over",
    ),
    Guard(
        "an id that nobody knows asks Stripe nothing",
        "booking.services.checkout",
        (
            "    if attempt is None:\n        return None\n    booking_id, is_settled",
            "    if attempt is None:\n"
            "        runtime.payments.look_up_checkout(session_id)\n"
            "        return None\n"
            "    booking_id, is_settled",
        ),
        S + "test_return_page.py::test_scenario_19_unknown_ids_are_404_and_ask_stripe_nothing",
    ),
    Guard(
        "an event of another API version is believed only as far as its id",
        "booking.gateways.stripe_objects",
        ("    return version is not None and str(version)", "    return False and str(version)"),
        S + "test_versions.py::test_scenario_21_an_event_of_an_older_version_is_believed_only_as_far_as_its_id[sqlite]",
    ),
    Guard(
        "a session that is asked for outlives a slow clock",
        "booking.domain.policy",
        ("max(timedelta(minutes=hold_minutes), LEAST_LIFE_ASKED_FOR)", "timedelta(minutes=hold_minutes)"),
        S + "test_clocks_and_patience.py::test_scenario_27_a_clock_wrong_by_90_seconds_keeps_nobody_from_paying",
    ),
    Guard(
        "a Stripe that hangs is asked one question only",
        "booking.services.attempts",
        ("if error.is_silent or runtime.clock", "if runtime.clock"),
        S + "test_clocks_and_patience.py::" + CLICK_WHILE_HANGING,
    ),
    Guard(
        "a part of the money is one that a bank can send",
        "booking.domain.money",
        ("        whole = 10_000 * step(self.currency)\n", "        whole = 10_000\n"),
        S + "test_currencies.py::test_scenario_18_a_whole_stay_with_its_refund_agrees_to_the_unit",
    ),
    Guard(
        "a refund that no bank can send is refused",
        "booking.services.refunds",
        ("    if not amount.is_movable:", "    if False:"),
        S + "test_currencies.py::test_scenario_18_a_refund_that_no_bank_can_send_is_refused_before_it_is_written",
    ),
    Guard(
        "the fee for not coming takes the place of the balance",
        "booking.services.fees",
        ("    dues.waive(session, booking, balance, cause, now)\n", "    return\n"),
        S + "test_saved_cards.py::test_the_fee_for_not_coming_takes_the_place_of_the_balance[sqlite]",
    ),
)
