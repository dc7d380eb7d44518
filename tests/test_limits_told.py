"""docs/security.md tells the limits as they are."""

from datetime import timedelta

from booking.config import ROOT
from booking.services import access, holds, limits, resending
from booking.web.manage import blueprint, links

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
_SPANS = {timedelta(minutes=1): "1 minute", timedelta(hours=1): "1 hour"}


def _rows() -> list[list[str]]:
    table = PAGE.partition("<!-- limits -->")[2].partition("<!-- /limits -->")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]


def _told(limit: limits.Limit) -> str:
    return f"{limit.most} in {_SPANS[limit.per]}"


def test_the_table_of_limits_is_what_the_code_counts() -> None:
    counted = [limits.SEARCHING, limits.ASKING_FOR_NEWS, limits.PLACING, limits.TRYING_CODES]

    assert [row[1:] for row in _rows()] == [
        *[[_told(limit), "network"] for limit in counted],
        [f"{access.LOOKUPS_PER_ADDRESS} in 1 hour", "e-mail address"],
        [f"{links.LOOKUPS_PER_HOUR} in 1 hour", "network"],
        [f"{links.LINKS_PER_HOUR} in 1 hour", "network"],
        [f"{blueprint.CHANGES_PER_HOUR} in 1 hour", "booking"],
        [f"{blueprint.CHANGES_FROM_PER_HOUR} in 1 hour", "network"],
        [f"{resending.RESENDS_PER_HOUR} in 1 hour", "booking"],
        [f"{holds.MOST_BY_BROWSER} at a time", "browser"],
        [f"{holds.MOST_BY_EMAIL} at a time", "e-mail address"],
        [f"{holds.MOST_BY_NETWORK} at a time", "network"],
        ["half of them, rounded up", "e-mail address, network"],
    ]
