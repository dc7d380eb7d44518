"""The server: how it starts and ends, and that no connection can hold or hurt it."""

import socket
import subprocess
import sys
import threading
import time

import pytest
import requests
import simple_websocket

from tests.support.servers import ROOT, wait_until

PATH = "/v1/checkout/sessions"
AUTH = {"Authorization": "Bearer sk_test_grace"}


def address(url):
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


def spoken(url, words):
    """What comes back when these bytes are sent as they are."""
    with socket.create_connection(address(url), timeout=5) as connection:
        connection.sendall(words)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def cli_line(url):
    """A WebSocket such as `stripe listen` opens."""
    session = requests.post(f"{url}/v1/stripecli/sessions", data={"device_name": "x"}, headers=AUTH, timeout=5).json()
    return simple_websocket.Client.connect(
        session["websocket_url"],
        subprotocols=["stripecli-devproxy-v1"],
        headers={"Websocket-Id": session["websocket_id"]},
    )


def test_it_ends_at_once_although_connections_are_held(launch):
    process = launch()
    fault = {"kind": "timeout_before", "path_prefix": PATH, "seconds": 60}
    requests.post(f"{process.url}/_fake/faults", json=[fault], timeout=5)
    ended = []

    def hang():
        with pytest.raises(requests.ConnectionError):
            requests.post(process.url + PATH, data={"mode": "payment"}, headers=AUTH, timeout=60)
        ended.append(time.monotonic())

    waiting = threading.Thread(target=hang)
    waiting.start()
    listening = cli_line(process.url)
    idle = socket.create_connection(address(process.url))
    wait_until(lambda: requests.get(f"{process.url}/_fake/requests?path={PATH}", timeout=5).json())

    started = time.monotonic()
    assert process.stop() == 0

    assert time.monotonic() - started < 2
    waiting.join(timeout=5)
    assert ended
    listening.thread.join(timeout=5)
    assert not listening.connected
    idle.close()


def test_a_taken_port_is_named(process):
    host, port = address(process.url)
    command = [sys.executable, "-m", "fakestripe", "--port", str(port)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)

    assert done.returncode == 1
    assert f"cannot listen on {host}:{port}" in done.stderr
    assert done.stdout == ""


def test_torn_connections_leave_the_server_whole(sim, call):
    sim.order_faults({"kind": "reset", "method": "GET", "path_prefix": PATH, "times": 20})
    for _ in range(20):
        with pytest.raises(requests.ConnectionError):
            call("GET", PATH)

    assert call("GET", PATH).status_code == 200


def test_those_who_say_nothing_keep_nobody_waiting(sim, call):
    silent = [socket.create_connection(address(sim.url)) for _ in range(40)]

    started = time.monotonic()
    assert call("GET", PATH).status_code == 200

    assert time.monotonic() - started < 2
    for connection in silent:
        connection.close()


def test_one_connection_carries_many_requests(sim):
    with requests.Session() as session:
        ports = set()
        for _ in range(5):
            answer = session.get(sim.url + PATH, headers=AUTH, timeout=5, stream=True)
            ports.add(answer.raw.connection.sock.getsockname()[1])
            assert answer.json()["object"] == "list"

    assert len(ports) == 1


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET /v1/balance HTTP/1.1\r\nHost: x\r\nBroken\r\n\r\n", 400),
        (b"POST /v1/refunds HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400),
        (b"GET /v1/balance HTTP/1.1\r\nHost: x\r\nLong: " + b"x" * 70_000 + b"\r\n\r\n", 413),
    ],
    ids=["no request", "no header", "no length", "too long"],
)
def test_what_is_no_http_is_refused_in_stripes_envelope(sim, words, status):
    answer = spoken(sim.url, words)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"application/json" in head
    assert b'"invalid_request_error"' in body
