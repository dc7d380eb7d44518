"""The access log of the real server: what opens a booking does not stand in it, in whatever language it was asked."""

from pathlib import Path

import pytest
import requests

from tests.support.gunicorn import gunicorn_shop, log_of
from tests.support.servers import FakeStripe

pytestmark = pytest.mark.gunicorn

TOKEN = "canary-token-0123456789abcdefghijklmnop"


def test_no_line_of_gunicorns_access_log_holds_the_secret_of_a_link(
    sqlite_url: str, fakestripe_process: FakeStripe, tmp_path: Path
) -> None:
    paths = ("/m/{}", "/de/m/{}", "/en/m/{}", "/m%2F{}", "/de/m%2f{}", "/m/{}?again=1", "//m/{}")
    with gunicorn_shop(sqlite_url, fakestripe_process, tmp_path, APP_ENV="test") as shop:
        for path in paths:
            address = shop.url + path.format(TOKEN)
            requests.get(address, headers={"Referer": address}, timeout=20)
            requests.head(address, timeout=20)
            requests.post(address, data={}, timeout=20)

    log = log_of(tmp_path).read_text("utf-8")
    assert "GET /de/m/***" in log
    assert log.count("***") >= 3 * len(paths)
    assert TOKEN not in log
