"""How full the house was and what it earned, as tables with drawings, and as files."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from booking.domain.money import Money
from booking.queries.dashboard import get_house_zone
from booking.queries.reports import REVENUE_HEAD, TAX_HEAD, YearReport, read_year
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.sheets import send_sheet
from booking.web.templating import money

_EARLIEST, _LATEST = 2000, 2199
_WIDEST = 240


@dataclass(frozen=True, slots=True)
class Beam:
    """One month in a drawing: how long its beam is, and what stands beside it."""

    label: str
    width: int
    words: str


@blueprint.get("/reports")
def reports() -> ResponseReturnValue:
    """The year that was asked for, or this one."""
    report = read_year(reader(), chosen_year())
    charts = {currency: _charts(report, currency) for currency in report.currencies}
    return render_template("admin/reports.html", report=report, charts=charts)


@blueprint.get("/reports/revenue.csv")
def revenue_sheet() -> Response:
    """Nights and revenue by month and listing."""
    year = chosen_year()
    return send_sheet(f"revenue-{year}", REVENUE_HEAD, lambda session: read_year(session, year).revenue_sheet())


@blueprint.get("/reports/tourist-tax.csv")
def tourist_tax_sheet() -> Response:
    """The tourist tax by month and property."""
    year = chosen_year()
    return send_sheet(f"tourist-tax-{year}", TAX_HEAD, lambda session: read_year(session, year).tax_sheet())


def chosen_year() -> int:
    """Which year was asked for; this one, where none or nonsense was."""
    this_year = now().astimezone(get_house_zone(reader())).year
    year = request.args.get("year", this_year, type=int)
    return year if _EARLIEST <= year <= _LATEST else this_year


def _charts(report: YearReport, currency: str) -> tuple[list[Beam], list[Beam]]:
    months = report.by_month(currency)
    shares = [figures.occupancy for _month, figures in months]
    revenue = [figures.revenue for _month, figures in months]
    full = [(int((share or 0) * 10), f"{share} %" if share is not None else "nothing on sale") for share in shares]
    earned = [(amount, money(Money(amount, currency))) for amount in revenue]
    labels = [f"{month:%b}" for month, _figures in months]
    return beams(labels, full, 1000), beams(labels, earned, max([*revenue, 1]))


def beams(labels: Iterable[str], values: Iterable[tuple[int, str]], longest: int) -> list[Beam]:
    """One for each value, the longest as long as the drawing is wide."""
    return [
        Beam(label, max(0, value) * _WIDEST // longest, words)
        for label, (value, words) in zip(labels, values, strict=True)
    ]
