"""What services are given to work with. wiring.py chooses the implementations."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from booking.clock import Clock
from booking.config import Settings
from booking.domain.papers import Paper, WrittenPaper
from booking.domain.pictures import KeptPicture
from booking.gateways.mail import Letter, Mailer
from booking.gateways.payments import PaymentGateway


class WakeWorker(Protocol):
    """Tells the worker that the outbox has something for it. Best effort: the worker also looks by itself."""

    def __call__(self) -> None: ...


class LetterWriter(Protocol):
    """Renders the letter of a mail kind. Templates are not the services' business."""

    def __call__(self, kind: str, context: dict[str, object]) -> Letter: ...


class PaperWriter(Protocol):
    """Makes a file of a paper; the same paper is the same file, byte for byte. Fonts are not the services' business."""

    def __call__(self, paper: Paper, /) -> WrittenPaper: ...


class PictureStore(Protocol):
    """Keeps the files of pictures. What it is given comes from people: it refuses what is none."""

    def keep(self, data: bytes) -> KeptPicture: ...

    def set_aside(self, data: bytes) -> str: ...

    def keep_aside(self, key: str) -> KeptPicture: ...

    def drop_aside(self, key: str) -> None: ...

    def drop_old_asides(self, before: datetime) -> int: ...

    def drop(self, digest: str) -> None: ...

    def find_lost(self, digests: Iterable[str]) -> list[str]: ...

    def can_keep(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Runtime:
    """One per process and shared by its threads: nothing in it may hold a request's state."""

    settings: Settings
    payments: PaymentGateway
    mailer: Mailer
    clock: Clock
    wake_worker: WakeWorker
    write_letter: LetterWriter
    write_paper: PaperWriter
    pictures: PictureStore
