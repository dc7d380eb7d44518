"""Who comes over HTTP: a guest's browser without JavaScript that follows pages and forms, and strangers."""

import re
from dataclasses import dataclass, field
from html import unescape

import requests

from booking.domain.dates import Stay
from booking.drill.evidence import Failed
from booking.services.reservations import GuestDetails

SECONDS = 60
_INPUT = re.compile(r"<input\b[^>]*>")
_NAME, _VALUE = re.compile(r'name="([^"]*)"'), re.compile(r'value="([^"]*)"')


@dataclass(slots=True)
class Visitor:
    """One guest with a browser of their own."""

    url: str
    guest: GuestDetails
    web: requests.Session = field(default_factory=requests.Session)

    def open_review(self, slug: str, stay: Stay) -> dict[str, str]:
        """Type the details and open the review page; the fields of its form."""
        args = {"arrive": stay.arrive.isoformat(), "leave": stay.leave.isoformat(), "guests": "2"}
        page = self._ask("GET", f"/stays/{slug}/book", 200, params=args)
        typed = {"name": self.guest.name, "email": self.guest.email, "phone": "", "message": ""}
        self._ask("POST", f"/stays/{slug}/book", 303, params=args, data={**_fields(page), **typed})
        return _fields(self._ask("GET", f"/stays/{slug}/review", 200, params=args))

    def press_book_and_pay(self, slug: str, form: dict[str, str]) -> int:
        """The button; the status of the answer."""
        return self._send("POST", f"/stays/{slug}/review", data=form).status_code

    def _ask(self, method: str, path: str, wanted: int, **more: object) -> str:
        answer = self._send(method, path, **more)
        if answer.status_code != wanted:
            raise Failed(f"{method} {path} was answered {answer.status_code}, and it should be {wanted}")
        return answer.text

    def _send(self, method: str, path: str, **more: object) -> requests.Response:
        self.web.trust_env = False  # no proxy: the shop is on this machine
        return self.web.request(method, self.url + path, timeout=SECONDS, allow_redirects=False, **more)  # type: ignore[arg-type]

    def leave(self) -> None:
        """Close the browser."""
        self.web.close()


def send_event(url: str, body: bytes, signature: str) -> int:
    """What anybody on the internet may send to the webhook's address; the status of the answer."""
    with requests.Session() as web:
        web.trust_env = False
        headers = {"Content-Type": "application/json", **({"Stripe-Signature": signature} if signature else {})}
        return web.post(f"{url}/webhooks/stripe/", data=body, headers=headers, timeout=SECONDS).status_code


def _fields(page: str) -> dict[str, str]:
    """The inputs of a page's forms that have a value."""
    found = {}
    for tag in _INPUT.findall(page):
        name, value = _NAME.search(tag), _VALUE.search(tag)
        if name and value:
            found[unescape(name[1])] = unescape(value[1])
    return found
