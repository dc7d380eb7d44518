"""The outbox: asked once, leased to one worker, tried again, never lost."""

from datetime import timedelta

import pytest

from booking.database import transaction
from booking.domain.money import Money
from booking.extensions import db
from booking.models import OutboxRow
from booking.models.outbox import OutboxKind, OutboxState
from booking.services import delivery, outbox, refunds
from tests.support.shop import Shop, patched


def _ask(shop: Shop, key: str = "mail:test", **payload) -> None:
    with shop.app.app_context(), transaction() as session:
        wish = {"mail": "unmatched", "booking_id": None, "note": "x", "facts": {}, **payload}
        outbox.enqueue(session, OutboxKind.MAIL, key, wish, shop.clock.now())


def _row(shop: Shop) -> OutboxRow:
    return shop._read(db.select(OutboxRow))[0]


def test_asking_twice_is_asking_once(shop: Shop) -> None:
    _ask(shop)
    _ask(shop)

    assert shop.count(OutboxRow) == 1


def test_a_wish_without_a_transaction_is_refused(small_shop: Shop) -> None:
    with small_shop.app.app_context(), pytest.raises(RuntimeError, match="inside transaction"):
        outbox.enqueue(db.session(), OutboxKind.MAIL, "k", {}, small_shop.clock.now())


def test_a_wish_is_rolled_back_with_its_cause(small_shop: Shop) -> None:
    with small_shop.app.app_context(), pytest.raises(ZeroDivisionError), transaction() as session:
        outbox.enqueue(session, OutboxKind.MAIL, "k", {}, small_shop.clock.now())
        raise ZeroDivisionError

    assert small_shop.count(OutboxRow) == 0


def test_two_workers_never_hold_the_same_row(shop: Shop) -> None:
    _ask(shop)

    with shop.app.app_context():
        first, second = outbox.lease_next(shop.runtime), outbox.lease_next(shop.runtime)

    assert first is not None
    assert second is None


def test_a_worker_that_died_gives_its_row_back_after_the_lease(shop: Shop) -> None:
    _ask(shop)
    with shop.app.app_context():
        outbox.lease_next(shop.runtime)
    shop.clock.offset += outbox.LEASE + timedelta(seconds=1)

    assert len(shop.work()) == 1
    assert len(shop.mailer.letters) == 1
    assert _row(shop).tries == 2


def test_a_failed_mail_waits_longer_each_time_and_is_given_up_in_the_end(small_shop: Shop) -> None:
    small_shop.breaks = ("I5",)
    _ask(small_shop)
    small_shop.mailer.is_down = True
    waits = []
    for _ in range(delivery.MOST_TRIES):
        before = small_shop.clock.now()
        with patched(small_shop.clock, "now", lambda before=before: before):  # however long the work takes
            assert len(small_shop.work()) == 1
        waits.append(round((_row(small_shop).run_after - before).total_seconds()))
        small_shop.clock.offset += timedelta(hours=1, seconds=1)

    row = _row(small_shop)
    assert (row.state, row.tries) == (OutboxState.DEAD, delivery.MOST_TRIES)
    assert waits == sorted(waits)
    assert small_shop.work() == []


def test_staff_can_have_a_dead_row_tried_again(small_shop: Shop) -> None:
    test_a_failed_mail_waits_longer_each_time_and_is_given_up_in_the_end(small_shop)
    small_shop.mailer.is_down = False

    with small_shop.app.app_context():
        outbox.retry(small_shop.runtime, _row(small_shop).id, "ada@example.org")
    small_shop.work()
    with small_shop.app.app_context():
        outbox.retry(small_shop.runtime, _row(small_shop).id, "ada@example.org")  # done rows stay done

    assert _row(small_shop).state is OutboxState.DONE
    assert len(small_shop.mailer.letters) == 1


def test_one_row_that_breaks_does_not_stop_the_rest(small_shop: Shop) -> None:
    _ask(small_shop, "mail:broken", mail="no such kind")
    _ask(small_shop, "mail:fine")

    lines = small_shop.work()

    assert "mail:fine: done" in lines
    assert any("mail:broken: try 1 failed" in line for line in lines)


def test_a_run_stops_at_its_limit(small_shop: Shop) -> None:
    for number in range(3):
        _ask(small_shop, f"mail:{number}")

    with small_shop.app.app_context():
        assert len(delivery.run_due(small_shop.runtime, limit=2)) == 2


def test_a_refund_is_never_given_up_and_other_work_is_in_the_end(small_shop: Shop) -> None:
    small_shop.breaks = ("I5",)
    booking_id = small_shop.book(small_shop.stay())
    small_shop.pay(booking_id)
    small_shop.work()
    with small_shop.app.app_context():
        (payment,) = small_shop.payments(booking_id)
        refunds.order_refund(small_shop.runtime, booking_id, Money(500, "eur"), "ada@example.org", "form-1")
        with transaction() as session:
            wish = {"payment_id": payment.id}
            outbox.enqueue(session, OutboxKind.SYNC_REFUNDS, "sync:test", wish, small_shop.clock.now())
    small_shop.stripe.post(
        "faults", [{"kind": "status_500", "method": m, "path_prefix": "/v1", "times": 999} for m in _ANY]
    )

    # The SDK's own pauses between its retries would make this slow and prove nothing.
    inner = small_shop.runtime.payments._inner
    inner._patience = (8, 0)
    vars(inner).pop("_client", None)
    for _ in range(delivery.MOST_TRIES + 1):
        small_shop.work()
        small_shop.clock.offset += timedelta(hours=1, seconds=1)

    states = {row.kind: row.state for row in small_shop._read(db.select(OutboxRow)) if row.kind != OutboxKind.MAIL}
    assert states == {OutboxKind.REFUND: OutboxState.DUE, OutboxKind.SYNC_REFUNDS: OutboxState.DEAD}


_ANY = ("GET", "POST")
