"""A process that is killed: `python -m booking.drill.victim` reads one order as JSON, and dies where the order says.

It delivers an event to the shop's own route, or does what the worker does, in a shop of its own on the scratch
database; at the named point of booking/crashpoints.py it ends by SIGKILL, as by a power cut.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask

from booking import crashpoints
from booking.drill.stand_ins import KeptLetters, ShiftedClock, from_plain, open_app
from booking.services import delivery

ROUTE = "/webhooks/stripe/"


@dataclass(frozen=True, slots=True)
class Death:
    """Where to die, and doing what: `deliver` (with body and signature) or `work`."""

    point: str
    act: str
    body: str = ""
    signature: str = ""


def main() -> None:
    order = json.load(sys.stdin)
    death, offset = Death(**order["death"]), timedelta(seconds=order["offset"])
    app = open_app(from_plain(order["settings"]), ShiftedClock(offset), KeptLetters())
    crashpoints.arm(_dies_at(death.point))
    _ACTS[death.act](app, death)


def _dies_at(point: str) -> Callable[[str], None]:
    def visit(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return visit


def _deliver(app: Flask, death: Death) -> None:
    headers = {"Stripe-Signature": death.signature, "Content-Type": "application/json; charset=utf-8"}
    app.test_client().post(ROUTE, data=death.body.encode(), headers=headers)


def _work(app: Flask, _death: Death) -> None:
    with app.app_context():
        delivery.run_due(app.extensions["holdfast"])


_ACTS: dict[str, Callable[[Flask, Death], Any]] = {"deliver": _deliver, "work": _work}


if __name__ == "__main__":
    main()
