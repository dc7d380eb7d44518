"""What anybody on the internet may send: requests byte by byte, and events signed well or badly."""

import hashlib
import hmac
import json
import math
import secrets
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.support.shop import SECRET, Shop

PATH = "/webhooks/stripe/"


@dataclass(frozen=True)
class Answer:
    """An answer as it came over the wire; status 0 where the server hung up without one."""

    status: int
    headers: str
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def sign(body: bytes, *key: str, age: int = 0) -> str:
    """A Stripe-Signature header with one signature for each secret; never older than `age` seconds."""
    stamp = math.ceil(time.time()) - age
    signed = f"{stamp}.".encode() + body
    digests = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in key or (SECRET,)]
    return ",".join([f"t={stamp}", *(f"v1={digest}" for digest in digests)])


def completed_event(shop: Shop, booking_id: int, **changes: Any) -> dict[str, Any]:
    """`checkout.session.completed` for a booking, as Stripe would send it if somebody had paid."""
    attempt = shop.attempts(booking_id)[-1]
    session = {
        "id": attempt.session_id,
        "object": "checkout.session",
        "livemode": False,
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": f"pi_{secrets.token_hex(8)}",
        "amount_total": attempt.amount_minor,
        "currency": attempt.currency,
        "metadata": attempt.params["metadata"],
        **changes,
    }
    return envelope("checkout.session.completed", session)


def envelope(event_type: str, data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An event with a fresh id around an object."""
    event = {"id": f"evt_{secrets.token_hex(12)}", "object": "event", "type": event_type, "livemode": False}
    return {**event, "api_version": "2026-10-28.endive", "data": {"object": data}, **changes}


def post(url: str, body: bytes, signature: str | bytes | None = None, *, path: str = PATH, **headers: str) -> Answer:
    """A POST with a length, and a signature header unless it is None."""
    return send(url, request_of("POST", body, signature, path=path, **headers))


def request_of(
    method: str, body: bytes, signature: str | bytes | None = None, *, path: str = PATH, **headers: str
) -> bytes:
    """The bytes of a request that says how long it is."""
    value = signature.encode() if isinstance(signature, str) else signature
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: 127.0.0.1", b"Connection: close"]
    lines += [f"{name.replace('_', '-')}: {text}".encode() for name, text in headers.items()]
    lines += [b"Stripe-Signature: " + value] if value is not None else []
    lines += [f"Content-Length: {len(body)}".encode()]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def in_chunks(body: bytes, signature: str) -> bytes:
    """The bytes of a POST in chunks, which does not say how long it is."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nStripe-Signature: {signature}\r\n"
    chunks = b"".join(
        f"{len(part):x}\r\n".encode() + part + b"\r\n"
        for part in (body[start : start + 65536] for start in range(0, len(body), 65536))
    )
    return head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def send(url: str, request: bytes, seconds: float = 20) -> Answer:
    """Send bytes as they are and read until the server hangs up."""
    address = urlsplit(url)
    with socket.create_connection((str(address.hostname), int(address.port or 80)), timeout=seconds) as wire:
        received = b""
        try:
            wire.sendall(request)
            while part := wire.recv(65536):
                received += part
        except (ConnectionResetError, BrokenPipeError):
            pass  # it did not want to hear the rest
    head, _, body = received.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1]) if head.startswith(b"HTTP/") else 0
    return Answer(status, head.decode("latin-1"), body.decode("utf-8", "replace"))
