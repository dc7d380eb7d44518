"""A migrated database with Ada, an owner, and hands to sign people in without a browser; on either database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyotp
from argon2 import PasswordHasher
from flask import Flask

from booking import create_app
from booking.domain.roles import Role
from booking.extensions import db
from booking.models import AuditLine, Staff
from booking.queries.staff import Present, StaffMember, find_by_email
from booking.runtime import Runtime
from booking.services import codes, sign_ins, staff
from booking.services.codes import CodesOn
from booking.services.sign_ins import Place
from tests.support.shop import MemoryMailer, StandingClock, make_settings, outfit
from tests.web.admin_house import NOW

ADA, BEN, PASSWORD = "ada@example.org", "ben@example.org", "tin kettle purple morning"
HOME, AWAY = Place("203.0.113.1", "Firefox/140"), Place("198.51.100.7", "Chrome/140")


@dataclass
class StaffShop:
    """The app, its clock and its mail."""

    app: Flask
    clock: StandingClock
    mailer: MemoryMailer

    @property
    def runtime(self) -> Runtime:
        found: Runtime = self.app.extensions["holdfast"]
        return found

    def member(self, email: str = ADA) -> StaffMember:
        db.session.rollback()
        found = find_by_email(email)
        assert found
        return found

    def add(self, email: str = BEN, role: Role = Role.DESK) -> StaffMember:
        staff.create_staff(self.runtime, email, "Ben Example", PASSWORD, role)
        return self.member(email)

    def sign_in(self, email: str = ADA, place: Place = HOME) -> Present:
        found = sign_ins.find(self.runtime, self.token(email, place))
        assert found
        return found

    def token(self, email: str = ADA, place: Place = HOME) -> str:
        return sign_ins.sign_in(self.runtime, self.member(email), place)

    def is_in(self, token: str) -> bool:
        db.session.rollback()
        return sign_ins.find(self.runtime, token) is not None

    def seed(self, email: str = ADA) -> str:
        """The seed of somebody's codes, which only a test may ask for."""
        sealed = self.column(email, "code_seed")
        return str(codes._open(self.runtime, sealed))

    def code(self, email: str = ADA, steps: int = 0) -> str:
        """What somebody's app shows now, or some half minutes away."""
        return pyotp.TOTP(self.seed(email)).at(int(self.clock.now().timestamp()) + 30 * steps)

    def set_up_codes(self, email: str = ADA) -> CodesOn:
        present = self.sign_in(email)
        codes.begin(self.runtime, present)
        return codes.confirm(self.runtime, present, self.code(email), HOME)

    def column(self, email: str, name: str) -> Any:
        db.session.rollback()
        found = db.session.query(getattr(Staff, name)).filter_by(email=email).scalar()
        db.session.rollback()
        return found

    def audit(self) -> list[tuple[str, str, str]]:
        db.session.rollback()
        lines = db.session.query(AuditLine).order_by(AuditLine.number)
        found = [(line.who, line.action, line.subject) for line in lines]
        db.session.rollback()
        return found


@contextmanager
def open_staff_shop(url: str) -> Iterator[StaffShop]:
    """The shop, with the app's context pushed."""
    staff._hasher = PasswordHasher(time_cost=1, memory_cost=256, parallelism=1)
    app = create_app(make_settings(url, rate_limits=True))
    clock, mailer = StandingClock(NOW), MemoryMailer()
    outfit(app, clock, mailer)
    shop = StaffShop(app, clock, mailer)
    with app.app_context():
        staff.create_staff(shop.runtime, ADA, "Ada Lovelace", PASSWORD)
        yield shop
        db.session.remove()
        db.engine.dispose()
