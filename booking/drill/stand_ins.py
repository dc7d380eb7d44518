"""What the scratch shop is given instead of the real thing: a clock that can be moved, a mailer that keeps letters."""

import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask

from booking import create_app
from booking.clock import SystemClock
from booking.config import AppEnv, Settings
from booking.gateways.mail import Letter, MailFailed
from booking.runtime import Runtime


class ShiftedClock(SystemClock):
    """The real time, moved: signatures need the real time to be near."""

    def __init__(self, offset: timedelta = timedelta(0)) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return super().now() + self.offset


@dataclass(slots=True)
class KeptLetters:
    """Keeps letters instead of sending them; `is_down` makes it refuse them."""

    letters: list[Letter] = field(default_factory=list)
    is_down: bool = False

    def send(self, letter: Letter) -> None:
        if self.is_down:
            raise MailFailed("the mail server is down")
        self.letters.append(letter)


@dataclass(frozen=True, slots=True)
class Own:
    """What the drill takes over from the installation: nothing of it is secret."""

    hold_minutes: int
    mail_from: str
    timezone: str
    instance_id: str


def scratch_settings(own: Own, database_url: str, shop_url: str, stripe_url: str) -> Settings:
    """Settings made afresh, so that no key, no address and no password of the installation can slip through."""
    return Settings(
        app_env=AppEnv.DEVELOPMENT,
        app_base_url=shop_url,
        secret_key=secrets.token_hex(32),
        database_url=database_url,
        stripe_secret_key=f"sk_test_{secrets.token_hex(16)}",
        stripe_webhook_secrets=(f"whsec_{secrets.token_hex(24)}",),
        stripe_api_base=stripe_url,
        mail_from=own.mail_from,
        queue_url="sqlite:////nonexistent/never-used.db",
        media_dir=Path("/nonexistent/never-used"),
        hold_minutes=own.hold_minutes,
        rate_limits=False,  # twenty guests of one address would be stopped before they get anywhere
    )


def as_plain(settings: Settings) -> dict[str, Any]:
    """Settings as JSON holds them, for a child process."""
    return {**asdict(settings), "media_dir": str(settings.media_dir)}


def from_plain(data: dict[str, Any]) -> Settings:
    """Settings, read back."""
    lists = {name: tuple(value) for name, value in data.items() if isinstance(value, list)}
    types = {"app_env": AppEnv(data["app_env"]), "media_dir": Path(data["media_dir"])}
    return Settings(**{**data, **lists, **types})


def open_app(settings: Settings, clock: ShiftedClock, mailer: KeptLetters) -> Flask:
    """The real application, with the stand-ins in the place of clock, mail and wake-up calls."""
    app = create_app(settings)
    runtime: Runtime = app.extensions["holdfast"]
    app.extensions["holdfast"] = replace(runtime, clock=clock, mailer=mailer, wake_worker=_nobody)
    return app


def _nobody() -> None:
    """No worker is woken: the drill says when the worker works."""
