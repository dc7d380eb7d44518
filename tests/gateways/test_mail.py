"""Sending: what a mail server says decides whether trying again can help."""

import smtplib
from typing import Any

import pytest

from booking.gateways.mail import Letter, MailFailed, SmtpMailer

LETTER = Letter("grace@example.org", "Booked", "Hello", "<p>Hello</p>", "<abc@stay.example.org>")


class Server:
    """Answers as a mail server would."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.sent: list[Any] = []

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_args: object) -> None: ...

    def send_message(self, message: Any) -> None:
        if self.error:
            raise self.error
        self.sent.append(message)


def send(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> Server:
    server, mailer = Server(error), SmtpMailer("smtp://mail.example.org", "Holdfast <a@b.example>")
    monkeypatch.setattr(mailer, "_connect", lambda: server)
    mailer.send(LETTER)
    return server


def refused(*codes: int) -> smtplib.SMTPRecipientsRefused:
    return smtplib.SMTPRecipientsRefused({f"{code}@example.org": (code, b"no") for code in codes})


def test_letter_that_is_taken_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [message["To"] for message in send(monkeypatch, None).sent] == ["grace@example.org"]


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        (refused(550), True),
        (refused(450), False),  # a server that does not know us yet asks to come back
        (refused(550, 451), False),
        (smtplib.SMTPNotSupportedError("SMTPUTF8"), True),
        (smtplib.SMTPServerDisconnected("gone"), False),
        (smtplib.SMTPAuthenticationError(535, b"no"), False),
        (TimeoutError(), False),
    ],
)
def test_only_a_word_that_will_not_change_is_final(
    monkeypatch: pytest.MonkeyPatch, error: Exception, is_final: bool
) -> None:
    with pytest.raises(MailFailed) as failed:
        send(monkeypatch, error)

    assert failed.value.is_final is is_final
