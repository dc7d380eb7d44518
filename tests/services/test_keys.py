"""A second key for the same wish: stored once, whoever else saw that the first did nothing."""

import re

import pytest
from sqlalchemy import event, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import ORMExecuteState

from booking.extensions import db
from booking.models import Refund
from booking.services.keys import renew_key
from tests.support.memory_shop import MemoryShop


@pytest.fixture
def asked(desk: MemoryShop) -> Refund:
    """A refund that Stripe was asked for under its first key."""
    return desk.request(desk.paid())


def test_a_key_that_did_nothing_is_replaced_and_the_new_one_stored(desk: MemoryShop, asked: Refund) -> None:
    with desk.open() as session:
        row, is_renewed = renew_key(session, Refund, asked.id, f"refund:{asked.token}", "again")

    assert is_renewed
    assert re.fullmatch("again:[0-9a-f]{8}", desk.refund(asked.id).idempotency_key or "")
    assert row.id == asked.id


def test_a_key_that_somebody_else_has_stored_meanwhile_stays(desk: MemoryShop, asked: Refund) -> None:
    """Seen by this transaction or not: two keys for one wish would be two refunds."""
    with desk.open() as session:
        seen = session.get_one(Refund, asked.id)
        assert seen.idempotency_key == f"refund:{asked.token}"
        session.execute(text("UPDATE refund SET idempotency_key = 'of somebody else'"))
        row, is_renewed = renew_key(session, Refund, asked.id, f"refund:{asked.token}", "again")

        assert (row.idempotency_key, is_renewed) == ("of somebody else", False)

    assert desk.refund(asked.id).idempotency_key == "of somebody else"


def test_the_row_is_held_so_that_only_one_at_a_time_can_replace_its_key(desk: MemoryShop, asked: Refund) -> None:
    """SQLite has one writer at a time anyway: this is what a database with locks of rows would be asked."""
    refund_id, known = asked.id, asked.idempotency_key or ""
    questions: list[str] = []

    def listen(state: ORMExecuteState) -> None:
        questions.append(str(state.statement.compile(dialect=postgresql.dialect())))

    with desk.open() as session:
        event.listen(session, "do_orm_execute", listen)
        renew_key(session, Refund, refund_id, known, "again")
        event.remove(session, "do_orm_execute", listen)

    (question,) = questions
    assert question.endswith("FOR UPDATE")


def test_each_new_key_is_another(desk: MemoryShop, asked: Refund) -> None:
    keys = [f"refund:{asked.token}"]
    for _ in range(3):
        with desk.open() as session:
            row, _ = renew_key(session, Refund, asked.id, keys[-1], "again")
            keys.append(row.idempotency_key or "")

    assert len(set(keys)) == 4


def test_no_key_is_replaced_outside_a_transaction(desk: MemoryShop, asked: Refund) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        renew_key(db.session(), Refund, asked.id, f"refund:{asked.token}", "again")
