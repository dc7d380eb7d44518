"""gunicorn's settings: `gunicorn wsgi:app` finds this file by itself when started in this directory."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from dotenv import load_dotenv
from gunicorn.glogging import Logger

load_dotenv(Path(__file__).parent / ".env")
# For another address: gunicorn --bind 0.0.0.0:8000 wsgi:app
bind = "127.0.0.1:" + (os.environ.get("PORT") or "8000")
# `python -m benchmarks.serving` measures these for docs/performance.md. On two cores, with sixteen clients, 2 × 8
# served 304 pages a second, p99 136 ms; 2 × 16 277 and 200 ms, 3 × 8 137 and 246 ms, 4 × 8 110 and 1143 ms; 271 where
# lines are not kept. One worker served as many, since the clients took the other core. Rows of a busy run are rough.
workers = int(os.environ.get("WEB_WORKERS") or 2)
threads = int(os.environ.get("WEB_THREADS") or 8)
# gthread, but a request gets a thread when all of it has arrived: slow visitors keep nobody out (patient_worker.py).
worker_class = "patient_worker.PatientWorker"
timeout = 30
graceful_timeout = 20
keepalive = 5
# Some thousand requests a process, not all at the same moment, so that a slow leak never becomes a night's work.
max_requests, max_requests_jitter = 20_000, 2_000
control_socket_disable = True
# In production the shop tells of each request itself, in JSON like all it says.
accesslog = None if (os.environ.get("APP_ENV") or "production") == "production" else "-"
errorlog = "-"
access_log_format = '%(h)s "%(r)s" %(s)s %(b)s %(M)sms'

# Behind any language (/de/m/...), and with a slash that somebody wrote in another way.
_SECRETS = re.compile(r"(/m(?:/|%2[fF])|session_id=)[^\s?&#\"]+")


class MaskingLogger(Logger):
    """Access lines without what opens a booking: links from mails, and the ids of Checkout Sessions."""

    def atoms(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        atoms = super().atoms(*args, **kwargs)
        return {name: _masked(value) for name, value in atoms.items()}


def _masked(value: Any) -> Any:
    return _SECRETS.sub(r"\1***", value) if isinstance(value, str) else value


logger_class = MaskingLogger


def on_starting(server: Any) -> None:
    """Refuse once, in plain lines, what would otherwise end every worker with a traceback."""
    # In a process of its own: the workers must not inherit an open database from this one.
    check = subprocess.run([sys.executable, "-m", "booking.cli.startup"], cwd=Path(__file__).parent, check=False)
    if check.returncode:
        sys.exit(check.returncode)
    _share_counts()


def on_exit(server: Any) -> None:
    """Leave no counts behind."""
    if _counts_folder:
        shutil.rmtree(_counts_folder, ignore_errors=True)


_counts_folder = ""


def _share_counts() -> None:
    """The counts of all workers meet in a folder, new at each start; the workers inherit its name."""
    global _counts_folder
    if os.environ.get("METRICS", "").lower() == "on":
        _counts_folder = tempfile.mkdtemp(prefix="holdfast-metrics-")
        os.environ.update(PROMETHEUS_MULTIPROC_DIR=_counts_folder)  # what the library looks for at its import
