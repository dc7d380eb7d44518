"""Mail: a protocol, SMTP, and the console for development."""

import smtplib
import ssl
import sys
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import unquote, urlsplit

TIMEOUT_SECONDS = 20


class MailFailed(Exception):
    """The mail was not accepted. `is_final` when trying again is useless."""

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        self.is_final = is_final
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text file that goes with a mail."""

    filename: str
    content_type: str  # "text/calendar"
    text: str
    params: tuple[tuple[str, str], ...] = ()  # of the content type


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail, complete in both of its forms."""

    to: str
    subject: str
    text: str
    html: str
    message_id: str  # the same each time the same letter is tried again
    language: str = "en"
    sent_at: datetime | None = None  # None: whoever sends it puts no date on it
    reply_to: str = ""
    attachments: tuple[Attachment, ...] = field(default=())


class Mailer(Protocol):
    """Sends one letter, or raises MailFailed."""

    def send(self, letter: Letter) -> None: ...


def compose(letter: Letter, sender: str) -> EmailMessage:
    """The letter as a message: text first, HTML beside it, attachments after."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, letter.to, letter.subject
    message["Message-ID"] = letter.message_id
    message["Auto-Submitted"] = "auto-generated"
    if letter.sent_at:
        message["Date"] = format_datetime(letter.sent_at)
    if letter.reply_to:
        message["Reply-To"] = letter.reply_to
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    for attachment in letter.attachments:
        _attach(message, attachment)
    message["Content-Language"] = letter.language  # last: building the parts moves such headers into the first one
    return message


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    subtype = attachment.content_type.split("/", 1)[1]
    message.add_attachment(
        attachment.text, subtype=subtype, filename=attachment.filename, params=dict(attachment.params)
    )


class SmtpMailer:
    """Sends through `smtp://user:password@host:587` (STARTTLS where offered) or `smtps://...:465`."""

    def __init__(self, url: str, sender: str) -> None:
        self._url = urlsplit(url)
        self._sender = sender

    def send(self, letter: Letter) -> None:
        message = compose(letter, self._sender)
        try:
            with self._connect() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            raise MailFailed("recipient refused", is_final=_is_for_good(error)) from error
        except smtplib.SMTPNotSupportedError as error:
            # An address in letters that this server cannot write; it will not learn to.
            raise MailFailed("address not supported", is_final=True) from error
        except (OSError, smtplib.SMTPException) as error:
            raise MailFailed(type(error).__name__) from error

    def _connect(self) -> smtplib.SMTP:
        host = self._url.hostname or "localhost"
        if self._url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, self._url.port or 465, timeout=TIMEOUT_SECONDS)
        else:
            server = smtplib.SMTP(host, self._url.port or 25, timeout=TIMEOUT_SECONDS)
            self._upgrade(server)
        if self._url.username:
            server.login(unquote(self._url.username), unquote(self._url.password or ""))
        return server

    @staticmethod
    def _upgrade(server: smtplib.SMTP) -> None:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()


def _is_for_good(error: smtplib.SMTPRecipientsRefused) -> bool:
    """Codes of 4xx ask to come back later: many servers greet strangers with one."""
    return all(code >= 500 for code, _reason in error.recipients.values())


class ConsoleMailer:
    """Prints the text of each letter, so that a developer can follow its links."""

    def send(self, letter: Letter) -> None:
        lines = [f"--- mail to {letter.to}: {letter.subject}", letter.text.rstrip()]
        lines += [f"[attached: {attachment.filename}]" for attachment in letter.attachments]
        print("\n".join(lines) + "\n---", file=sys.stderr, flush=True)
