"""All disasters, in the order in which they are staged; the families are modules of their own."""

from booking.drill import deaths, money, news, outages, rivals
from booking.drill.disaster import Disaster
from booking.drill.evidence import DrillRefused

LIVE_GUARDS = "guards-of-the-live-database"
DISASTERS: tuple[Disaster, ...] = (
    rivals.night_written_past_the_shop,
    rivals.two_guests_for_one_night,
    rivals.paid_after_the_hold_was_lost,
    rivals.paid_twice_in_two_tabs,
    news.webhook_lost,
    news.webhook_ten_times_at_once,
    news.events_in_the_wrong_order,
    news.redirect_and_webhook_at_the_same_instant,
    news.forged_stale_and_foreign_events,
    news.database_locked_during_a_delivery,
    outages.stripe_answers_500_after_making_the_session,
    outages.stripe_hangs_up_after_taking_the_refund,
    outages.stripe_down_for_an_hour,
    outages.mail_server_down_for_a_day,
    outages.worker_dead_for_a_day,
    deaths.killed_before_the_confirming_commit,
    deaths.killed_after_the_confirming_commit,
    deaths.killed_between_stripes_refund_and_our_row,
    deaths.database_restored_from_an_older_copy,
    money.wrong_amount,
    money.card_declined_then_paid,
    money.delayed_payment_that_fails,
    money.refund_in_stripes_dashboard,
    money.refund_that_fails_after_it_succeeded,
    money.dispute,
)
NAMES = (LIVE_GUARDS, *(one.name for one in DISASTERS))


def refuse_unknown(names: tuple[str, ...]) -> None:
    """Raise DrillRefused for a name that nobody knows, with those that there are."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise DrillRefused(f"there is no disaster {unknown[0]}; there are: {', '.join(NAMES)}")
