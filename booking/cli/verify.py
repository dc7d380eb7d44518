"""`flask verify`: are the promises kept in this very database, and does its ledger agree with Stripe's to the cent?"""

from dataclasses import asdict

import click
from flask.cli import with_appcontext

from booking.cli.output import print_json, refusals_in_one_line
from booking.domain.money import Money
from booking.services import verification
from booking.services.verification import Balance, Comparison, Proof, Verdict
from booking.wiring import current_runtime

_MARK = {Verdict.KEPT: "ok    ", Verdict.BROKEN: "BROKEN", Verdict.UNSEEN: "-     "}


@click.command("verify")
@click.option("--stripe", "with_stripe", is_flag=True, help="Also compare the ledger with Stripe's own list.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document for a script.")
@with_appcontext
def verify(with_stripe: bool, as_json: bool) -> None:
    """Check every promise on the live database; exit code 1 names what is broken. Changes nothing."""
    runtime = current_runtime()
    with refusals_in_one_line():
        proofs = verification.verify(runtime)
        comparison = verification.compare_with_stripe(runtime) if with_stripe else None
    if as_json:
        promises = [asdict(proof) for proof in proofs]
        print_json({"promises": promises, "stripe": asdict(comparison) if comparison else None})
    else:
        _print(proofs, comparison)
    if any(proof.verdict is Verdict.BROKEN for proof in proofs) or (comparison and comparison.differences):
        raise SystemExit(1)


def _print(proofs: list[Proof], comparison: Comparison | None) -> None:
    for proof in proofs:
        click.echo(f"{proof.code:<4} {_MARK[proof.verdict]}  {proof.promise}")
        for problem in proof.problems:
            click.echo(f"            {problem}")
    if comparison:
        _print_comparison(comparison)
    click.echo(_summary(proofs))


def _print_comparison(comparison: Comparison) -> None:
    for balance in comparison.balances:
        click.echo(f"Stripe {'ok    ' if not comparison.differences else 'BROKEN'}  {_sums(balance)}")
    if not comparison.balances:
        click.echo("Stripe ok      no money here, none there")
    for difference in comparison.differences:
        click.echo(f"            {difference}")


def _sums(balance: Balance) -> str:
    def plain(minor: int) -> str:
        return f"{Money(minor, balance.currency).major} {balance.currency.upper()}"

    came = f"came {plain(balance.captured_here)} here, {plain(balance.captured_there)} there"
    return f"{came}; went back {plain(balance.refunded_here)} here, {plain(balance.refunded_there)} there"


def _summary(proofs: list[Proof]) -> str:
    count = {verdict: sum(proof.verdict is verdict for proof in proofs) for verdict in Verdict}
    unseen = f"{count[Verdict.UNSEEN]} leave no trace in a database (tests prove them)"
    return f"{count[Verdict.KEPT]} promises kept, {count[Verdict.BROKEN]} broken, {unseen}."
