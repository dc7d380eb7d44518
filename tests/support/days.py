"""Days that pass in a shop: the clocks of the house and of Stripe, and what the worker does by its timetable."""

from datetime import date

from booking import jobs
from tests.support.plans import go_to_noon
from tests.support.shop import Shop


def work_by_timetable(shop: Shop) -> None:
    """Let the worker do each thing once that it does by the clock, and send what there is to send."""
    for sweep in jobs.TIMETABLE:
        with shop.app.app_context():
            sweep(shop.runtime)
        shop.stripe.settle_down()
    shop.work()
    shop.stripe.settle_down()


def live_until(shop: Shop, day: date) -> None:
    """Let time pass until noon of a day, where the house is, and let the worker do what that day asks for.

    What waits is done before: a worker never sleeps for days.
    """
    work_by_timetable(shop)
    go_to_noon(shop, day)
    work_by_timetable(shop)


def verify_with_stripe(shop: Shop) -> None:
    """`flask verify --stripe` finds nothing, and nothing is left for the worker."""
    shop.work()
    shop.stripe.settle_down()
    result = shop.app.test_cli_runner().invoke(args=["verify", "--stripe"])
    assert result.exit_code == 0, result.output
