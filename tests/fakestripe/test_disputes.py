"""Disputes: the bank takes the money back, hears the shop and decides; inquiries only ask."""

import pytest
import requests
import stripe

CHARGEBACK = "4000000000000259"
INQUIRY = "4000000000001976"
DAY = 24 * 3600
PDF = b"%PDF-1.4 a receipt"


@pytest.fixture
def open_dispute(api, sim, offer):
    """Pay 420 euro with a card that disputes; gives the dispute."""

    def make(card=CHARGEBACK):
        session = api.checkout.sessions.create(offer())
        intent = sim.pay(session.id, card=card)["payment_intent"]["id"]
        return sim.wait_for(lambda: api.disputes.list({"payment_intent": intent}).data)[0]

    return make


def answer(api, dispute, text, **more):
    return api.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}, **more})


def types(sim):
    return [e["type"] for e in sim.get("events") if e["type"].startswith("charge.dispute.")]


def net(api):
    entries = api.balance_transactions.list({"limit": 100}).data
    return sum(entry.net for entry in entries)


def refund(api, dispute, amount=1000):
    return api.refunds.create({"charge": dispute.charge, "amount": amount})


def test_a_chargeback_takes_amount_and_fee_at_once(api, sim, open_dispute):
    dispute = open_dispute()

    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 42000)
    assert dispute.payment_method_details.card.case_type == "chargeback"
    assert [entry.net for entry in dispute.balance_transactions] == [-44000]
    assert api.charges.retrieve(dispute.charge).disputed
    assert types(sim) == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


def test_a_disputed_charge_cannot_be_refunded(api, open_dispute):
    dispute = open_dispute()

    with pytest.raises(stripe.InvalidRequestError, match="charged back; cannot issue a refund") as refused:
        refund(api, dispute)

    assert refused.value.code == "charge_disputed"
    assert not dispute.is_charge_refundable


