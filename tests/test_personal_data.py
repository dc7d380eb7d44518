"""Each column that can hold text is on the map of personal data, and the map has nothing that is not there."""

import pytest
from sqlalchemy import JSON, Enum, String

from booking import models  # noqa: F401  (registers the tables)
from booking.domain.personal_data import OF_ACCOUNTS, OF_BOOKINGS, OF_THE_HOUSE, Holds
from booking.extensions import Base
from booking.queries.personal import _BY_BOOKING, _BY_DISPUTE
from booking.services.account_privacy import BY_ACCOUNT

MAP = {**OF_BOOKINGS, **OF_ACCOUNTS, **OF_THE_HOUSE}


def text_columns() -> set[tuple[str, str]]:
    """Columns of any table into which somebody's words could be written. Those of an enum have a list of their own."""
    return {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, String | JSON) and not isinstance(column.type, Enum)
    }


def test_every_text_column_is_on_the_map_and_nothing_else_is() -> None:
    mapped = {(table, column) for table, columns in MAP.items() for column in columns}

    assert text_columns() - mapped == set()
    assert mapped - text_columns() == set()


def test_a_new_column_without_an_entry_would_be_noticed() -> None:
    """Control: the check sees a column that the map does not have."""
    mapped = {(table, column) for table, columns in OF_BOOKINGS.items() for column in columns}

    assert ("staff", "email") in text_columns() - mapped


def test_each_table_of_a_booking_is_part_of_the_export() -> None:
    exported = {"booking", *(model.__tablename__ for model in (*_BY_BOOKING, *_BY_DISPUTE))}

    assert exported == set(OF_BOOKINGS)


def test_each_table_of_an_account_is_part_of_its_copy() -> None:
    copied = {"guest_account", "guest_link", "customer", *(model.__tablename__ for model in BY_ACCOUNT)}

    assert copied == set(OF_ACCOUNTS)


@pytest.mark.parametrize("table", sorted(table.name for table in Base.metadata.sorted_tables))
def test_what_hangs_on_a_booking_is_not_filed_under_the_house(table: str) -> None:
    targets = {key.column.table.name for key in Base.metadata.tables[table].foreign_keys}

    assert table not in OF_THE_HOUSE or not targets & {"booking", "dispute", "payment"}


def test_nothing_of_the_house_is_a_guests() -> None:
    told = {Holds.GUEST, Holds.MAY, Holds.FACT}

    assert not told & {holds for columns in OF_THE_HOUSE.values() for holds in columns.values()}
