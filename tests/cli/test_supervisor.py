"""The demo as `make demo` runs it, in a copy of the tree: it comes up, sells a stay, and leaves nothing running."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from booking.config import ROOT
from tests.support.servers import answers, free_port, wait_until

pytestmark = pytest.mark.gunicorn
PARTS = (
    "booking",
    "templates",
    "static",
    "migrations",
    "fakestripe",
    "wsgi.py",
    "gunicorn.conf.py",
    "patient_worker.py",
)


@dataclass
class Demo:
    """A copy of the tree with its own `.env` and data."""

    folder: Path
    port: int
    fakestripe_port: int

    def start(self, *module: str, ports: bool = True) -> subprocess.Popen[str]:
        numbers = ["--port", str(self.port), "--fakestripe-port", str(self.fakestripe_port)] if ports else []
        return subprocess.Popen(
            [sys.executable, "-m", *module, *numbers],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *module: str, ports: bool = True) -> str:
        with self.start(*module, ports=ports) as process:
            said, _ = process.communicate(timeout=120)
            assert process.returncode == 0, said
            return said

    def children(self) -> list[str]:
        """The command lines of this machine that belong to the demo."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if (entry.parent / "cwd").readlink() == self.folder:
                    found.append(line)
            except OSError:
                continue
        return found


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    folder = tmp_path / "shop"
    folder.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    demo = Demo(folder, free_port(), free_port())
    demo.run("booking.cli.environment")
    demo.run("flask", "db", "upgrade", ports=False)
    yield demo
    assert demo.children() == []


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="looks for orphans in /proc, which only Linux has")
def test_demo_comes_up_tells_its_login_and_leaves_no_orphan(demo: Demo) -> None:
    shop = f"http://127.0.0.1:{demo.port}"
    demo.run("flask", "seed-demo", ports=False)
    process = demo.start("booking.cli.supervisor", "demo")
    try:
        wait_until(lambda: answers(f"{shop}/readyz") and requests.get(f"{shop}/readyz", timeout=5).ok, 60, "readiness")
        assert requests.get(f"http://127.0.0.1:{demo.fakestripe_port}/_fake/healthz", timeout=5).ok
        assert "Harbour Loft" in requests.get(f"{shop}/stays/harbour-loft", timeout=10).text
        requests.get(f"{shop}/m/a-secret-token", timeout=10)
        second = demo.start("booking.cli.supervisor", "demo")
        assert "is running in this directory" in second.communicate(timeout=30)[0]
        assert second.returncode == 1
    finally:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)

    assert process.returncode == 0, said
    password = (demo.folder / "var" / "demo-staff-password").read_text().strip()
    assert f"ada@example.org, password {password}" in said
    assert "a-secret-token" not in said
    assert "/m/***" in said
    assert "whsec_" not in said
    assert "Traceback" not in said


def test_port_in_use_is_one_line(demo: Demo) -> None:
    busy = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(demo.port), "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{demo.port}"), 30, "the other server")
        with demo.start("booking.cli.supervisor", "serve") as process:
            said, _ = process.communicate(timeout=60)
    finally:
        busy.terminate()
        busy.wait()

    assert process.returncode == 1
    assert said.strip() == f"Port {demo.port} is in use; choose others with PORT=... FAKESTRIPE_PORT=..."


def test_server_refuses_unsafe_settings_in_plain_lines(demo: Demo) -> None:
    text = (demo.folder / ".env").read_text().replace("APP_ENV=development", "APP_ENV=production")
    (demo.folder / ".env").write_text(text)

    process = demo.start("gunicorn", "--bind", f"127.0.0.1:{demo.port}", "wsgi:app", ports=False)
    said, _ = process.communicate(timeout=60)

    assert process.returncode != 0
    assert "PROBLEM  STRIPE_SECRET_KEY: a test key in production" in said
    assert "Traceback" not in said


def test_server_refuses_an_old_schema_in_plain_lines(demo: Demo) -> None:
    for file in (demo.folder / "var").glob("holdfast.db*"):
        file.unlink()

    process = demo.start("gunicorn", "--bind", f"127.0.0.1:{demo.port}", "wsgi:app", ports=False)
    said, _ = process.communicate(timeout=60)

    assert process.returncode != 0
    assert "flask db upgrade" in said
    assert "Traceback" not in said