def test_winning_evidence_brings_the_money_back(api, sim, open_dispute):
    dispute = open_dispute()
    before = net(api)

    answered = answer(api, dispute, "winning_evidence")
    assert answered.status == "under_review"
    assert (answered.evidence_details.has_evidence, answered.evidence_details.submission_count) == (True, 1)
    sim.post("clock", {"advance": 6})

    won = api.disputes.retrieve(dispute.id)
    assert (won.status, won.is_charge_refundable) == ("won", True)
    assert [entry.net for entry in won.balance_transactions] == [-44000, 44000]
    assert net(api) - before == 44000
    assert types(sim)[2:] == [
        "charge.dispute.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]
    assert refund(api, dispute, 42000).status == "succeeded"


def test_losing_evidence_changes_no_money(api, sim, open_dispute):
    dispute = open_dispute()
    before = net(api)

    answer(api, dispute, "losing_evidence")
    sim.post("clock", {"advance": 6})

    assert api.disputes.retrieve(dispute.id).status == "lost"
    assert net(api) == before
    assert types(sim)[-1] == "charge.dispute.closed"
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        refund(api, dispute)


def test_other_evidence_stays_under_review_until_somebody_decides(api, sim, open_dispute):
    dispute = open_dispute()
    answer(api, dispute, "the guest slept here")
    sim.post("clock", {"advance": 60 * DAY})
    assert api.disputes.retrieve(dispute.id).status == "under_review"

    assert sim.post(f"disputes/{dispute.id}", {"status": "won"})["status"] == "won"


def test_staged_evidence_is_not_submitted(api, sim, open_dispute):
    dispute = open_dispute()

    staged = answer(api, dispute, "winning_evidence", submit=False)
    sim.post("clock", {"advance": 60})
    assert staged.status == api.disputes.retrieve(dispute.id).status == "needs_response"
    assert staged.evidence_details.submission_count == 0
    assert staged.evidence.uncategorized_text == "winning_evidence"

    submitted = api.disputes.update(dispute.id, {"submit": True})
    assert (submitted.status, submitted.evidence_details.submission_count) == ("under_review", 1)
    sim.post("clock", {"advance": 6})
    assert api.disputes.retrieve(dispute.id).status == "won"


def test_metadata_alone_submits_nothing(api, sim, open_dispute):
    dispute = open_dispute()

    changed = api.disputes.update(dispute.id, {"metadata": {"case": "7"}})

    assert (changed.status, changed.metadata.to_dict()) == ("needs_response", {"case": "7"})
    assert sim.events("charge.dispute.updated")[0]["data"]["previous_attributes"] == {"metadata": {"case": None}}


def test_evidence_adds_up_and_can_be_taken_back(api, open_dispute):
    dispute = open_dispute()

    answer(api, dispute, "text", submit=False)
    changed = api.disputes.update(
        dispute.id, {"evidence": {"customer_name": "Grace", "uncategorized_text": ""}, "submit": False}
    )

    assert (changed.evidence.customer_name, changed.evidence.uncategorized_text) == ("Grace", None)


def test_accepting_a_dispute_loses_it_for_good(api, open_dispute):
    dispute = open_dispute()

    assert api.disputes.close(dispute.id).status == "lost"
    for again in (api.disputes.close, lambda id_: api.disputes.update(id_, {"metadata": {"a": "1"}})):
        with pytest.raises(stripe.InvalidRequestError, match="already closed"):
            again(dispute.id)


def test_silence_loses(api, sim, open_dispute):
    dispute = open_dispute()

    sim.post("clock", {"advance": 25 * DAY})

    assert api.disputes.retrieve(dispute.id).status == "lost"


def test_evidence_after_the_deadline_is_past_due(api, sim, open_dispute):
    dispute = open_dispute()
    sim.post("clock", {"advance": 21 * DAY})
    assert api.disputes.retrieve(dispute.id).status == "needs_response"

    late = answer(api, dispute, "sorry")
    sim.post("clock", {"advance": 30 * DAY})

    assert (late.status, late.evidence_details.past_due) == ("under_review", True)
    assert api.disputes.retrieve(dispute.id).status == "under_review"


def test_an_inquiry_takes_no_money_and_allows_refunds(api, sim, open_dispute):
    inquiry = open_dispute(INQUIRY)

    assert (inquiry.status, inquiry.is_charge_refundable) == ("warning_needs_response", True)
    assert inquiry.balance_transactions == []
    assert inquiry.payment_method_details.card.case_type == "inquiry"
    assert types(sim) == ["charge.dispute.created"]
    assert refund(api, inquiry).status == "succeeded"


def test_an_inquiry_can_become_a_chargeback_and_then_its_refunds_fail(api, sim, open_dispute):
    inquiry = open_dispute(INQUIRY)
    given = refund(api, inquiry)
    before = net(api)

    assert answer(api, inquiry, "escalate_inquiry_evidence").status == "warning_under_review"
    sim.post("clock", {"advance": 6})

    dispute = api.disputes.retrieve(inquiry.id)
    assert (dispute.status, dispute.is_charge_refundable) == ("needs_response", False)
    assert [entry.net for entry in dispute.balance_transactions] == [-44000]
    failed = api.refunds.retrieve(given.id)
    assert (failed.status, failed.failure_reason) == ("failed", "charge_for_pending_refund_disputed")
    assert net(api) == before + 1000 - 44000
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        refund(api, inquiry)


def test_a_control_escalates_an_inquiry_but_no_chargeback(api, sim, open_dispute):
    inquiry, dispute = open_dispute(INQUIRY), open_dispute()

    assert sim.post(f"disputes/{inquiry.id}", {"status": "needs_response"})["status"] == "needs_response"
    with pytest.raises(AssertionError, match="Only an inquiry"):
        sim.post(f"disputes/{dispute.id}", {"status": "needs_response"})


@pytest.mark.parametrize("end", ["accepted", "answered", "forgotten"])
def test_an_inquiry_that_is_not_escalated_just_ends(api, sim, open_dispute, end):
    inquiry = open_dispute(INQUIRY)
    if end == "accepted":
        api.disputes.close(inquiry.id)
    elif end == "answered":
        answer(api, inquiry, "losing_evidence")
        sim.post("clock", {"advance": 6})
    else:
        sim.post("clock", {"advance": 121 * DAY})

    assert api.disputes.retrieve(inquiry.id).status == "warning_closed"
    assert types(sim)[-1] == "charge.dispute.closed"


def test_a_charge_given_back_before_is_not_disputed(api, sim, offer):
    sim.post("clock", {"advance": 1})
    session = api.checkout.sessions.create(offer())
    intent = sim.pay(session.id, card="4242424242424242")["payment_intent"]["id"]
    api.refunds.create({"payment_intent": intent})

    assert api.disputes.list({"payment_intent": intent}).data == []


@pytest.mark.parametrize(
    ("evidence", "param"),
    [
        ({"uncategorized_text": "x" * 20_001}, "evidence[uncategorized_text]"),
        ({"customer_name": "x" * 5_001}, "evidence[customer_name]"),
        ({"receipt": "file_none"}, "evidence[receipt]"),
        ({"receit": "file_none"}, "evidence[receit]"),
    ],
)
def test_bad_evidence_is_refused(api, open_dispute, evidence, param):
    dispute = open_dispute()

    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.disputes.update(dispute.id, {"evidence": evidence})

    assert refused.value.param == param
    assert not api.disputes.retrieve(dispute.id).evidence_details.has_evidence


def test_all_texts_together_have_a_limit(api, open_dispute):
    dispute = open_dispute()
    texts = (
        "access_activity_log cancellation_policy_disclosure cancellation_rebuttal duplicate_charge_explanation "
        "product_description refund_policy_disclosure refund_refusal_explanation uncategorized_text"
    ).split()

    with pytest.raises(stripe.InvalidRequestError, match="150,000"):
        api.disputes.update(dispute.id, {"evidence": dict.fromkeys(texts, "x" * 19_000)})


def upload(sim, content=PDF, purpose="dispute_evidence", **headers):
    return requests.post(
        f"{sim.url}/v1/files",
        data={"purpose": purpose},
        files={"file": ("receipt.pdf", content, "application/pdf")},
        headers={"Authorization": "Bearer sk_test_x", **headers},
        timeout=10,
    )


def test_a_file_can_be_evidence(sim, open_dispute, tmp_path):
    client = stripe.StripeClient("sk_test_x", base_addresses={"api": sim.url, "files": sim.url}).v1
    (tmp_path / "receipt.pdf").write_bytes(PDF)
    with (tmp_path / "receipt.pdf").open("rb") as file:
        made = client.files.create({"purpose": "dispute_evidence", "file": file})
    dispute = open_dispute()

    changed = client.disputes.update(dispute.id, {"evidence": {"receipt": made.id}})

    assert (made.size, made.type) == (len(PDF), "pdf")
    assert changed.evidence.receipt == made.id
    assert client.files.retrieve(made.id).purpose == "dispute_evidence"
    assert [f.id for f in client.files.list({"purpose": "dispute_evidence"}).data] == [made.id]


def test_an_upload_is_idempotent_by_what_is_in_the_file(sim):
    first, again = (upload(sim, **{"Idempotency-Key": "k"}) for _ in range(2))
    other = upload(sim, b"%PDF another", **{"Idempotency-Key": "k"})

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.json()["error"]["type"] == "idempotency_error"


@pytest.mark.parametrize(
    ("content", "purpose", "param"),
    [
        (b"plain text", "dispute_evidence", "file"),
        (b"%PDF" * 1_250_001, "dispute_evidence", "file"),
        (PDF, "x", "purpose"),
    ],
)
def test_other_files_are_refused(sim, content, purpose, param):
    refused = upload(sim, content, purpose)

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


def test_a_file_for_another_purpose_is_no_evidence(api, sim, open_dispute):
    logo = upload(sim, b"\x89PNG\r\n", "business_logo").json()["id"]

    with pytest.raises(stripe.InvalidRequestError, match="purpose"):
        api.disputes.update(open_dispute().id, {"evidence": {"receipt": logo}})


def test_a_file_without_multipart_is_refused(call):
    refused = call("POST", "/v1/files", data={"file": "text", "purpose": "dispute_evidence"})

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "file")
