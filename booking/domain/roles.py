"""Who of the house may do what: the roles, the permissions, and the one table that ties them together."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody is here for."""

    OWNER = "owner"
    MANAGER = "manager"
    DESK = "desk"
    ACCOUNTANT = "accountant"
    READ_ONLY = "read_only"


class Permission(StrEnum):
    """One kind of thing that can be done or seen. Every staff page asks for exactly one."""

    OWN_ACCOUNT = "own_account"  # one's own password, codes and sign-ins
    SEE_BOOKINGS = "see_bookings"  # Today, the calendar, bookings and their guests, closures
    CHANGE_BOOKINGS = "change_bookings"  # make, move and note them, mail guests, let unpaid nights go
    CHANGE_CALENDAR = "change_calendar"  # take nights off sale and put them back
    SEE_MONEY = "see_money"  # payments, refunds, payouts, disputes, reports
    MOVE_MONEY = "move_money"  # refunds, cancellations, price differences, answers to disputes
    SEE_RATES = "see_rates"
    CHANGE_RATES = "change_rates"  # prices, taxes, codes, extras, stay rules, policies
    SEE_HOUSE = "see_house"
    CHANGE_HOUSE = "change_house"  # listings, units, photos, settings
    SEE_PEOPLE = "see_people"
    CHANGE_PEOPLE = "change_people"  # invite, change roles, switch off, require codes
    SEE_AUDIT = "see_audit"
    EXPORT = "export"  # files with many bookings or people in them
    SEE_SYSTEM = "see_system"  # Stripe's events, errands of the worker
    RUN_SYSTEM = "run_system"  # replay, retry, reconcile


_SEE_WORK = frozenset(
    (
        Permission.OWN_ACCOUNT,
        Permission.SEE_BOOKINGS,
        Permission.SEE_MONEY,
        Permission.SEE_RATES,
        Permission.SEE_HOUSE,
    )
)

# Owners may do everything; each other role is what its work needs. A new permission is in nobody else's hands.
ALLOWED: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.MANAGER: frozenset(Permission) - {Permission.CHANGE_PEOPLE},
    Role.DESK: _SEE_WORK | {Permission.CHANGE_BOOKINGS, Permission.CHANGE_CALENDAR},
    Role.ACCOUNTANT: _SEE_WORK | {Permission.EXPORT, Permission.SEE_SYSTEM},
    Role.READ_ONLY: _SEE_WORK,
}

# What each role is for, as people read it where one is chosen.
PURPOSE: Mapping[Role, str] = {
    Role.OWNER: "Everything, people and their roles included.",
    Role.MANAGER: "Everything but changing people: bookings, money, prices, the house.",
    Role.DESK: "Bookings, guests and the calendar. Sees prices and money, moves none.",
    Role.ACCOUNTANT: "Sees bookings and money, and takes out lists and reports. Changes nothing.",
    Role.READ_ONLY: "Sees bookings, the calendar, prices and money. Changes nothing, takes out no lists.",
}


def is_allowed(role: Role, permission: Permission) -> bool:
    """Whether somebody in this role may do this."""
    return permission in ALLOWED[role]
