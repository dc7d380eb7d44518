"""Everything that the shop changes at Stripe, and where the idempotency key of each comes from."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from booking.config import ROOT
from booking.extensions import db

GATEWAYS = ROOT / "booking" / "gateways"
SOURCE = "\n".join((GATEWAYS / name).read_text("utf-8") for name in ("stripe_gateway.py", "stripe_billing.py"))
PAGE = ROOT / "docs" / "stripe.md"
# Whatever else the library's services can do is taken for a change.
LOOKS = {"retrieve", "list"}


@dataclass(frozen=True, order=True)
class Mutation:
    """A call of the library's in a method of the gateway."""

    method: str
    call: str
    has_key: bool


def _mutations(text: str) -> Iterator[Mutation]:
    """Each call that begins with `api.` in the source of a gateway and does not only look."""
    for method in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)):
        for call in (node for node in ast.walk(method) if isinstance(node, ast.Call)):
            path = ast.unparse(call.func)
            if path.startswith("api.") and path.rpartition(".")[2] not in LOOKS:
                yield Mutation(method.name, path.removeprefix("api."), _has_key(method, call))


def _has_key(method: ast.FunctionDef, call: ast.Call) -> bool:
    """Whether its options are the key that the caller of the method gives, and nothing else."""
    options = next(
        (word.value for word in call.keywords if word.arg == "options"), call.args[-1] if call.args else None
    )
    told = {"idempotency_key": "idempotency_key"}
    if isinstance(options, ast.Name):
        meant = [node.value for node in ast.walk(method) if isinstance(node, ast.AnnAssign)
                 and ast.unparse(node.target) == options.id]  # fmt: skip
        options = meant[0] if len(meant) == 1 else None
    is_asked_for = "idempotency_key" in {argument.arg for argument in method.args.args}
    return is_asked_for and options is not None and _as_dict(options) == told


def _as_dict(node: ast.expr) -> dict[str, str]:
    if not isinstance(node, ast.Dict):
        return {}
    return {
        str(ast.literal_eval(key)): ast.unparse(value) for key, value in zip(node.keys, node.values, strict=True) if key
    }


def _told() -> list[tuple[str, str, str]]:
    """The rows of the page: method, call, and the column of ours from which the key comes."""
    table = PAGE.read_text("utf-8").partition("<!-- mutations begin -->")[2].partition("<!-- mutations end -->")[0]
    return re.findall(r"^\| `(\w+)` \| `([\w.]+)` \| `(\w+\.\w+)`[^|]* \| [^|]{10,} \|$", table, re.MULTILINE)


def test_every_change_at_stripe_carries_the_key_of_its_caller() -> None:
    found = list(_mutations(SOURCE))

    assert len(found) >= 5
    assert [mutation for mutation in found if not mutation.has_key] == []


def test_the_page_lists_every_change_with_the_row_that_its_key_comes_from() -> None:
    told = _told()

    assert sorted((method, call) for method, call, _ in told) == sorted(
        (mutation.method, mutation.call) for mutation in _mutations(SOURCE)
    )
    columns = {f"{table.name}.{column.name}" for table in db.metadata.tables.values() for column in table.columns}
    assert {source for _, _, source in told} <= columns


def test_control_a_change_without_its_key_would_be_noticed() -> None:
    """What the tests above trust, on gateways as nobody should write them."""
    head = "def pay(self, params, idempotency_key):\n    "
    bad = {
        "no key": head + "self._call(lambda api: api.refunds.create(params))",
        "a key of its own": head
        + "self._call(lambda api: api.refunds.create(params, {'idempotency_key': uuid4().hex}))",
        "another option": head
        + "self._call(lambda api: api.refunds.create(params, options={'max_network_retries': 1}))",
        "nobody gives it": "def pay(self):\n    api.a.b.cancel(1, {}, options={'idempotency_key': idempotency_key})",
    }
    good = head + "options: Any = {'idempotency_key': idempotency_key}\n    api.refunds.create(params, options)"

    assert {name: [found.has_key for found in _mutations(text)] for name, text in bad.items()} == {
        name: [False] for name in bad
    }
    assert [found.has_key for found in _mutations(good)] == [True]
    assert list(_mutations("def look(self):\n    api.refunds.retrieve(1)")) == []
