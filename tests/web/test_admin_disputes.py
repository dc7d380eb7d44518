"""web/admin: disputes. What is due comes first, what was typed is kept, and what is sent was read."""

import dataclasses
import re
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from booking.domain.dates import Stay
from booking.domain.errors import EvidenceRefused
from booking.domain.evidence import FIELDS
from booking.domain.papers import FILE_FIELDS, MADE
from booking.gateways.payments import GatewayUnavailable
from booking.models import Dispute, EvidenceDraft, EvidenceFile, EvidenceSubmission
from booking.models.evidence import SubmissionState
from booking.services.evidence import Answer
from booking.web.admin import disputes
from tests.web.admin_house import ADA, FIRST, NOW, House, value_of

BEN = "ben@example.org"


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.dispute(house.book())
    return house


def typed(**changes: str) -> dict[str, str]:
    return {**dict.fromkeys(FIELDS, ""), "uncategorized_text": "They came & slept.", "seen": "", **changes}


def post(client: FlaskClient, what: str, form: dict[str, str]) -> Any:
    return client.post(f"/admin/disputes/1/{what}", data=form)


class Calls:
    """Stands for the service, and remembers what it was asked."""

    def __init__(self, outcome: Answer | Exception) -> None:
        self.outcome, self.asked = outcome, []

    def __call__(self, _runtime: object, *asked: object) -> Answer:
        self.asked.append(asked)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(name: str, outcome: Answer | Exception) -> Calls:
        calls = Calls(outcome)
        monkeypatch.setattr(disputes.evidence, name, calls)
        return calls

    return put


def write(house: House, row: EvidenceDraft | EvidenceSubmission) -> None:
    with house.rows() as session:
        session.add(row)


def draft(**values: Any) -> EvidenceDraft:
    facts = {"texts": typed(), "saved_by": BEN, "saved_at": NOW, "idempotency_key": "evidence-draft:1"}
    return EvidenceDraft(dispute_id=1, refused="", **{**facts, **values})


def submission(**values: Any) -> EvidenceSubmission:
    facts = {"state": SubmissionState.SENT, "submitted_at": NOW, "texts": typed(), "idempotency_key": "evidence:2"}
    return EvidenceSubmission(dispute_id=1, submitted_by=BEN, asked_at=NOW, **{**facts, **values})


# --- the list -------------------------------------------------------------------------------------------------------


def test_an_empty_list_says_so(tmp_path: Path) -> None:
    assert "No payment was ever disputed." in House(tmp_path).ada().get("/admin/disputes").text


def test_what_is_due_first_comes_first_with_the_days_that_are_left(house: House) -> None:
    for number, (days, status) in enumerate([(2, "needs_response"), (1, "won"), (0, "warning_needs_response")], 1):
        house.dispute(house.book(FIRST.shifted(10 * number)))
        with house.rows() as session:
            row = session.get(Dispute, number + 1)
            row.due_by, row.status = NOW + timedelta(days=days, hours=1), status

    page = house.ada().get("/admin/disputes").text

    assert re.findall(r'/admin/disputes/(\d)"', page) == ["4", "2", "1", "3"]
    assert re.findall(r"<strong>([^<]+)</strong>", page) == ["less than a day left", "2 days left", "7 days left"]
    assert "nothing is due" in page


def test_what_was_answered_is_not_due(house: House) -> None:
    write(house, submission())

    page = house.ada().get("/admin/disputes").text

    assert "days left" not in page
    assert "answered" in page


def test_many_disputes_are_shown_page_by_page_in_as_few_statements(house: House) -> None:
    for number in range(1, 27):
        house.dispute(house.book(Stay(*(day + timedelta(days=10 * number) for day in (FIRST.arrive, FIRST.leave)))))

    client = house.ada()

    assert client.get("/admin/disputes").text.count("dispute ") >= 25
    assert "Page 2 of 2" in client.get("/admin/disputes?page=99").text


# --- one dispute ----------------------------------------------------------------------------------------------------


def test_the_page_tells_what_it_is_about_and_drafts_the_answer(house: House) -> None:
    page = house.ada().get("/admin/disputes/1").text

    assert "Dispute over €612.00" in page
    assert "Mon 8 March 2027, 13:00, <strong>7 days left</strong>" in page
    assert "It cannot be refunded now." in page
    assert "A stay of 4 nights for 2 guests: Harbour Loft" in page
    assert "We arrive late." in page
    assert page.count("<textarea") == 7


