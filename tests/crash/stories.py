"""What happens to a shop while it is being killed: short stories, each step of which may be told again after a death.

A step told again is what people and machines do: the guest clicks again, Stripe delivers again what was not answered,
the worker starts again. What was answered 2xx is never delivered again, so it must not be lost.
"""

from booking.domain.states import PaymentMethod
from tests.crash.members import (
    DEARER,
    WITH_TRIAL,
    change_plan,
    come_back_to_club,
    end_membership,
    join,
    leave_in_portal,
    open_plan,
    open_portal,
    pay_to_join,
    sign_in,
    sync_catalog,
    warn_of_trials,
)
from tests.crash.teller import (
    Step,
    abandon,
    abort_mail,
    accept,
    accept_in_vain,
    answer_dispute,
    ask_for_balances,
    ask_for_deposits,
    book_by_phone,
    cancel,
    change_stay,
    charge,
    charge_damage,
    charge_until_paid,
    check_out,
    check_out_balance,
    close_and_reopen,
    close_review,
    come_back,
    come_back_to_page,
    decide_dispute,
    decline,
    deliver,
    draft_answer,
    end_holds,
    fault,
    follow_link,
    hand_over,
    keep_cards_from_now_on,
    lapse,
    let_pay_later,
    lose_events,
    miscapture,
    misdate,
    misprice,
    pass_time,
    pay,
    pay_on_page,
    place,
    place_for_later,
    prove,
    purge,
    reconcile,
    refund,
    refund_in_dashboard,
    remind,
    remove_card,
    replay,
    retry_mail,
    settle,
    settle_delayed,
    stop_and_send_link,
    take_balance,
    take_requests,
    try_card_now,
    use_refused_card,
    waive_balance,
    work,
)
from tests.support.club import BROKE_LATER

DECLINED, DISPUTED, REFUND_FAILS = "4000000000000002", "4000000000000259", "4000000000005126"

