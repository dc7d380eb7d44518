"""Who this installation is: made once, kept for a minute, and never of another one."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select, update

from booking.extensions import db
from booking.models import Instance
from booking.runtime import Runtime
from booking.services import instance
from booking.services.instance import get_instance_id
from booking.wiring import current_runtime
from tests.support.noting import noting, selects


@pytest.fixture
def runtime(app: Flask) -> Iterator[Runtime]:
    with app.app_context():
        yield current_runtime()


def test_the_first_who_asks_makes_the_id_and_all_later_ones_get_it(runtime: Runtime) -> None:
    made = get_instance_id(runtime)

    assert get_instance_id(runtime) == made
    assert db.session.scalars(select(Instance.instance_id)).all() == [made]


def test_it_is_not_read_again_for_each_hold_and_each_event(runtime: Runtime) -> None:
    made = [get_instance_id(runtime), get_instance_id(runtime)]
    with noting(db.engine) as asked:
        made += [get_instance_id(runtime) for _ in range(5)]

    assert selects(asked) == []
    assert len(set(made)) == 1


def test_that_of_a_backup_that_was_put_back_counts_after_a_minute(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_instance_id(runtime)
    get_instance_id(runtime)
    db.session.execute(update(Instance).values(instance_id="of-the-backup"))
    db.session.commit()
    monkeypatch.setattr(instance, "KEPT_SECONDS", 0)

    assert get_instance_id(runtime) == "of-the-backup"


def test_that_of_a_database_put_in_its_place_counts_at_once(runtime: Runtime) -> None:
    get_instance_id(runtime)
    get_instance_id(runtime)
    db.session.execute(update(Instance).values(instance_id="of-another-database"))
    db.session.commit()
    db.engine.dispose()

    assert get_instance_id(runtime) == "of-another-database"


def test_before_it_answers_nothing_that_was_read_holds_a_snapshot(runtime: Runtime) -> None:
    """What comes next is often a call to Stripe."""
    for _ in range(3):
        db.session.scalar(select(Instance.id))
        get_instance_id(runtime)
        assert not db.session().in_transaction()
