"""The W3C's own checker (vnu) reads every page and every mail: no error. It is started once for all of them."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import unquote

import pytest

from booking.language import LANGUAGES
from booking.services.club_letters import ClubMail
from booking.services.notifications import GuestMail, StaffNotice
from tests.conftest import IS_CI
from tests.pages.archive import Archive
from tests.support.figures import note_figures

VNU = "vnu-jar@26.9.27"
MAILS = [f"{kind} ({code})" for kind in (*GuestMail, *StaffNotice, *ClubMail) for code in LANGUAGES]


@pytest.fixture
def errors_in(fetched: Callable[[str], Path], tmp_path: Path) -> Callable[[dict[str, str]], list[str]]:
    """Gives documents to the checker; what it says, a line for each error."""
    java = shutil.which("java")
    if java is None:
        if IS_CI:
            pytest.fail("there is no java: install Debian's package default-jre-headless")
        pytest.skip("there is no java: install Debian's package default-jre-headless")
    jar = fetched(VNU) / "build" / "dist" / "vnu.jar"

    def check(documents: dict[str, str]) -> list[str]:
        names = {f"{number:03}.html": name for number, name in enumerate(documents)}
        for file, name in names.items():
            (tmp_path / file).write_text(documents[name], "utf-8")
        command = [java, "-Xss2m", "-jar", str(jar), "--format", "json", "--errors-only", "--exit-zero-always"]
        done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=True)
        return sorted(_told(json.loads(done.stderr or done.stdout)["messages"], names))

    return check


def _told(messages: list[dict[str, str]], names: dict[str, str]) -> Iterable[str]:
    for message in messages:
        name = names[Path(unquote(message["url"])).name]
        extract = " ".join(message.get("extract", "").split())
        yield f"{name}, line {message.get('lastLine')}: {message['message']} [{extract}]"


def test_the_checker_finds_no_error_in_any_page_or_mail(
    archive: Archive, errors_in: Callable[[dict[str, str]], list[str]]
) -> None:
    pages = {f"{name} ({code})": kept.body for (name, code), kept in archive.pages.items() if kept.body}
    mails = {f"mail {kind}": html for kind, html in archive.mails.items() if html}

    found = errors_in({**pages, **mails})

    note_figures("pages_html", pages=len(pages), mails=len(mails), errors=len(found))
    assert found == []


@pytest.mark.parametrize("kind", MAILS)
def test_every_kind_of_mail_was_written(archive: Archive, kind: str) -> None:
    assert archive.mail_problem == ""

    html = archive.mails[kind]

    assert html.lstrip().lower().startswith("<!doctype html>")
    assert "{{" not in html
    assert "None" not in html
    assert len(html.encode()) < 40_000


def test_control_a_page_with_a_wrong_tag_would_be_found(errors_in: Callable[[dict[str, str]], list[str]]) -> None:
    good = '<!doctype html><html lang="en"><head><title>x</title></head><body><p>x</p></body></html>'

    found = errors_in({"good": good, "bad": good.replace("<p>", "<p><div></p>")})

    assert found
    assert all(line.startswith("bad, ") for line in found)
