"""What each staff page asks of whoever opens it: one line a route. A route without a line opens to nobody."""

from collections.abc import Mapping

from flask import request
from flask_login import current_user
from werkzeug.exceptions import Forbidden

from booking.domain.roles import Permission, Role, is_allowed

# Where signing in begins and ends: these ask for nothing.
OPEN_TO_ALL = frozenset(
    (
        "auth.login", "auth.sign_in", "auth.ask_code", "auth.check_code", "auth.logout", "auth.welcome",
        "auth.choose_password",
    )
)  # fmt: skip

PERMITS: Mapping[str, Permission] = {
    "auth.account": Permission.OWN_ACCOUNT,
    "auth.change_password": Permission.OWN_ACCOUNT,
    "auth.end_sign_ins": Permission.OWN_ACCOUNT,
    "auth.end_sign_in": Permission.OWN_ACCOUNT,
    "auth.codes": Permission.OWN_ACCOUNT,
    "auth.begin_codes": Permission.OWN_ACCOUNT,
    "auth.confirm_codes": Permission.OWN_ACCOUNT,
    "auth.renew_recovery": Permission.OWN_ACCOUNT,
    "auth.codes_off": Permission.OWN_ACCOUNT,
    "auth.proof": Permission.OWN_ACCOUNT,
    "auth.prove": Permission.OWN_ACCOUNT,
    # --- people ---
    "admin.people": Permission.SEE_PEOPLE,
    "admin.person": Permission.CHANGE_PEOPLE,
    "admin.ask_invite": Permission.CHANGE_PEOPLE,
    "admin.invite": Permission.CHANGE_PEOPLE,
    "admin.invite_again": Permission.CHANGE_PEOPLE,
    "admin.withdraw_invitation": Permission.CHANGE_PEOPLE,
    "admin.change_role": Permission.CHANGE_PEOPLE,
    "admin.switch_off": Permission.CHANGE_PEOPLE,
    "admin.switch_on": Permission.CHANGE_PEOPLE,
    "admin.send_password_link": Permission.CHANGE_PEOPLE,
    "admin.take_codes_away": Permission.CHANGE_PEOPLE,
    "admin.end_their_sign_ins": Permission.CHANGE_PEOPLE,
    "admin.require_codes": Permission.CHANGE_PEOPLE,
    "admin.audit": Permission.SEE_AUDIT,
    "admin.audit_sheet": Permission.EXPORT,
    # --- bookings ---
    "admin.today": Permission.SEE_BOOKINGS,
    "admin.bookings": Permission.SEE_BOOKINGS,
    "admin.bookings_sheet": Permission.EXPORT,
    "admin.keep_filter": Permission.OWN_ACCOUNT,
    "admin.forget_filter": Permission.OWN_ACCOUNT,
    "admin.booking": Permission.SEE_BOOKINGS,
    "admin.ask_phone_booking": Permission.CHANGE_BOOKINGS,
    "admin.check_phone_booking": Permission.CHANGE_BOOKINGS,
    "admin.change_phone_booking": Permission.CHANGE_BOOKINGS,
    "admin.place_phone_booking": Permission.CHANGE_BOOKINGS,
    "admin.ask_note": Permission.CHANGE_BOOKINGS,
    "admin.add_note": Permission.CHANGE_BOOKINGS,
    "admin.ask_link": Permission.CHANGE_BOOKINGS,
    "admin.make_link": Permission.CHANGE_BOOKINGS,
    "admin.ask_more_time": Permission.CHANGE_BOOKINGS,
    "admin.give_more_time": Permission.CHANGE_BOOKINGS,
    "admin.ask_change": Permission.MOVE_MONEY,
    "admin.check_change": Permission.MOVE_MONEY,
    "admin.change": Permission.MOVE_MONEY,
    "admin.withdraw_change": Permission.MOVE_MONEY,
    "admin.ask_move": Permission.CHANGE_BOOKINGS,
    "admin.check_move": Permission.CHANGE_BOOKINGS,
    "admin.move": Permission.CHANGE_BOOKINGS,
    "admin.ask_let_go": Permission.CHANGE_BOOKINGS,
    "admin.let_go": Permission.CHANGE_BOOKINGS,
    "admin.ask_address": Permission.CHANGE_BOOKINGS,
    "admin.correct_address": Permission.CHANGE_BOOKINGS,
    "admin.send_mail_again": Permission.CHANGE_BOOKINGS,
    "admin.mail_receipt": Permission.CHANGE_BOOKINGS,
    # --- calendar ---
    "admin.calendar": Permission.SEE_BOOKINGS,
    "admin.closures": Permission.SEE_BOOKINGS,
    "admin.close_nights": Permission.CHANGE_CALENDAR,
    "admin.reopen_nights": Permission.CHANGE_CALENDAR,
    # --- rates ---
    "admin.rates": Permission.SEE_RATES,
    "admin.listing_rates": Permission.SEE_RATES,
    "admin.property_rates": Permission.SEE_RATES,
    "admin.rate": Permission.CHANGE_RATES,
    "admin.save_rate": Permission.CHANGE_RATES,
    "admin.remove_rate": Permission.CHANGE_RATES,
    "admin.remove_day": Permission.CHANGE_RATES,
    # --- money ---
    "admin.requests": Permission.SEE_BOOKINGS,
    "admin.request": Permission.SEE_BOOKINGS,
    "admin.accept_request": Permission.MOVE_MONEY,
    "admin.decline_request": Permission.MOVE_MONEY,
    "admin.close_review": Permission.MOVE_MONEY,
    "admin.ask_cancel": Permission.MOVE_MONEY,
    "admin.check_cancel": Permission.MOVE_MONEY,
    "admin.cancel": Permission.MOVE_MONEY,
    "admin.ask_no_show": Permission.MOVE_MONEY,
    "admin.check_no_show": Permission.MOVE_MONEY,
    "admin.mark_no_show": Permission.MOVE_MONEY,
    "admin.ask_refund": Permission.MOVE_MONEY,
    "admin.check_refund": Permission.MOVE_MONEY,
    "admin.refund": Permission.MOVE_MONEY,
    "admin.hand_over": Permission.MOVE_MONEY,
    "admin.due": Permission.MOVE_MONEY,
    "admin.take_due": Permission.MOVE_MONEY,
    "admin.waive_due": Permission.MOVE_MONEY,
    "admin.ask_fee": Permission.MOVE_MONEY,
    "admin.check_fee": Permission.MOVE_MONEY,
    "admin.charge": Permission.MOVE_MONEY,
    "admin.try_due": Permission.MOVE_MONEY,
    "admin.stop_due": Permission.MOVE_MONEY,
    "admin.send_due_link": Permission.CHANGE_BOOKINGS,
    "admin.payments": Permission.SEE_MONEY,
    "admin.refunds": Permission.SEE_MONEY,
    "admin.payouts": Permission.SEE_MONEY,
    "admin.payout": Permission.SEE_MONEY,
    "admin.reports": Permission.SEE_MONEY,
    "admin.payment_health": Permission.SEE_MONEY,
    "admin.payment_health_sheet": Permission.EXPORT,
    "admin.payment_money_sheet": Permission.EXPORT,
    "admin.revenue_sheet": Permission.EXPORT,
    "admin.tourist_tax_sheet": Permission.EXPORT,
    "admin.disputes": Permission.SEE_MONEY,
    "admin.dispute": Permission.SEE_MONEY,
    "admin.dispute_paper": Permission.SEE_MONEY,
    "admin.look_at_dispute": Permission.MOVE_MONEY,
    "admin.attach_papers": Permission.MOVE_MONEY,
    "admin.add_evidence_file": Permission.MOVE_MONEY,
    "admin.save_evidence": Permission.MOVE_MONEY,
    "admin.submit_evidence": Permission.MOVE_MONEY,
    # --- the house ---
    "admin.card_rules": Permission.CHANGE_HOUSE,
    "admin.keep_card_rules": Permission.CHANGE_HOUSE,
    "admin.setup": Permission.CHANGE_HOUSE,
    "admin.setup_house": Permission.CHANGE_HOUSE,
    "admin.setup_listing": Permission.CHANGE_HOUSE,
    "admin.make_trial": Permission.CHANGE_HOUSE,
    "admin.house": Permission.SEE_HOUSE,
    "admin.keep_house": Permission.CHANGE_HOUSE,
    "admin.send_test_mail": Permission.CHANGE_HOUSE,
    "admin.listings": Permission.SEE_HOUSE,
    "admin.ask_listing": Permission.CHANGE_HOUSE,
    "admin.make_listing": Permission.CHANGE_HOUSE,
    "admin.listing": Permission.SEE_HOUSE,
    "admin.change_listing": Permission.CHANGE_HOUSE,
    "admin.change_requests": Permission.CHANGE_HOUSE,
    "admin.move_listing": Permission.CHANGE_HOUSE,
    "admin.ask_off_sale": Permission.CHANGE_HOUSE,
    "admin.take_off_sale": Permission.CHANGE_HOUSE,
    "admin.put_on_sale": Permission.CHANGE_HOUSE,
    "admin.add_unit": Permission.CHANGE_HOUSE,
    "admin.unit": Permission.SEE_HOUSE,
    "admin.rename_unit": Permission.CHANGE_HOUSE,
    "admin.move_unit": Permission.CHANGE_HOUSE,
    "admin.use_unit": Permission.CHANGE_HOUSE,
    "admin.rest_unit": Permission.CHANGE_HOUSE,
    "admin.photos": Permission.SEE_HOUSE,
    "admin.add_photos": Permission.CHANGE_HOUSE,
    "admin.describe_photos": Permission.CHANGE_HOUSE,
    "admin.move_photo": Permission.CHANGE_HOUSE,
    "admin.remove_photo": Permission.CHANGE_HOUSE,
    # --- rules and policies ---
    "admin.rules": Permission.SEE_RATES,
    "admin.listing_rules": Permission.SEE_RATES,
    "admin.change_rules": Permission.CHANGE_RATES,
    "admin.new_range": Permission.CHANGE_RATES,
    "admin.add_range": Permission.CHANGE_RATES,
    "admin.stay_range": Permission.SEE_RATES,
    "admin.change_range": Permission.CHANGE_RATES,
    "admin.remove_range": Permission.CHANGE_RATES,
    "admin.club": Permission.SEE_BOOKINGS,
    "admin.switch_club": Permission.CHANGE_RATES,
    "admin.new_club_plan": Permission.CHANGE_RATES,
    "admin.add_club_plan": Permission.CHANGE_RATES,
    "admin.club_plan": Permission.CHANGE_RATES,
    "admin.change_club_plan": Permission.CHANGE_RATES,
    "admin.retire_club_plan": Permission.CHANGE_RATES,
    "admin.payment_plans": Permission.SEE_RATES,
    "admin.property_plan": Permission.SEE_RATES,
    "admin.change_property_plan": Permission.CHANGE_RATES,
    "admin.listing_plan": Permission.SEE_RATES,
    "admin.change_listing_plan": Permission.CHANGE_RATES,
    "admin.policies": Permission.SEE_RATES,
    "admin.choose_policy": Permission.CHANGE_RATES,
    "admin.new_policy": Permission.CHANGE_RATES,
    "admin.add_policy": Permission.CHANGE_RATES,
    "admin.policy": Permission.SEE_RATES,
    "admin.change_policy": Permission.CHANGE_RATES,
    "admin.remove_policy": Permission.CHANGE_RATES,
    # --- system ---
    "admin.job": Permission.SEE_HOUSE,
    "admin.system": Permission.SEE_SYSTEM,
    "admin.reconcile": Permission.SEE_SYSTEM,
    "admin.reconcile_now": Permission.RUN_SYSTEM,
    "admin.replay_stuck": Permission.RUN_SYSTEM,
    "admin.webhooks": Permission.SEE_SYSTEM,
    "admin.webhook": Permission.SEE_SYSTEM,
    "admin.replay_webhook": Permission.RUN_SYSTEM,
    "admin.mails": Permission.SEE_SYSTEM,
    "admin.retry_mail": Permission.RUN_SYSTEM,
}