def test_a_dispute_that_does_not_exist_is_not_found(house: House) -> None:
    client = house.ada()

    assert client.get("/admin/disputes/99").status_code == 404
    for what in ("draft", "submit", "look"):
        assert client.post(f"/admin/disputes/99/{what}", data=typed()).status_code == 404


def test_a_saved_draft_is_shown_with_who_and_where_it_lies(house: House) -> None:
    write(house, draft(staged_at=NOW))

    page = house.ada().get("/admin/disputes/1").text

    assert "ben@example.org saved this draft on Mon 1 March 2027, 13:00." in page
    assert "It lies at Stripe, and the bank has not seen it." in page
    assert "They came &amp; slept." in page
    assert value_of(page, "seen") == "evidence-draft:1"


def test_an_answer_that_was_sent_is_shown_as_it_was_and_cannot_be_changed(house: House) -> None:
    write(house, submission())

    page = house.ada().get("/admin/disputes/1").text

    assert "ben@example.org sent this on Mon 1 March 2027, 13:00. It cannot be sent again." in page
    assert "They came &amp; slept." in page
    assert "<textarea" not in page
    assert "Submit for good" not in page


def test_an_answer_whose_fate_is_unknown_is_called_that(house: House) -> None:
    write(house, submission(state=SubmissionState.SENDING, submitted_at=None))

    page = house.ada().get("/admin/disputes/1").text

    assert "Stripe&#39;s answer is not known" in page or "Stripe's answer is not known" in page
    assert "Submit for good" not in page


@pytest.mark.parametrize("status", ["won", "lost", "under_review"])
def test_a_dispute_that_does_not_wait_has_no_form(house: House, status: str) -> None:
    with house.rows() as session:
        session.get(Dispute, 1).status = status

    page = house.ada().get("/admin/disputes/1").text

    assert "This dispute does not wait for an answer, and none was written here." in page
    assert "Submit for good" not in page


# --- saving and sending ---------------------------------------------------------------------------------------------


def test_saving_hands_over_what_was_typed_with_who_and_what_was_seen(house: House, stand_in: Any) -> None:
    calls, client = stand_in("save_draft", Answer.STAGED), house.ada()

    answer = post(client, "draft", typed(seen="evidence-draft:1", uncategorized_text="One\r\ntwo"))

    texts = {**dict.fromkeys(FIELDS, ""), "uncategorized_text": "One\ntwo"}
    assert calls.asked == [(1, texts, "evidence-draft:1", ADA)]
    assert (answer.status_code, answer.location) == (303, "/admin/disputes/1")
    assert "The bank was told nothing yet." in client.get("/admin/disputes/1").text


def test_nothing_is_sent_before_the_box_is_ticked_and_what_was_typed_stays(house: House, stand_in: Any) -> None:
    calls, client = stand_in("submit_evidence", Answer.SENT), house.ada()

    answer = post(client, "submit", typed())

    assert (answer.status_code, calls.asked) == (422, [])
    assert "Read the texts, then tick this box." in answer.text
    assert "They came &amp; slept." in answer.text

    assert post(client, "submit", typed(read_all="y")).status_code == 303
    assert len(calls.asked) == 1
    assert "The answer is sent." in client.get("/admin/disputes/1").text


@pytest.mark.parametrize("what", ["draft", "submit"])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"uncategorized_text": "y" * 20_001}, "At most 20,000 characters."),
        ({"customer_name": "y" * 5_001}, "At most 5,000 characters."),
        ({"uncategorized_text": " \x00 "}, "Write something"),
    ],
)
def test_what_stripe_would_not_take_comes_back_with_words_on_its_field(
    house: House, what: str, changes: dict[str, str], words: str
) -> None:
    answer = post(house.ada(), what, typed(read_all="y", **changes))

    assert answer.status_code == 422
    assert words in answer.text
    assert "Nothing was saved or sent." in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert changes.get("customer_name", "") in answer.text
    assert (house.count(EvidenceDraft), house.count(EvidenceSubmission)) == (0, 0)


@pytest.mark.parametrize("what", ["draft", "submit"])
def test_a_colleagues_draft_is_told_of_and_pressing_again_is_a_decision(house: House, what: str) -> None:
    write(house, draft())

    answer = post(house.ada(), what, typed(read_all="y", uncategorized_text="Mine."))

    assert answer.status_code == 409
    assert "ben@example.org saved another draft" in answer.text
    assert "Mine." in answer.text
    assert value_of(answer.text, "seen") == "evidence-draft:1"


