"""The blueprint of the test controls, complete: importing it gives every control its address."""

from __future__ import annotations

from fakestripe.controls import billing, delivering, payments, running
from fakestripe.controls.common import blueprint

CONTROLS = (running, delivering, payments, billing)
__all__ = ["CONTROLS", "blueprint"]
