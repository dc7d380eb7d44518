"""What Stripe sent to the bank, against our own ledger."""

import re

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from booking.gateways.payments import GatewayRefused, PaymentGatewayError
from booking.queries.dashboard import get_house_zone
from booking.services import payouts as bank
from booking.web.admin.blueprint import blueprint, reader
from booking.wiring import current_runtime

_NO_ANSWER = (
    "Payouts are read from Stripe each time, and it did not answer, or does not let this key see them. "
    "Nothing is wrong here: try again in a minute."
)
_PAYOUT_ID = re.compile(r"po_\w{1,100}", re.ASCII)


@blueprint.get("/payouts")
def payouts() -> ResponseReturnValue:
    """Stripe's list of them, as it is now."""
    before = request.args.get("before", "")
    try:
        found = bank.list_payouts(current_runtime(), before if _PAYOUT_ID.fullmatch(before) else None)
    except PaymentGatewayError:
        return _no_answer()
    shown, has_more = found[: bank.PAYOUTS_SHOWN], len(found) > bank.PAYOUTS_SHOWN
    return render_template("admin/payouts.html", payouts=shown, has_more=has_more, before=before)


@blueprint.get("/payouts/<payout_id>")
def payout(payout_id: str) -> ResponseReturnValue:
    """One of them, entry by entry."""
    if not _PAYOUT_ID.fullmatch(payout_id):
        abort(404)
    try:
        compared = bank.compare_with_ledger(current_runtime(), payout_id)
    except GatewayRefused as error:
        return abort(404) if error.reason == "resource_missing" else _no_answer()
    except PaymentGatewayError:
        return _no_answer()
    page = {"compared": compared, "payout": compared.payout, "zone": get_house_zone(reader())}
    return render_template("admin/payout.html", **page)


def _no_answer() -> ResponseReturnValue:
    title = "Stripe does not tell of payouts now"
    return render_template("admin/error.html", title=title, text=_NO_ANSWER), 503
