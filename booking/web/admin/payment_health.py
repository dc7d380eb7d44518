"""How well paying works: how often it succeeds, why not, how long it takes; as tables with drawings, and as files."""

from collections.abc import Iterable
from decimal import Decimal

from flask import Response, render_template
from flask.typing import ResponseReturnValue

from booking.domain.money import Money
from booking.queries.payment_health import HEALTH_HEAD, MONEY_HEAD, HealthReport, read_health
from booking.web.admin.blueprint import blueprint, reader
from booking.web.admin.reports import Beam, beams, chosen_year
from booking.web.admin.sheets import send_sheet
from booking.web.templating import money


@blueprint.get("/health")
def payment_health() -> ResponseReturnValue:
    """The year that was asked for, or this one."""
    report = read_health(reader(), chosen_year())
    charts = {
        "success": _success(report),
        "secured": _secured(report),
        "back": {currency: _back(report, currency) for currency in report.money},
    }
    return render_template("admin/payment_health.html", report=report, **charts)


@blueprint.get("/health/months.csv")
def payment_health_sheet() -> Response:
    """How attempts ended and how long everything took, month by month."""
    year = chosen_year()
    return send_sheet(f"payments-health-{year}", HEALTH_HEAD, lambda session: read_health(session, year).health_sheet())


@blueprint.get("/health/money.csv")
def payment_money_sheet() -> Response:
    """Payments, refunds and disputes by month and currency."""
    year = chosen_year()
    return send_sheet(f"payments-money-{year}", MONEY_HEAD, lambda session: read_health(session, year).money_sheet())


@blueprint.app_template_filter("duration")
def duration(seconds: int) -> str:
    """Whole seconds as people say them, the longer the rougher."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _success(report: HealthReport) -> list[Beam]:
    return _shares(report, [each.tries.success for each in report.months], "nobody tried")


def _secured(report: HealthReport) -> list[Beam]:
    return _shares(report, [each.secured.share for each in report.months], "no card known")


def _shares(report: HealthReport, shares: Iterable[Decimal | None], none: str) -> list[Beam]:
    """Percent month by month; `none` where there is nothing to have a share in."""
    values = [(int((share or 0) * 10), f"{share} %" if share is not None else none) for share in shares]
    return beams(_labels(report), values, 1000)


def _back(report: HealthReport, currency: str) -> list[Beam]:
    """What went back by refunds and disputes together, month by month."""
    moved = [report.money[currency].get(each.month) for each in report.months]
    amounts = [each.refunded + each.disputed if each else 0 for each in moved]
    return beams(_labels(report), [(each, money(Money(each, currency))) for each in amounts], max([*amounts, 1]))


def _labels(report: HealthReport) -> Iterable[str]:
    return [f"{each.month:%b}" for each in report.months]