def test_a_second_answer_is_refused_in_words_that_name_the_first(house: House, stand_in: Any) -> None:
    write(house, submission())
    client = house.ada()

    assert post(client, "submit", typed(read_all="y")).status_code == 303

    page = client.get("/admin/disputes/1").text
    assert "ben@example.org sent the answer on Mon 1 March 2027, 13:00. It can be sent once." in page
    assert house.count(EvidenceSubmission) == 1


@pytest.mark.parametrize(
    ("name", "what", "outcome", "words"),
    [
        ("save_draft", "draft", Answer.UNKNOWN, "Stripe did not answer; the worker lays it down there within minutes."),
        ("save_draft", "draft", Answer.REFUSED, "Stripe did not take it."),
        ("submit_evidence", "submit", Answer.UNKNOWN, "it cannot be sent twice."),
        ("submit_evidence", "submit", Answer.REFUSED, "so nothing was sent. Your draft is kept"),
        ("submit_evidence", "submit", Answer.NOT_NEEDED, "or is over."),
        ("submit_evidence", "submit", EvidenceRefused(), "That answer cannot be sent."),
    ],
)
def test_each_outcome_is_told_as_it_is(
    house: House, stand_in: Any, name: str, what: str, outcome: Answer | Exception, words: str
) -> None:
    stand_in(name, outcome)
    client = house.ada()

    assert post(client, what, typed(read_all="y")).status_code == 303

    page = client.get("/admin/disputes/1").text
    assert words in page
    assert "notice--trouble" in page


