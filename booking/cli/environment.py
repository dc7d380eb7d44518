"""`python -m booking.cli.environment`: a `.env` for the demo where there is none, with fresh secrets.

An `.env` that is there is a person's own. Only the two addresses of this machine in it follow the ports that are asked
for, so that commands typed beside the demo reach it.
"""

import argparse
import os
import re
import secrets
from pathlib import Path

from booking.config import ROOT

TEMPLATE = """\
# Made for the demo. For an account of your own: .env.example
APP_ENV=development
APP_BASE_URL={shop}
SECRET_KEY={secret_key}
STRIPE_SECRET_KEY=sk_test_{stripe_key}
STRIPE_PUBLISHABLE_KEY=pk_test_{stripe_key}
STRIPE_WEBHOOK_SECRET=whsec_{webhook_secret}
STRIPE_API_BASE={fakestripe}
"""
_OWN_ADDRESS = r"^{name}=http://(?:127\.0\.0\.1|localhost):\d+/?$"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--fakestripe-port", type=int, required=True)
    parser.add_argument("--file", type=Path, default=ROOT / ".env")
    given = parser.parse_args(arguments)
    shop, fakestripe = f"http://127.0.0.1:{given.port}", f"http://127.0.0.1:{given.fakestripe_port}"
    if given.file.exists():
        _follow_ports(given.file, {"APP_BASE_URL": shop, "STRIPE_API_BASE": fakestripe})
    else:
        _write(given.file, _fresh(shop, fakestripe))
        print(f"Made {given.file.name} with fresh secrets.")


def _fresh(shop: str, fakestripe: str) -> str:
    return TEMPLATE.format(
        shop=shop,
        fakestripe=fakestripe,
        secret_key=secrets.token_hex(32),
        stripe_key=secrets.token_hex(16),
        webhook_secret=secrets.token_hex(24),
    )


def _follow_ports(file: Path, addresses: dict[str, str]) -> None:
    old = text = file.read_text(encoding="utf-8")
    for name, address in addresses.items():
        text = re.sub(_OWN_ADDRESS.format(name=name), f"{name}={address}", text, flags=re.MULTILINE)
    if text != old:
        _write(file, text)


def _write(file: Path, text: str) -> None:
    # Written whole and put in place at once; nobody else on this machine may read the secrets.
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    fresh.replace(file)


if __name__ == "__main__":
    main()
