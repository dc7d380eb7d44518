"""The program itself: its command line, its memory across restarts, its independence."""

import ast
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import fakestripe

PACKAGE = Path(fakestripe.__file__).parent
ALLOWED = {"fakestripe", "flask", "werkzeug", "requests", "cheroot", "simple_websocket"} | set(sys.stdlib_module_names)


def run(*arguments):
    command = [sys.executable, "-m", "fakestripe", "--port", "0", *arguments]
    return subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_it_imports_neither_the_shop_nor_the_stripe_library(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            names = [node.module or ""]
        assert {name.split(".")[0] for name in names} <= ALLOWED


def test_functions_stay_short():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= 40, f"{path.name}: {node.name} has {length} lines"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "--i-know-this-is-not-loopback"),
        (["--secret", "whsec_x"], "needs --webhook"),
        (["--webhook", "http://x.test", "--secret", "nonsense"], "begins with whsec_"),
        (["--retry-scale", "0"], "above zero"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(arguments, words):
    done = run(*arguments)

    assert done.returncode == 2
    assert words in done.stderr


def test_it_says_where_it_listens_and_what_signs(launch):
    process = launch("--webhook", "http://127.0.0.1:9/hook")
    assert process.popen.stdout is not None
    said = process.said + [process.popen.stdout.readline() for _ in range(2)]
    process.stop()

    assert said[0].startswith("fakestripe (SIMULATED) listens on http://127.0.0.1:")
    assert "http://127.0.0.1:9/hook" in said[1]
    assert said[2].startswith("signing secret whsec_")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(launch, number):
    assert launch().stop(number) == 0


def test_all_is_remembered_across_a_restart(launch, connect, offer, tmp_path):
    port = free_port()
    hook = ["--webhook", f"http://127.0.0.1:{port}/hook", "--secret", "whsec_first"]
    arguments = ["--db", str(tmp_path / "state.db"), "--retry-scale", "1", *hook]
    first = launch(*arguments)
    api = connect(first.url)
    session = api.checkout.sessions.create(offer(), {"idempotency_key": "k1"})
    requests.post(f"{first.url}/_fake/clock", json={"advance": 5000}, timeout=5)
    api.checkout.sessions.expire(session.id)
    wait_for_an_attempt(first.url)
    first.stop(signal.SIGKILL)

    second = launch(*arguments)
    api = connect(second.url)
    replayed = api.checkout.sessions.create(offer(), {"idempotency_key": "k1"})
    assert replayed.id == session.id
    assert replayed.last_response.headers["Idempotent-Replayed"] == "true"
    assert api.checkout.sessions.retrieve(session.id).status == "expired"
    assert api.checkout.sessions.create(offer()).id != session.id
    assert requests.get(f"{second.url}/_fake/clock", timeout=5).json()["offset"] == 5000
    delivery = requests.get(f"{second.url}/_fake/deliveries", timeout=5).json()[0]
    assert (delivery["status"], len(delivery["attempts"])) == ("pending", 1)
    requests.post(f"{second.url}/_fake/clock", json={"advance": 400}, timeout=5)
    requests.post(f"{second.url}/_fake/delivery/wait", json={}, timeout=15)
    delivery = requests.get(f"{second.url}/_fake/deliveries", timeout=5).json()[0]
    assert len(delivery["attempts"]) == 2
    second.stop()


def test_a_reset_forgets_everything(api, sim, offer):
    session = api.checkout.sessions.create(offer())
    sim.post("clock", {"advance": 500})

    sim.post("reset")

    state = sim.get("state")
    assert set(state["counts"].values()) == {0}
    assert state["clock"]["offset"] == 0
    assert requests.get(session.url, timeout=5).status_code == 404


def test_the_controls_answer_this_machine_only():
    app = fakestripe.create_app()
    client = app.test_client()

    near = client.get("/_fake/healthz", environ_base={"REMOTE_ADDR": "127.0.0.1"})
    far = client.get("/_fake/healthz", environ_base={"REMOTE_ADDR": "192.0.2.1"})

    assert (near.status_code, far.status_code) == (200, 403)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_an_attempt(url):
    requests.post(f"{url}/_fake/delivery/wait", json={}, timeout=15)
    assert requests.get(f"{url}/_fake/deliveries", timeout=5).json()[0]["attempts"]