def test_asking_stripe_settles_what_is_open_and_says_when_nobody_answers(
    house: House, stand_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(house, submission(state=SubmissionState.SENDING, submitted_at=None))
    monkeypatch.setattr(disputes.overlay, "look_again", lambda *_: None)
    calls, client = stand_in("settle_submission", Answer.SENT), house.ada()

    assert post(client, "look", {"submit": ""}).status_code == 303
    assert len(calls.asked) == 1
    assert "The answer is sent." in client.get("/admin/disputes/1").text

    def no_answer(*_: object) -> None:
        raise GatewayUnavailable("no answer")

    monkeypatch.setattr(disputes.overlay, "look_again", no_answer)
    post(client, "look", {"submit": ""})
    assert "Stripe did not answer. What is shown here is what we knew before." in client.get("/admin/disputes/1").text


# --- files ----------------------------------------------------------------------------------------------------------


class Uploads:
    """A Stripe that takes files, and does not answer to drafts."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def upload_evidence_file(self, name: str, _content: bytes, _key: str) -> str:
        return f"file_{name}"

    def stage_evidence(self, *_: object) -> Any:
        raise GatewayUnavailable("no answer")


@pytest.fixture
def with_files(house: House) -> House:
    stripe: Any = Uploads(house.runtime.payments)
    house.app.extensions["holdfast"] = house.runtime = dataclasses.replace(house.runtime, payments=stripe)
    assert post(house.ada(), "files", typed(uncategorized_text="Mine.")).status_code == 303
    return house


def files_of(page: str) -> dict[str, str]:
    """The boxes of the page that are ticked: which file goes under which name."""
    return dict(re.findall(r'<input type="checkbox" name="(\w+)" value="(\d+)" checked>', page))


def test_the_files_are_saved_with_what_was_typed_and_each_can_be_read(with_files: House) -> None:
    client = with_files.ada()
    page = client.get("/admin/disputes/1").text
    addresses = re.findall(r'href="(/admin/disputes/1/files/\d+\.pdf)"', page)

    assert "Mine." in page
    assert (set(files_of(page)), len(addresses)) == ({FILE_FIELDS[kind] for kind in MADE}, 4)
    for answer in map(client.get, addresses):
        assert (answer.status_code, answer.mimetype, answer.data[:5]) == (200, "application/pdf", b"%PDF-")
        assert answer.headers["Content-Disposition"].startswith("attachment; ")


def add(client: Any, content: bytes, name: str = "scan.pdf", **more: Any) -> Any:
    form = {**typed(), "added_as": "signed", **more, "added": (BytesIO(content), name)}
    return client.post("/admin/disputes/1/files/add", data=form, content_type="multipart/form-data")


def test_staff_adds_a_file_with_what_was_typed_and_reads_it_as_it_is(with_files: House) -> None:
    client = with_files.ada()
    seen = value_of(client.get("/admin/disputes/1").text, "seen")

    answer = add(client, b"\x89PNG\r\n\x1a\n form", "form.exe", seen=seen, uncategorized_text="With a form.")

    assert (answer.status_code, answer.location) == (303, "/admin/disputes/1")
    page = client.get("/admin/disputes/1").text
    assert "With a form." in page
    assert files_of(page)["customer_signature"] == "5"
    file = client.get("/admin/disputes/1/files/5.png")
    assert (file.data, file.mimetype) == (b"\x89PNG\r\n\x1a\n form", "image/png")
    assert file.headers["Content-Disposition"].startswith("attachment; ")
    assert client.get("/admin/disputes/1/files/5.pdf").status_code == 404


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        (b"<script>", {}, "Choose a PDF, a JPEG or a PNG"),
        (b"%PDF-1", {"added_as": "terms"}, "Choose a file, and say what it is."),
        (b"%PDF-1", {"uncategorized_text": "x" * 30_000}, "Nothing was saved or sent"),
    ],
)
def test_a_file_that_cannot_be_is_told_on_its_field_with_all_that_was_typed(
    house: House, content: bytes, more: dict[str, str], words: str
) -> None:
    answer = add(house.ada(), content, **{"product_description": "Mine stays.", **more})

    assert answer.status_code == 422
    assert words in answer.text
    assert "Mine stays." in answer.text
    assert house.count(EvidenceFile) == 0


def test_no_file_at_all_is_asked_for(house: House) -> None:
    answer = house.ada().post("/admin/disputes/1/files/add", data=typed())

    assert (answer.status_code, "Choose a file" in answer.text) == (422, True)


def test_a_file_that_is_not_ticked_stays_out_and_can_be_ticked_again(with_files: House) -> None:
    client = with_files.ada()
    page = client.get("/admin/disputes/1").text
    kept = {name: number for name, number in files_of(page).items() if name != "uncategorized_file"}

    post(client, "draft", typed(seen=value_of(page, "seen"), **kept))

    page = client.get("/admin/disputes/1").text
    assert (files_of(page), page.count("Read it")) == (kept, 4)


def test_a_file_of_no_dispute_or_of_an_erased_guest_is_not_found(with_files: House) -> None:
    client = with_files.ada()
    with with_files.rows() as session:
        session.get(EvidenceFile, 1).content = b""

    for path in ("1/files/1.pdf", "1/files/99.pdf", "2/files/2.pdf"):
        assert client.get(f"/admin/disputes/{path}").status_code == 404


def test_what_was_sent_names_its_files_and_offers_no_others(with_files: House) -> None:
    write(with_files, submission(texts=typed(refund_policy="1")))

    page = with_files.ada().get("/admin/disputes/1").text

    assert re.findall(r"/files/(\d+)\.pdf", page) == ["1"]
    assert "Make the files" not in page


def test_how_disputes_ended_is_added_up_by_reason(house: House) -> None:
    for number, status in enumerate(("won", "lost", "lost", "warning_closed"), 1):
        house.dispute(house.book(FIRST.shifted(10 * number)))
        with house.rows() as session:
            session.get(Dispute, number + 1).status = status

    row = re.search(r"How they ended.*?<tbody>(.*?)</tbody>", house.ada().get("/admin/disputes").text, re.S)

    assert row
    cells = re.findall(r'<td class="amount">([^<]+)</td>', row[1])
    assert cells == ["5", "1", "1", "2", "1", "€612.00", "€612.00", "€1,224.00"]


# --- what the other pages say ---------------------------------------------------------------------------------------


def test_a_booking_whose_payment_is_disputed_offers_no_refund(house: House) -> None:
    page = house.ada().get("/admin/bookings/1").text

    assert "Refund part or all" not in page
    assert "<dt>Can still go back</dt><dd>€0.00</dd>" in page
    assert "/admin/disputes/1" in page


def test_an_inquiry_leaves_the_refund_on_offer(house: House) -> None:
    with house.rows() as session:
        row = session.get(Dispute, 1)
        row.status, row.is_charge_refundable = "warning_needs_response", True

    assert "Refund part or all" in house.ada().get("/admin/bookings/1").text