STORIES: dict[str, tuple[Step, ...]] = {
    "paid after a decline": (
        place("ada"), check_out("ada"), pay("ada", DECLINED), deliver(), pay("ada"), deliver(), settle(),
    ),
    "confirmed by the way back": (place("ada"), check_out("ada"), pay("ada"), come_back("ada"), deliver(), settle()),
    "nobody told": (
        place("ada"), check_out("ada"), pay("ada"), lose_events(),
        place("ben", ahead=50), check_out("ben"), pay("ben", DISPUTED), pass_time(minutes=1), lose_events(),
        reconcile(), refund_in_dashboard("ada"), lose_events(), reconcile(), settle(),
    ),
    "refunds": (
        place("ada"), check_out("ada"), pay("ada"), deliver(), refund("ada", 1234), work(), deliver(),
        refund_in_dashboard("ada"), deliver(), work(), cancel("ada", 4000), work(), deliver(), settle(),
    ),
    "a refund without an answer": (
        place("ada"), check_out("ada"), pay("ada"), deliver(),
        fault("status_500_after_effect", "/v1/refunds", 1), cancel("ada", 5000), work(), settle(),
    ),
    "a refund whose key replays an error": (
        place("ada"), check_out("ada"), pay("ada"), deliver(), fault("status_500", "/v1/refunds", 1, stored=True),
        refund("ada", 5000), work(), settle(),
    ),
    "a refund that Stripe refuses": (
        place("ada"), check_out("ada"), pay("ada"), deliver(), refund_in_dashboard("ada"), cancel("ada", None),
        work(), deliver(), settle(),
    ),
    "a refund while the bank disputes": (
        place("ada"), check_out("ada"), pay("ada", DISPUTED), come_back("ada"), refund("ada", 700),
        pass_time(minutes=1), deliver(), work(), settle(), decide_dispute("ada", "lost"), deliver(), settle(),
    ),
    "a dispute is answered": (
        place("ada"), check_out("ada"), pay("ada", DISPUTED), deliver(), pass_time(minutes=1), deliver(),
        draft_answer("ada"), remind(), answer_dispute("ada"), deliver(), settle(),
    ),
    "a dispute is over before it is answered": (
        place("ada"), check_out("ada"), pay("ada", DISPUTED), deliver(), pass_time(minutes=1), deliver(),
        decide_dispute("ada", "lost"), lose_events(), draft_answer("ada"),
        fault("reset", "/v1/disputes/", 2, method="GET"), answer_dispute("ada"), settle(),
    ),
    "a refund that fails later": (
        place("ada"), check_out("ada"), pay("ada", REFUND_FAILS), deliver(), refund("ada", 900), work(), deliver(),
        pass_time(minutes=10), deliver(), settle(),
    ),
    "two guests, one night": (
        place("ada"), check_out("ada"), pass_time(minutes=50, stripe=False),
        place("ben"), check_out("ben"), pay("ben"), deliver(), pay("ada"), deliver(), work(), deliver(), settle(),
    ),
    "let go": (place("ada"), check_out("ada"), abandon("ada"), deliver(), place("ben"), check_out("ben"), pay("ben"),
               deliver(), settle()),
    "never paid": (place("ada"), check_out("ada"), pass_time(hours=2), end_holds(), deliver(), settle()),
    "paid in the last second": (
        place("ada"), check_out("ada"), pay("ada"), lose_events(), pass_time(hours=2), end_holds(), settle(),
    ),
    "a second session": (
        place("ada"), check_out("ada"), pass_time(minutes=36), check_out("ada"), pay("ada"), deliver(), settle(),
    ),
    "a session without an answer": (
        place("ada"), fault("status_500_after_effect", "/v1/checkout/sessions", 9), check_out("ada", may_fail=True),
        pass_time(minutes=1), fault("", "", 0), check_out("ada"), pay("ada"), deliver(), settle(),
    ),
    "a session that Stripe refuses": (
        place("ada"), misdate("ada"), check_out("ada", may_fail=True), check_out("ada"), pay("ada"), deliver(),
        settle(),
    ),
    "a delayed payment comes": (
        place("ada"), check_out("ada"), pay("ada", method="sepa_debit"), deliver(), work(),
        pass_time(stripe=False, minutes=10), work(),
        settle_delayed("ada", "succeeded"), deliver(), settle(),
    ),
    "a delayed payment fails": (
        place("ada"), check_out("ada"), pay("ada", method="sepa_debit"), deliver(), work(),
        pass_time(stripe=False, minutes=10), work(),
        settle_delayed("ada", "failed"), deliver(), settle(),
    ),
    "mail is down": (
        place("ada"), check_out("ada"), pay("ada"), deliver(), abort_mail(is_final=False), work(),
        abort_mail(is_final=True), pass_time(minutes=10), work(), abort_mail(None), retry_mail(), settle(),
    ),
    "a person decides": (
        place("ada"), check_out("ada"), misprice("ada"), pay("ada"), deliver(), cancel("ada", None), work(), deliver(),
        place("ben", ahead=50), check_out("ben"), pay("ben"), deliver(), close_review("ben"), prove(),
        settle(),
    ),
    "told in the words of another version": (
        place("ada"), check_out("ada"), pay("ada", DISPUTED), deliver(is_old=True), pass_time(minutes=1),
        deliver(is_old=True), settle(),
    ),
    "news that overtakes its payment": (
        place("ada"), check_out("ada"), pay("ada"), refund_in_dashboard("ada"), deliver("refund.created"), deliver(),
        settle(),
    ),
    "the house's own work": (
        close_and_reopen(), place("ada"), check_out("ada"), pay("ada"), deliver(), follow_link("ada"), replay(),
        purge(), settle(),
    ),
    "a change that costs more": (
        place("ada"), check_out("ada"), pay("ada"), deliver(), change_stay("ada", 1), pay("ada"), deliver(), settle(),
    ),
    "a request is accepted": (
        take_requests(), place("ada"), check_out("ada"), pay("ada"), deliver(), settle(), accept("ada"),
        deliver(), settle(),
    ),
    "a request is accepted and Stripe is silent": (
        take_requests(), place("ada"), check_out("ada"), pay("ada"), deliver(), settle(),
        fault("status_500_after_effect", "/v1/payment_intents/", 1, method="POST"), accept("ada"), settle(),
    ),
    "a request is declined": (
        take_requests(), place("ada"), check_out("ada"), pay("ada"), deliver(), settle(),
        fault("status_500", "/v1/payment_intents/", 9, method="POST"), decline("ada"), fault("", "", 0),
        deliver(), settle(),
        place("ben"), check_out("ben"), pay("ben"), deliver(), settle(), abandon("ben"), deliver(), settle(),
    ),
    "a request lapses": (
        take_requests(), place("ada"), check_out("ada"), pay("ada"), lose_events(), reconcile(), settle(),
        pass_time(hours=49), lapse(), deliver(), settle(),
    ),
    "a deposit and its balance": (
        ask_for_deposits(), place("ada", ahead=60), check_out("ada"), pay("ada"), deliver(), ask_for_balances(), work(),
        pass_time(stripe=False, minutes=10), work(),
        check_out_balance("ada"), pay("ada"), deliver(), settle(),
    ),
    "balances that the house takes and gives up": (
        ask_for_deposits(), place("ada", ahead=60), check_out("ada"), pay("ada"), deliver(), check_out_balance("ada"),
        take_balance("ada"), place("ben", ahead=70), check_out("ben"), pay("ben"), deliver(), check_out_balance("ben"),
        waive_balance("ben"), settle(),
    ),
    "a card is kept, charged and forgotten": (
        let_pay_later(), place_for_later("ada"), check_out("ada"), pay("ada"), deliver(), settle(),
        charge("ada"), deliver(), charge_until_paid("ada"), deliver(), settle(), remove_card("ada"), settle(),
    ),
    "a charge without an answer": (
        let_pay_later(), place_for_later("ada"), check_out("ada"), pay("ada"), lose_events(), reconcile(), settle(),
        fault("status_500_after_effect", "/v1/payment_intents", 9, method="POST"), charge("ada"), fault("", "", 0),
        lose_events(), pass_time(stripe=False, minutes=10), reconcile(), charge_until_paid("ada"), lose_events(),
        settle(),
    ),
    "a capture that Stripe refuses": (
        take_requests(), place("ada"), check_out("ada"), pay("ada"), deliver(), settle(), miscapture(99_999_999),
        accept_in_vain("ada"), settle(), miscapture(None), accept("ada"), deliver(), settle(),
    ),
    "damage is charged": (
        keep_cards_from_now_on(), place_for_later("ada"), check_out("ada"), pay("ada"), deliver(), settle(),
        charge_damage("ada", 7000), deliver(), charge_until_paid("ada"), deliver(), settle(),
    ),
    "damage that the card does not pay": (
        keep_cards_from_now_on(), place_for_later("ada"), check_out("ada"), pay("ada"), deliver(), settle(),
        use_refused_card("ada"), charge_damage("ada", 7000), charge_until_paid("ada", may_refuse=True),
        lose_events(), stop_and_send_link("ada"), pay_on_page("ada"), come_back_to_page("ada"), deliver(), settle(),
    ),
    "staff charges while a page is open": (
        let_pay_later(), place_for_later("ada"), check_out("ada"), pay("ada"), deliver(), settle(),
        check_out_balance("ada"), try_card_now("ada"), charge_until_paid("ada"), deliver(), settle(),
    ),
    "a member joins, renews and leaves": (
        open_plan(), sync_catalog(), sign_in(), join(), pay_to_join(), deliver(), come_back_to_club(),
        settle(), pass_time(days=32), deliver(), settle(), open_portal(), leave_in_portal(), deliver(), settle(),
        pass_time(days=32), deliver(), settle(),
    ),
    "a member whose card fails, and nobody told": (
        open_plan(WITH_TRIAL), sync_catalog(), sign_in(), join(), pay_to_join(BROKE_LATER), lose_events(), reconcile(),
        settle(), pass_time(days=12), warn_of_trials(), settle(), pass_time(days=3), lose_events(), reconcile(),
        settle(), end_membership(), lose_events(), reconcile(), settle(),
    ),
    "joining while Stripe is out of order": (
        open_plan(), sync_catalog(), sign_in(),
        fault("status_500", "/v1/customers", 9, stored=True), join(may_fail=True), pass_time(minutes=1),
        fault("", "", 0), join(), pass_time(minutes=36, stripe=True), join(), pay_to_join(), deliver(), settle(),
    ),
    "a catalogue that is changed": (
        open_plan(), fault("status_500_after_effect", "/v1/products", 9), sync_catalog(may_fail=True),
        fault("", "", 0), pass_time(minutes=6), sync_catalog(), change_plan(DEARER),
        fault("status_500", "/v1/prices/", 9, stored=True), sync_catalog(may_fail=True), fault("", "", 0),
        pass_time(minutes=6), sync_catalog(), settle(),
    ),
    "booked by telephone": (
        book_by_phone("ada", PaymentMethod.STRIPE), pay("ada"), deliver(),
        book_by_phone("ben", PaymentMethod.CASH, ahead=60), refund("ben", 1000), hand_over("ben"), settle(),
    ),
}  # fmt: skip
