"""What ends every disaster: every promise looked for in the scratch database, its ledger set against Stripe's."""

from collections import Counter

from booking.domain.money import Money
from booking.drill.evidence import Failed
from booking.drill.house import House
from booking.services import verification
from booking.services.verification import Balance, Comparison, Proof, Verdict


def prove(house: House) -> None:
    """Let the worker finish, then look. Raises Failed where a promise is broken or the ledgers differ unexpectedly."""
    while house.work():
        house.simulator.settle_down()
    troubles = [*_promises(house), *_ledger(house), *_letters(house)]
    if troubles:
        raise Failed("; ".join(troubles))


def _promises(house: House) -> list[str]:
    with house.app.app_context():
        proofs = verification.verify(house.runtime)
    house.evidence.note(f"flask verify: {_count(proofs)}")
    broken = [f"{proof.code} is broken: {problem}" for proof in proofs for problem in proof.problems]
    for line in broken:
        house.evidence.note(line)
    return broken


def _count(proofs: list[Proof]) -> str:
    count = Counter(proof.verdict for proof in proofs)
    return f"{count[Verdict.KEPT]} promises kept, {count[Verdict.BROKEN]} broken"


def _ledger(house: House) -> list[str]:
    with house.app.app_context():
        comparison = verification.compare_with_stripe(house.runtime)
    house.evidence.note(f"flask verify --stripe: {_sums(comparison)}")
    for difference in comparison.differences:
        house.evidence.note(difference)
    return _surprises(house.expected_differences, comparison.differences)


def _surprises(expected: tuple[str, ...], seen: tuple[str, ...]) -> list[str]:
    """Differences that nobody expects, and expected ones that were not found."""
    surprises = [line for line in seen if not any(word in line for word in expected)]
    missed = [word for word in expected if not any(word in line for line in seen)]
    return surprises + [f"the comparison with Stripe did not find {word}" for word in missed]


def _sums(comparison: Comparison) -> str:
    return "; ".join(map(_balance, comparison.balances)) or "no money here, none there"


def _balance(sums: Balance) -> str:
    here = [Money(minor, sums.currency).major for minor in (sums.captured_here, sums.refunded_here)]
    there = [Money(minor, sums.currency).major for minor in (sums.captured_there, sums.refunded_there)]
    return f"{sums.currency.upper()}: came {here[0]} here, {there[0]} there; went back {here[1]} here, {there[1]} there"


def _letters(house: House) -> list[str]:
    """Every letter is sent once: a second copy has the same Message-ID."""
    sent = Counter((letter.message_id, letter.to, letter.subject) for letter in house.mailer.letters)
    twice = [(copies, to, subject) for (_id, to, subject), copies in sent.items() if copies > 1]
    house.evidence.note(f"letters sent: {len(sent)}, {'some of them twice' if twice else 'each once'}")
    return [f'"{subject}" was sent to {to} {copies} times' for copies, to, subject in twice]
