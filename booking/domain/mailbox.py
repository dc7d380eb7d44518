"""Slips of the finger in e-mail addresses. A suggestion is only ever offered: people do have odd addresses."""

from operator import ne

# Where very many mailboxes are. What is spelled exactly like one of these is never doubted.
_COMMON = (
    "gmail.com", "googlemail.com", "outlook.com", "outlook.de", "hotmail.com", "hotmail.de", "hotmail.co.uk",
    "live.com", "msn.com", "yahoo.com", "yahoo.de", "yahoo.co.uk", "ymail.com", "icloud.com", "me.com", "mac.com",
    "aol.com", "gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.com", "web.de", "t-online.de", "freenet.de", "arcor.de",
    "posteo.de", "mailbox.org", "proton.me", "protonmail.com", "bluewin.ch", "orange.fr", "free.fr", "laposte.net",
    "libero.it", "btinternet.com", "ziggo.nl", "telia.com", "mail.com", "email.com", "mail.de", "gmail.de",
)  # fmt: skip
_ENDINGS = {"con": "com", "cmo": "com", "vom": "com", "comm": "com", "ocm": "com", "ed": "de", "dee": "de", "ne": "net"}
# In a shorter name one letter is too much of it: "wed.de" is a name of its own.
_LEAST_LETTERS = 8


def suggest_address(address: str) -> str | None:
    """The address that was probably meant: "grace@gmail.com" for "grace@gmial.com". None where nothing looks odd."""
    name, at, host = address.rpartition("@")
    host = host.lower()
    if not at or not name or host in _COMMON:
        return None
    meant = _nearest(host) or _with_usual_ending(host)
    return f"{name}@{meant}" if meant else None


def _nearest(host: str) -> str | None:
    return next((common for common in _COMMON if _is_slip(host, common)), None)


def _is_slip(typed: str, meant: str) -> bool:
    """Whether one letter is missing, one too many, one wrong, or two have changed places."""
    if _have_changed_places(typed, meant):
        return True
    if len(meant) < _LEAST_LETTERS:
        return False
    same = min([*_apart(typed, meant), len(typed), len(meant)])
    there, wanted = typed[same:], meant[same:]
    return there == wanted[1:] or there[1:] == wanted or there[1:] == wanted[1:]


def _have_changed_places(typed: str, meant: str) -> bool:
    apart = _apart(typed, meant)
    if len(typed) != len(meant) or len(apart) != 2 or apart[1] - apart[0] != 1:
        return False
    first, second = apart
    return (typed[first], typed[second]) == (meant[second], meant[first])


def _apart(typed: str, meant: str) -> list[int]:
    return [at for at, differs in enumerate(map(ne, typed, meant)) if differs]


def _with_usual_ending(host: str) -> str | None:
    rest, _, ending = host.rpartition(".")
    if not rest or ending not in _ENDINGS:
        return None
    meant = f"{rest}.{_ENDINGS[ending]}"
    return meant if ending != "ne" or meant in _COMMON else None
