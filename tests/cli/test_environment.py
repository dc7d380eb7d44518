"""The demo's `.env`: fresh secrets where there is none, and a person's own left alone."""

import re
from pathlib import Path

from dotenv import dotenv_values

from booking.cli import environment
from booking.config import load_settings


def write(file: Path, port: int = 8000, fakestripe_port: int = 12111) -> None:
    ports = ["--port", str(port), "--fakestripe-port", str(fakestripe_port)]
    environment.main([*ports, "--file", str(file)])


def values(file: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(file).items()}


def test_fresh_file_is_a_shop_that_starts_and_nobody_else_may_read(tmp_path: Path) -> None:
    file = tmp_path / ".env"

    write(file)

    settings = load_settings(values(file))
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.stripe_api_base == "http://127.0.0.1:12111"
    assert file.stat().st_mode & 0o077 == 0


def test_each_file_has_secrets_of_its_own(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b")

    a, b = values(tmp_path / "a"), values(tmp_path / "b")
    assert [name for name in a if a[name] == b[name]] == ["APP_ENV", "APP_BASE_URL", "STRIPE_API_BASE"]


def test_second_run_keeps_the_secrets_and_follows_the_ports(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    write(file)
    before = values(file)

    write(file, 9000, 9001)

    ports = {"APP_BASE_URL": "http://127.0.0.1:9000", "STRIPE_API_BASE": "http://127.0.0.1:9001"}
    assert values(file) == before | ports


def test_addresses_elsewhere_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    own = "APP_BASE_URL=https://stay.example.org\n# STRIPE_API_BASE=http://127.0.0.1:1\nSECRET_KEY=mine"
    file.write_text(own)

    write(file, 9000, 9001)

    assert file.read_text() == own
    assert re.search("SECRET_KEY=mine", file.read_text())