# What asks again who is there, where they showed it longer than ten minutes ago: what moves money, concerns people and
# what they sign in with, and takes out lists of people. The page before a button stands here with it: who is asked
# there has typed nothing yet.
NEEDS_FRESH = frozenset(
    (
        "auth.begin_codes", "auth.renew_recovery", "auth.codes_off",
        "admin.person", "admin.ask_invite", "admin.invite", "admin.invite_again", "admin.withdraw_invitation",
        "admin.change_role", "admin.switch_off", "admin.switch_on", "admin.send_password_link",
        "admin.take_codes_away", "admin.end_their_sign_ins", "admin.require_codes",
        "admin.audit_sheet", "admin.bookings_sheet", "admin.tourist_tax_sheet",
        "admin.check_cancel", "admin.cancel", "admin.check_no_show", "admin.mark_no_show",
        "admin.check_refund", "admin.refund", "admin.hand_over", "admin.check_change", "admin.change",
        "admin.submit_evidence", "admin.due", "admin.take_due", "admin.waive_due",
    )
)  # fmt: skip


class NotPermitted(Forbidden):
    """Somebody is signed in whose role does not allow this."""


def require_permission() -> None:
    """Raise NotPermitted unless whoever is signed in may open the page that is asked for."""
    if not can_open(request.endpoint or ""):
        raise NotPermitted


def can_open(endpoint: str) -> bool:
    """Whether whoever is signed in may open this page or press this button. Nobody may open one without a line."""
    if endpoint in OPEN_TO_ALL:
        return True
    return endpoint in PERMITS and can(PERMITS[endpoint])


def can(permission: Permission) -> bool:
    """Whether whoever is signed in may do this."""
    return bool(current_user.is_authenticated) and is_allowed(Role(current_user.role), permission)
