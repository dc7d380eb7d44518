"""Payments, refunds and payouts of the whole house."""

from enum import StrEnum
from typing import TypeVar

from flask import render_template, request
from flask.typing import ResponseReturnValue

from booking.queries.ledger_lists import PaymentFilter, RefundFilter, list_payments, list_refunds
from booking.web.admin.blueprint import blueprint, reader

FilterT = TypeVar("FilterT", bound=StrEnum)


@blueprint.get("/payments")
def payments() -> ResponseReturnValue:
    """What came in, newest first."""
    narrowed = _narrowed(PaymentFilter, PaymentFilter.ALL)
    page = list_payments(reader(), narrowed, request.args.get("page", 1, type=int))
    return render_template("admin/payments.html", page=page, narrowed=narrowed, filters=list(PaymentFilter))


@blueprint.get("/refunds")
def refunds() -> ResponseReturnValue:
    """What goes back: what failed or is not known first."""
    narrowed = _narrowed(RefundFilter, RefundFilter.ALL)
    page = list_refunds(reader(), narrowed, request.args.get("page", 1, type=int))
    return render_template("admin/refunds.html", page=page, narrowed=narrowed, filters=list(RefundFilter))


def _narrowed(kind: type[FilterT], usual: FilterT) -> FilterT:
    chosen = request.args.get("show", "")
    return kind(chosen) if chosen in set(kind) else usual
