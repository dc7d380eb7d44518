"""domain/payouts: which entry our ledger bears out, and which not."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from booking.domain.money import Money
from booking.domain.payouts import ComparedItem, EntryKind, OwnRow, Payout, PayoutItem, Verdict, compare_payout

PAYOUT = Payout("po_1", Money(41000, "eur"), "paid", date(2027, 3, 1), items_known=True)
PAID = PayoutItem(
    EntryKind.PAYMENT, "charge", datetime(2027, 2, 26, tzinfo=UTC), Money(42000, "eur"), Money(1000, "eur"),
    Money(41000, "eur"), "ch_1", Money(42000, "eur"), "pi_1",
)  # fmt: skip
OURS = OwnRow(1, "H7K2M9QL", Money(42000, "eur"))
BACK = replace(PAID, kind=EntryKind.REFUND, type="refund", amount=Money(-42000, "eur"), source_id="re_1")


@pytest.mark.parametrize(
    ("item", "ours", "verdict"),
    [
        (PAID, {"ch_1": OURS}, Verdict.SAME),
        (PAID, {"pi_1": OURS}, Verdict.SAME),
        (PAID, {}, Verdict.UNKNOWN),
        (PAID, {"ch_1": replace(OURS, amount=Money(41999, "eur"))}, Verdict.OTHER_AMOUNT),
        (PAID, {"ch_1": replace(OURS, amount=Money(42000, "usd"))}, Verdict.OTHER_AMOUNT),
        # Paid in yen and paid out in euros: what was paid is compared, and not what became of it.
        (replace(PAID, source_amount=Money(7000, "jpy")), {"ch_1": replace(OURS, amount=Money(7000, "jpy"))},
         Verdict.SAME),
        (BACK, {"re_1": OURS}, Verdict.SAME),
        (BACK, {"re_1": replace(OURS, has_failed=True)}, Verdict.SAME),  # its return is another entry
        (replace(BACK, amount=Money(42000, "eur")), {"re_1": OURS}, Verdict.OTHER_STATE),
        (replace(BACK, amount=Money(42000, "eur")), {"re_1": replace(OURS, has_failed=True)}, Verdict.SAME),
        (replace(BACK, amount=Money(1, "eur")), {"re_1": OURS}, Verdict.OTHER_STATE),
        (replace(BACK, amount=Money(0, "eur")), {"re_1": OURS}, Verdict.SAME),  # nothing came, so nothing came back
        (replace(PAID, kind=EntryKind.OTHER, type="stripe_fee", source_id=""), {}, Verdict.NOT_OURS),
    ],
)  # fmt: skip
def test_each_entry_is_judged_by_our_row_of_the_same_id(
    item: PayoutItem, ours: dict[str, OwnRow], verdict: Verdict
) -> None:
    own = next(iter(ours.values()), None)

    assert compare_payout(PAYOUT, [item], ours).items == (ComparedItem(item, own, verdict),)


def test_a_payout_adds_up_or_says_by_how_much_it_does_not() -> None:
    whole = compare_payout(PAYOUT, [PAID], {"ch_1": OURS})
    short = compare_payout(replace(PAYOUT, amount=Money(40000, "eur")), [PAID], {"ch_1": OURS})

    assert (whole.adds_up, whole.differences) == (True, ())
    assert (short.adds_up, short.entries_sum) == (False, Money(41000, "eur"))
    assert compare_payout(replace(PAYOUT, items_known=False), [], {}).adds_up
    assert compare_payout(PAYOUT, [], {}, is_cut=True).adds_up
