"""A number that is another one after every change to what is on sale: whoever keeps that in memory can see it."""

import secrets

from sqlalchemy import CheckConstraint, event, update
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, mapped_column

from booking.database import is_writing, write_at_commit
from booking.extensions import Base
from booking.models.listing import Listing, Photo, Unit
from booking.models.payment_plan import PlanChoice
from booking.models.property import Property
from booking.models.rates import DayPrice, Discount, Extra, Fee, Season, Tax
from booking.models.rules import CancellationPolicy, CancellationTier, StayRule

_CHANGED = "holdfast_shelf_changed"
# All that pages show of a stay beside its nights: queries/on_sale.py keeps them.
ON_SALE = (
    Property, Listing, Unit, Photo, Season, DayPrice, Discount, Fee, Extra, Tax, StayRule, CancellationPolicy,
    CancellationTier, PlanChoice,
)  # fmt: skip


class Shelf(Base):
    """One row. Its number changes in the same transaction as what it speaks of.

    It is drawn by lot, not counted: in a backup that was put back, a count would come to the same number once more.
    """

    __tablename__ = "shelf"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()


def may_change(session: Session) -> bool:
    """Whether what a session reads may be changed in it, so that nobody else must be given it."""
    return is_writing(session) or was_changed(session)


def was_changed(session: Session) -> bool:
    """Whether a session has changed anything on sale that it has not committed yet."""
    return bool(session.info.get(_CHANGED))


def _notice_rows(session: Session, _context: object, _instances: object) -> None:
    touched = [*session.new, *session.deleted, *session.dirty]
    if any(isinstance(row, ON_SALE) for row in touched):
        session.info[_CHANGED] = True


def _notice_statement(state: ORMExecuteState) -> None:
    if not state.is_select and state.bind_mapper and issubclass(state.bind_mapper.class_, ON_SALE):
        state.session.info[_CHANGED] = True


def _draw_number(session: Session, _is_changed: bool) -> None:
    # As the very last thing, since all who change anything wait for each other at this row.
    session.execute(update(Shelf).values(version=secrets.randbelow(2**31)))


event.listen(Session, "before_flush", _notice_rows)
event.listen(Session, "do_orm_execute", _notice_statement)
write_at_commit(_CHANGED, _draw_number)
