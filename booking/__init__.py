"""Holdfast: a booking storefront. The factory is a list of named steps."""

import os
from pathlib import Path

from dotenv import load_dotenv
from flask import Flask

from booking import logs, wiring
from booking.config import ROOT, AppEnv, ConfigurationError, Settings, load_settings
from booking.database import let_go, prepare_engine
from booking.extensions import csrf, db, login_manager

# Seconds, and milliseconds for the last. A server that vanishes without a word, as in a power cut, is given up within
# half a minute; by the system's own patience a page would wait for it for a quarter of an hour, or two.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_PATIENCE_WITH_SERVER = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def create_app(settings: Settings | None = None, *, is_worker: bool = False) -> Flask:
    """The application, ready to serve (or, for the worker, to work).

    Raises:
        ConfigurationError: names every setting that is unsafe.
    """
    settings = settings or _settings_from_environment()
    app = Flask("booking", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    _configure(app, settings, is_worker)
    _bind_extensions(app)
    _prepare_database(app)
    app.extensions["holdfast"] = wiring.build_runtime(settings, is_worker=is_worker)
    _install_web(app)
    _install_commands(app, settings)
    _refuse_old_schema(app, settings)
    return app


def _settings_from_environment() -> Settings:
    load_dotenv(ROOT / ".env")
    return load_settings()


def _configure(app: Flask, settings: Settings, is_worker: bool) -> None:
    logs.configure(settings, is_service=is_worker or not _is_command())
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings.database_url),
        TESTING=settings.app_env is AppEnv.TEST,
        TRUSTED_HOSTS=list(settings.trusted_hosts) or None,
        PREFERRED_URL_SCHEME=settings.base_url.partition(":")[0],
    )


def _is_command() -> bool:
    return os.environ.get("FLASK_RUN_FROM_CLI") == "true"


def _engine_options(url: str) -> dict[str, object]:
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return {}
    # A database that is down must be an answer of 503 within seconds, not a page that hangs.
    return {"pool_size": 10, "pool_timeout": 4, "connect_args": _PATIENCE_WITH_SERVER}


def _bind_extensions(app: Flask) -> None:
    from booking import models  # noqa: F401  (registers the tables)

    db.init_app(app)
    login_manager.init_app(app)
    csrf.init_app(app)


def _prepare_database(app: Flask) -> None:
    app.teardown_appcontext(let_go)  # runs before the extension's own, which would raise
    with app.app_context():
        prepare_engine(db.engine)


def _install_web(app: Flask) -> None:
    # Imported here, so that commands and migrations do not pay for every page.
    from booking.web import caching, errors, health, language, media, metrics, security, templating, transport, watch
    from booking.web.admin.views import blueprint as admin
    from booking.web.auth.views import blueprint as auth
    from booking.web.checkout.views import blueprint as checkout
    from booking.web.club.views import blueprint as club
    from booking.web.manage.views import blueprint as manage
    from booking.web.storefront.views import blueprint as storefront
    from booking.web.webhooks.views import blueprint as webhooks

    for install in (
        watch.install,
        security.install,
        language.install,
        templating.install,
        media.install,
        caching.install,
        transport.install,
        errors.install,
    ):
        install(app)
    for blueprint in (storefront, checkout, manage, club, webhooks, auth, admin, health.blueprint, metrics.blueprint):
        app.register_blueprint(blueprint)


def _install_commands(app: Flask, settings: Settings) -> None:
    # A process that serves pages has no use for them, nor for all that they import.
    if settings.app_env is AppEnv.TEST or _is_command():
        from booking.cli import commands

        commands.install(app)


def _refuse_old_schema(app: Flask, settings: Settings) -> None:
    # The flask command must start on any schema, or it could not upgrade it.
    if settings.app_env is AppEnv.TEST or _is_command():
        return
    with app.app_context():
        problem = wiring.find_schema_problem()
    if problem:
        raise ConfigurationError([problem])
