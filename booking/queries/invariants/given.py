"""What the looks are given besides the database."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Given:
    """The moment to look at, and the id that this shop's objects carry at Stripe."""

    now: datetime
    instance_id: str
