"""Whole visits, for locust: search, look at a stay, book, pay on the simulated Stripe, come back; with time to think.

`benchmarks/load.py` starts it, and names fakestripe's address in STRIPE_API_BASE. It runs in an environment of its own,
which has locust and nothing of the shop.
"""

import os
import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from locust import HttpUser, between, task

from tests.support.forms import fields_of

STAYS = 10  # listings called stay-1 and so on
_SESSION = re.compile(r"/c/pay/(cs_\w+)")


class Guest(HttpUser):
    """Somebody who looks around; one visit in four ends with a booking."""

    wait_time = between(1, 3)

    def on_start(self) -> None:
        """Each comes with numbers of their own."""
        self.chance = random.Random()

    @task
    def visit(self) -> None:
        """One whole visit."""
        slug, asked = f"stay-{self.chance.randint(1, STAYS)}", self._dates()
        self._see("/", "home")
        self._see("/stays?" + asked, "results")
        self._see(f"/stays/{slug}?{asked}", "a stay")
        if self.chance.random() < 0.25:
            self._book(slug, asked)

    def _book(self, slug: str, asked: str) -> None:
        page = self._see(f"/stays/{slug}/book?{asked}", "details")
        typed = {"name": "Grace Hopper", "email": f"grace-{self.chance.getrandbits(60)}@example.org"}
        self._send(f"/stays/{slug}/book?{asked}", {**fields_of(page), **typed}, "send details")
        page = self._see(f"/stays/{slug}/review?{asked}", "review")
        answer = self._send(f"/stays/{slug}/review", fields_of(page), "book and pay")
        found = _SESSION.search(answer.headers.get("Location", ""))
        if found:
            self._pay(found[1])

    def _pay(self, session_id: str) -> None:
        # What happens at Stripe is not the shop's affair, and not in its figures.
        control = f"{os.environ['STRIPE_API_BASE']}/_fake/sessions/{session_id}/pay"
        requests.post(control, json={"card": "4242424242424242", "wait": False}, timeout=60)
        self.wait()
        where = f"/pay/return?session_id={session_id}"
        with self.client.get(where, name="come back", catch_response=True) as answer:
            if "You're booked" not in answer.text and "You&#39;re booked" not in answer.text:
                answer.failure("not confirmed")

    def _see(self, path: str, name: str) -> str:
        self.wait()
        return str(self.client.get(path, name=name).text)

    def _send(self, path: str, form: dict[str, str], name: str) -> Any:
        self.wait()
        with self.client.post(path, form, name=name, allow_redirects=False, catch_response=True) as answer:
            if answer.status_code != 303:
                answer.failure(f"status {answer.status_code}")
        return answer

    def _dates(self) -> str:
        arrive = datetime.now(UTC).date() + timedelta(days=self.chance.randrange(10, 300))
        leave = arrive + timedelta(days=self.chance.randint(2, 5))
        return f"arrive={arrive}&leave={leave}&guests=2"
