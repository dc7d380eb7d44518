"""What a person can choose when starting fakestripe. Nothing here reads the environment."""

from __future__ import annotations

from dataclasses import dataclass

API_VERSION = "2026-10-28.endive"

# Stripe retries a sandbox delivery three times over a few hours and does not publish the
# intervals (docs.stripe.com/webhooks). These are ours; `retry_scale` shrinks them.
RETRY_INTERVALS = (300.0, 1800.0, 7200.0)


@dataclass(frozen=True)
class Options:
    """One start of the program."""

    database: str | None = None
    webhook_url: str | None = None
    webhook_secrets: tuple[str, ...] = ()
    seed: int | None = None
    public_url: str | None = None
    retry_scale: float = 1 / 60
    webhook_timeout: float = 20.0
    redirect_hold: float = 10.0
    rate_limit: int | None = None
    """API requests a second; None sets no limit."""
    api_version: str = API_VERSION
    country: str = "IE"
    currency: str = "eur"
    record: str | None = None
    """A file that is given each exchange and each event."""
    background: bool = True
    """Run the dispatcher and the ticker; off in unit tests that drive both by hand."""
