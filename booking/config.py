"""Settings: read once from the environment, and every problem named at once."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
_KEY = re.compile(r"(sk|rk|pk)_(test|live)_[A-Za-z0-9]{8,}")
_WEAK_SECRET = re.compile(r"change.?me|placeholder|your.?secret|example|password", re.IGNORECASE)
_QUEUES = ("sqlite:///", "postgresql://", "postgres://", "postgresql+psycopg://", "redis://", "rediss://")
LEAST_HOLD, LONGEST_HOLD = 31, 1435
# A bank may ask for a dispute's evidence months after the stay.
LEAST_KEPT, LONGEST_KEPT = 180, 36_500


class AppEnv(StrEnum):
    """Where the shop runs."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class ConfigurationError(Exception):
    """Start-up is refused; the text names each setting, one a line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says. Secrets have no default and are left out of `repr`."""

    app_env: AppEnv
    app_base_url: str
    secret_key: str = field(repr=False)
    database_url: str = field(repr=False)
    stripe_secret_key: str = field(repr=False)
    stripe_publishable_key: str = ""
    stripe_webhook_secrets: tuple[str, ...] = field(repr=False)  # newest first
    stripe_api_base: str = ""  # empty: Stripe itself
    mail_url: str = field(default="", repr=False)  # empty: the console
    mail_from: str = "Holdfast <bookings@localhost>"
    trusted_hosts: tuple[str, ...] = ()
    proxy_hops: int = 0
    queue_url: str = field(repr=False)
    media_dir: Path = ROOT / "var" / "media"  # pictures; one folder for all hosts
    hold_minutes: int = 35
    keep_guests_days: int = 0  # after the stay; 0: until they ask
    instance_id: str = ""  # empty: the one kept in the database
    rate_limits: bool = True
    metrics: bool = False
    metrics_token: str = field(default="", repr=False)  # empty: only this machine may look

    @property
    def livemode(self) -> bool:
        """Whether the key moves real money."""
        return "_live_" in self.stripe_secret_key

    @property
    def is_production(self) -> bool:
        return self.app_env is AppEnv.PRODUCTION

    @property
    def data_folder(self) -> Path:
        """The folder of SQLite's file; the program's own where the data is on a server."""
        folder = Path(self.database_url.removeprefix("sqlite:///")).parent
        return folder if self.database_url.startswith("sqlite:///") and folder.is_dir() else ROOT

    @property
    def base_url(self) -> str:
        """The public address without a last slash: the only source of absolute links."""
        return self.app_base_url.rstrip("/")


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment (and `NAME_FILE`s), or ConfigurationError naming every problem at once."""
    reader = _Reader(os.environ if environ is None else environ)
    settings = _read(reader)
    problems = reader.problems + find_problems(settings)
    if problems:
        raise ConfigurationError(problems)
    return settings


def find_problems(settings: Settings) -> list[str]:
    """Each unsafe or impossible setting as one line that begins with its name."""
    return [
        *_secret_problems(settings),
        *_stripe_problems(settings),
        *_address_problems(settings),
        *_number_problems(settings),
        *_metrics_problems(settings),
    ]


def _read(reader: "_Reader") -> Settings:
    database_url = reader.text("DATABASE_URL", f"sqlite:///{ROOT / 'var' / 'holdfast.db'}")
    return Settings(
        app_env=reader.env("APP_ENV"),
        app_base_url=reader.text("APP_BASE_URL", "http://127.0.0.1:8000"),
        secret_key=reader.text("SECRET_KEY"),
        database_url=_with_driver(database_url),
        stripe_secret_key=reader.text("STRIPE_SECRET_KEY"),
        stripe_publishable_key=reader.text("STRIPE_PUBLISHABLE_KEY"),
        stripe_webhook_secrets=reader.list("STRIPE_WEBHOOK_SECRET"),
        stripe_api_base=reader.text("STRIPE_API_BASE"),
        mail_url=reader.text("MAIL_URL"),
        mail_from=reader.text("MAIL_FROM", "Holdfast <bookings@localhost>"),
        trusted_hosts=reader.list("TRUSTED_HOSTS"),
        proxy_hops=reader.number("PROXY_HOPS", 0),
        queue_url=reader.text("QUEUE_URL", _queue_beside(database_url)),
        media_dir=ROOT / reader.text("MEDIA_DIR", "var/media"),
        hold_minutes=reader.number("HOLD_MINUTES", 35),
        keep_guests_days=reader.number("KEEP_GUESTS_DAYS", 0),
        instance_id=reader.text("INSTANCE_ID"),
        rate_limits=reader.text("RATE_LIMITS", "on").lower() != "off",
        metrics=reader.text("METRICS", "off").lower() == "on",
        metrics_token=reader.text("METRICS_TOKEN"),
    )


def _with_driver(url: str) -> str:
    for plain in ("postgres://", "postgresql://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _queue_beside(database_url: str) -> str:
    if database_url.startswith("sqlite:///"):
        return f"sqlite:///{Path(database_url.removeprefix('sqlite:///')).with_suffix('.queue.db')}"
    return database_url


def _secret_problems(settings: Settings) -> list[str]:
    problems = []
    if len(settings.secret_key) < 32 or len(set(settings.secret_key)) < 10 or _WEAK_SECRET.search(settings.secret_key):
        problems.append("SECRET_KEY: at least 32 random characters are needed, e.g. from `openssl rand -hex 32`")
    if not settings.stripe_webhook_secrets:
        problems.append("STRIPE_WEBHOOK_SECRET: missing; without it nobody could tell Stripe's events from forged ones")
    if any(not secret.startswith("whsec_") or len(secret) < 16 for secret in settings.stripe_webhook_secrets):
        problems.append("STRIPE_WEBHOOK_SECRET: each secret starts with whsec_ (Stripe's dashboard or CLI shows it)")
    return problems


def _stripe_problems(settings: Settings) -> list[str]:
    problems = []
    key = _KEY.fullmatch(settings.stripe_secret_key)
    if key is None or key[1] == "pk":
        return ["STRIPE_SECRET_KEY: a key like sk_test_..., rk_test_..., sk_live_... or rk_live_... is needed"]
    if settings.is_production and key[2] == "test":
        problems.append("STRIPE_SECRET_KEY: a test key in production would sell stays for no money")
    if not settings.is_production and key[2] == "live":
        problems.append("STRIPE_SECRET_KEY: a live key outside production could move real money by accident")
    if settings.stripe_publishable_key and not settings.stripe_publishable_key.startswith(f"pk_{key[2]}_"):
        problems.append("STRIPE_PUBLISHABLE_KEY: not of the same mode as STRIPE_SECRET_KEY")
    if settings.stripe_api_base and key[2] == "live":
        problems.append("STRIPE_API_BASE: a live key may only be sent to Stripe itself")
    return problems


def _address_problems(settings: Settings) -> list[str]:
    problems = []
    base = urlsplit(settings.app_base_url)
    if base.scheme not in ("http", "https") or not base.hostname or base.path not in ("", "/"):
        problems.append("APP_BASE_URL: must look like https://stay.example.org")
    if settings.is_production and base.scheme != "https":
        problems.append("APP_BASE_URL: must be https in production")
    if settings.is_production and not settings.trusted_hosts:
        problems.append("TRUSTED_HOSTS: name the hosts this shop answers for")
    if not settings.database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
        problems.append("DATABASE_URL: must be sqlite:///file or postgresql://...")
    if not settings.queue_url.startswith(_QUEUES):
        problems.append("QUEUE_URL: must be sqlite:///file, postgresql://... or redis://...")
    return problems


def _number_problems(settings: Settings) -> list[str]:
    problems = []
    if not LEAST_HOLD <= settings.hold_minutes <= LONGEST_HOLD:
        problems.append(f"HOLD_MINUTES: must be {LEAST_HOLD} to {LONGEST_HOLD} (Stripe keeps sessions 30 min to 24 h)")
    if settings.keep_guests_days and not LEAST_KEPT <= settings.keep_guests_days <= LONGEST_KEPT:
        problems.append(f"KEEP_GUESTS_DAYS: must be 0 (until they ask) or {LEAST_KEPT} to {LONGEST_KEPT}")
    if not 0 <= settings.proxy_hops <= 5:
        problems.append("PROXY_HOPS: must be 0 to 5, the number of proxies of your own in front of the shop")
    if settings.is_production and not settings.rate_limits:
        problems.append("RATE_LIMITS: cannot be off in production")
    return problems


def _metrics_problems(settings: Settings) -> list[str]:
    problems = []
    if settings.metrics and find_spec("prometheus_client") is None:
        problems.append("METRICS: on needs the library, `pip install -r requirements-metrics.txt`")
    if settings.metrics_token and len(settings.metrics_token) < 20:
        problems.append("METRICS_TOKEN: at least 20 characters are needed, e.g. from `openssl rand -hex 32`")
    return problems


class _Reader:
    """Reads settings by name, and remembers what could not be read instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        path = self._environ.get(f"{name}_FILE", "").strip()
        if path:
            return self._from_file(name, path)
        return self._environ.get(name, "").strip() or default

    def list(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name).split(",") if part.strip())

    def number(self, name: str, default: int) -> int:
        text = self.text(name, str(default))
        if text.isascii() and text.isdigit():
            return int(text)
        self.problems.append(f"{name}: not a whole number")
        return default

    def env(self, name: str) -> AppEnv:
        text = self.text(name, AppEnv.PRODUCTION)
        if text in set(AppEnv):
            return AppEnv(text)
        self.problems.append(f"{name}: must be development, test or production")
        return AppEnv.PRODUCTION

    def _from_file(self, name: str, path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            self.problems.append(f"{name}_FILE: {path} cannot be read")
            return ""
