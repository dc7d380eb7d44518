"""A shop with people before it: a guest and Ada at their browsers, an operator at a terminal, a worker, and Stripe."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from booking import jobs
from booking.extensions import db
from booking.models import OutboxRow
from booking.models.outbox import OutboxState
from booking.runtime import Runtime
from booking.services import staff
from tests.stripe_trouble.faults import FAULTS, STORM, NotingGateway, Patience
from tests.support.hostile import sign
from tests.support.servers import wait_until
from tests.support.shop import Shop, Visitor, fields_of

ADA, PASSWORD = "ada@example.org", "tin kettle purple morning"
# Argon2id all the same, without the work that makes guessing dear.
_QUICK = PasswordHasher(time_cost=1, memory_cost=256, parallelism=1)


@dataclass(frozen=True)
class Page:
    """What a person saw at last: a page, or the lines of a command with its exit code."""

    status: int
    text: str
    location: str = ""

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", self.text)))


class NearVisitor(Visitor):
    """A browser that reaches the app without a network."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()

    def get(self, path: str, **params: str) -> Any:
        return self._client.get(path, query_string=params)

    def post(self, path: str, data: dict[str, str]) -> Any:
        return self._client.post(path, data=data)

    def open(self, path: str, **params: str) -> Page:
        """Open a page, and wherever it leads within the shop."""
        return self._follow(self.get(path, **params))

    def press(self, path: str, form: dict[str, str]) -> Page:
        """Send a form, and open the page it leads to."""
        return self._follow(self.post(path, form))

    def _follow(self, answer: Any) -> Page:
        location = answer.headers.get("Location", "")
        if answer.status_code in (302, 303) and location.startswith("/"):
            return self.open(location)
        return Page(answer.status_code, answer.text, location)


class Desk:
    """Everybody who has to do with one booking while Stripe is in trouble."""

    def __init__(self, shop: Shop, gateway: NotingGateway, patience: Patience) -> None:
        self.shop, self.gateway = shop, gateway
        self.guest = NearVisitor(shop.app)
        self.form: dict[str, str] = {}
        self._patience = patience

    @property
    def stripe(self) -> Any:
        """Stripe's own client, for what is done there behind the shop's back."""
        return self.shop.stripe_client()

    @property
    def booking_id(self) -> int:
        return int(self.shop.bookings()[-1].id)

    @property
    def session_id(self) -> str:
        return self.shop.session_of(self.booking_id)

    @cached_property
    def ada(self) -> NearVisitor:
        """Ada's browser, signed in."""
        staff._hasher = _QUICK
        with self.shop.app.app_context():
            staff.create_staff(self.shop.runtime, ADA, "Ada Lovelace", PASSWORD)
        ada = NearVisitor(self.shop.app)
        form = fields_of(ada.get("/admin/login").text)
        assert ada.post("/admin/login", {**form, "email": ADA, "password": PASSWORD}).status_code == 303
        return ada

    def run(self, *args: str) -> Page:
        """Type a command."""
        result = self.shop.app.test_cli_runner().invoke(args=args)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Page(result.exit_code, result.output)

    def count(self, event_type: str) -> int:
        """How often something has happened at Stripe, which is asked by a way that no trouble reaches."""
        return len(self.shop.stripe.events(event_type))

    # --- what happens ------------------------------------------------------------------------------------------------

    def book(self) -> None:
        """The guest goes the whole way up to Stripe's page."""
        assert self.guest.book_and_pay("harbour-loft", self.shop.stay()).status_code == 303

    def pay(self, card: str = "4242424242424242") -> None:
        """The guest pays at Stripe; nobody tells the shop."""
        self.shop.stripe.pay(self.session_id, card, wait=False)

    def hear(self, event_type: str) -> None:
        """Stripe delivers its events of one type."""
        for event in self.shop.stripe.events(event_type):
            assert self.deliver(event).status == 200

    def deliver(self, event: dict[str, Any]) -> Page:
        """Stripe delivers one event, once."""
        body = json.dumps(event).encode()
        client = self.shop.app.test_client()
        answer = client.post("/webhooks/stripe/", data=body, headers={"Stripe-Signature": sign(body)})
        return Page(answer.status_code, answer.text)

    def work(self, *more: Callable[[Runtime], None]) -> None:
        """What the worker does by itself within minutes, once; with more of its sweeps where a test asks."""
        with self.shop.app.app_context():
            for sweep in (*jobs.SWEEPS, *more):
                sweep(self.shop.runtime)

    # --- trouble -----------------------------------------------------------------------------------------------------

    def begin_trouble(self, names: tuple[str, ...], method: str, path: str, *, is_prefix: bool) -> None:
        """From now on each call of one kind goes wrong: the first in the first way, all others in the last."""
        where = {"method": method, "path_prefix" if is_prefix else "path": path}
        counts = [1] * (len(names) - 1) + [STORM]
        orders = [{**FAULTS[name], **where, "times": count} for name, count in zip(names, counts, strict=True)]
        self._order(orders)

    def end_trouble(self) -> int:
        """Stripe is well again, and what hung has arrived; how many requests went wrong."""
        self._order([])
        return sum(bool(request["fault"]) for request in self._wait_for_the_slow())

    def _order(self, faults: list[dict[str, Any]]) -> None:
        self.shop.stripe.post("faults", faults)
        self._patience.faults.order(faults)

    def _wait_for_the_slow(self) -> list[dict[str, Any]]:
        """No request takes a minute: what the shop gave up has arrived by then, or never will."""

        def ended() -> list[dict[str, Any]]:
            requests = self.shop.stripe.get("requests")
            return requests if all(row["status"] or row["fault"] != "slow" for row in requests) else []

        return wait_until(ended, what="the end of slow requests")

    def settle(self) -> Page:
        """Nobody does anything any more: the worker alone brings everything to its end."""
        for _ in range(12):
            self.work()
            page = None if self._is_anything_due() else self.run("reconcile")
            if page and page.status == 0:
                return page
            self.pass_time(minutes=6)
        raise AssertionError(f"it does not settle: {page.text if page else 'the outbox has work'}")

    def _is_anything_due(self) -> bool:
        with self.shop.app.app_context():
            due = select(OutboxRow.id).where(OutboxRow.state == OutboxState.DUE).limit(1)
            return db.session.scalar(due) is not None

    def pass_time(self, **span: float) -> None:
        """Let time pass, here and at Stripe."""
        self._wait_for_the_slow()
        self.shop.pass_time(**span)

    def shown(self) -> dict[str, Page]:
        """The pages on which guest and staff see how things stand, whatever it is."""
        self.ada  # noqa: B018
        paths = ["/admin/", "/admin/mails"]
        for booking in self.shop.bookings():
            paths += [f"/admin/bookings/{booking.id}", f"/b/{booking.reference}"]
        return {path: self.ada.open(path) for path in paths}
