"""What `flask doctor` and the system page tell of this installation: one line for each thing that may be wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from booking.extensions import db
from booking.queries.health import is_worker_alive
from booking.queries.photos import find_digests
from booking.runtime import Runtime
from booking.services.instance import get_instance_id

STRIPE = "https://api.stripe.com"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    is_well: bool
    text: str


class _StripeSettings(Protocol):
    @property
    def stripe_api_base(self) -> str: ...


def check_up(runtime: Runtime, find_schema_problem: Callable[[], str | None]) -> list[Check]:
    """Look at settings, keys, schema, worker, pictures and instance. Raises nothing for what is wrong: it tells."""
    return [*_setting_checks(runtime), *_database_checks(runtime, find_schema_problem)]


def stripe_host(settings: _StripeSettings) -> str:
    """Where calls to Stripe go."""
    return settings.stripe_api_base or STRIPE


def _setting_checks(runtime: Runtime) -> Iterator[Check]:
    settings = runtime.settings
    yield Check("settings", True, f"all readable, {settings.app_env}")
    yield Check("address", True, settings.base_url)
    yield Check("stripe key", True, f"{'live' if settings.livemode else 'test'} mode, sent to {stripe_host(settings)}")
    count = len(settings.stripe_webhook_secrets)
    yield Check("webhook secret", True, f"{count} in use, each of the form whsec_...")
    yield Check("mail", True, "by SMTP" if settings.mail_url else "printed on the console")
    yield Check("rate limits", True, "on" if settings.rate_limits else "off")


def _database_checks(runtime: Runtime, find_schema_problem: Callable[[], str | None]) -> Iterator[Check]:
    try:
        problem = find_schema_problem()
        yield Check("schema", problem is None, problem or "at the newest migration")
        if problem is None:
            yield _worker_check(runtime)
            yield _pictures_check(runtime)
            yield Check("instance", True, get_instance_id(runtime))
    except SQLAlchemyError as error:
        db.session.rollback()
        yield Check("database", False, f"cannot be read ({type(error).__name__})")


def _worker_check(runtime: Runtime) -> Check:
    is_alive = is_worker_alive(runtime.clock.now())
    return Check("worker", is_alive, "seen lately" if is_alive else "not seen for minutes: is `flask worker` running?")


def _pictures_check(runtime: Runtime) -> Check:
    folder, digests = runtime.settings.media_dir, find_digests(db.session())
    lost = runtime.pictures.find_lost(digests)
    if not runtime.pictures.can_keep():
        return Check("pictures", False, f"nothing can be written in {folder}: see MEDIA_DIR")
    if lost:
        return Check("pictures", False, f"{len(lost)} of {len(digests)} have no files in {folder}: was it restored?")
    return Check("pictures", True, f"{len(digests)}, all in {folder}")
