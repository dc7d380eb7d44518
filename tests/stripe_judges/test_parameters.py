"""What fakestripe takes is what Stripe documents: no parameter or choice of its own, and all that can be expanded."""

from collections.abc import Iterator

import pytest

from fakestripe.calls import Operation
from fakestripe.render import EXPANDABLE, NOT_SIMULATED
from fakestripe.resources import OPERATIONS
from fakestripe.schema import Choice, Group, Items, Param, Text
from tests.stripe_judges import differences
from tests.stripe_judges.description import Description, Schema, request_schema

SIMULATED = """
    balance balance_transaction billing_portal.configuration billing_portal.session charge checkout.session customer
    dispute event file invoice invoice_payment invoiceitem line_item payment_intent payment_method payout price product
    refund setup_attempt setup_intent subscription subscription_item webhook_endpoint
""".split()
FLAGS = {"boolean": ("true", "false")}


Pair = tuple[str, Param | None, list[Schema]]


def side_by_side(ours: Param, theirs: list[Schema], name: str = "") -> Iterator[Pair]:
    """Each parameter that we take, with all that the description has for it."""
    ours, theirs = unwrapped(ours), list(alternatives(theirs))
    yield name, ours, theirs
    if isinstance(ours, Items):
        yield from side_by_side(ours.item, [one["items"] for one in theirs if "items" in one], name)
    elif isinstance(ours, Group):
        for key, param in ours.members.items():
            described = [one["properties"][key] for one in theirs if key in one.get("properties", {})]
            path = f"{name}.{key}" if name else key
            yield from side_by_side(param, described, path)


def invented(ours: Param, theirs: list[Schema]) -> Iterator[str]:
    """Each name and each choice that none of the alternatives of the description has."""
    strange = ""
    for path, param, described in side_by_side(ours, theirs):
        if not described and not (strange and path.startswith(strange)):
            strange = f"{path}."
            yield path
        if isinstance(param, Choice) and described:
            listed = {value for one in described for value in one.get("enum", FLAGS.get(one.get("type"), ()))}
            yield from (f"{path}={value}" for value in param.values if listed and value not in listed)


def overlooked(ours: Param, theirs: list[Schema]) -> Iterator[str]:
    """Each demand of the description that we do not make: what must be there, what must be one of a few."""
    for path, param, described in side_by_side(ours, theirs):
        if isinstance(param, Group):
            demands = [set(one.get("required", ())) for one in described if "properties" in one]
            yield from (f"{path}.{key} may be left out" for key in _in_all(demands) - set(param.required))
        if type(param) is Text and described and all("enum" in one for one in described if "anyOf" not in one):
            yield f"{path} may be any text"


def _in_all(sets: list[set[str]]) -> set[str]:
    return set.intersection(*sets) if sets else set()


def unwrapped(param: Param) -> Param:
    """Without what only says that it can be unset, and the like."""
    while hasattr(param, "inner"):
        param = param.inner
    return param


def alternatives(schemas: list[Schema]) -> Iterator[Schema]:
    for schema in schemas:
        yield schema
        yield from alternatives(schema.get("anyOf", []))


def name_of(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_no_parameter_is_of_our_own(judge: Description, operation: Operation) -> None:
    described = judge.operation(operation.method, operation.path)
    if described is None:
        assert differences.is_undescribed(operation.path)
        return
    found = set(invented(operation.params, [request_schema(described)]))

    assert {path for path in found if not differences.is_newer(path)} == set()


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_what_stripe_demands_is_demanded(judge: Description, operation: Operation) -> None:
    described = judge.operation(operation.method, operation.path)
    found = set(overlooked(operation.params, [request_schema(described)])) if described else set()

    assert found == set()


def test_each_newer_parameter_is_taken_somewhere(judge: Description) -> None:
    described = [(one, judge.operation(one.method, one.path)) for one in OPERATIONS]
    found = {path for one, theirs in described if theirs for path in invented(one.params, [request_schema(theirs)])}

    assert [pattern for pattern in differences.NEWER if not differences.matches(pattern, found)] == []


def test_an_invented_parameter_and_an_invented_choice_are_found() -> None:
    theirs = {
        "properties": {
            "kind": {"anyOf": [{"enum": ["a"]}, {"enum": [""]}]},
            "lines": {"items": {"properties": {"name": {}}}},
        }
    }
    ours = Group(
        {"kind": Choice("a", "b"), "lines": Items(Group({"name": Choice("x"), "mood": Choice("x")})), "new": Choice()}
    )

    assert list(invented(ours, [theirs])) == ["kind=b", "lines.mood", "new"]


def expanded_by_us() -> dict[str, set[str]]:
    """Parts of objects, such as `invoice.lines`, are on the way to what is expanded and no kinds themselves."""
    kinds = {**EXPANDABLE, **NOT_SIMULATED}
    return {kind: {*EXPANDABLE.get(kind, {}), *NOT_SIMULATED.get(kind, "").split()} for kind in kinds}


@pytest.mark.parametrize("kind", SIMULATED)
def test_what_holds_the_id_of_another_object_can_be_expanded(judge: Description, kind: str) -> None:
    assert judge.expandable(kind) - expanded_by_us().get(kind, set()) == set()


def test_an_overlooked_demand_is_found() -> None:
    name = {"enum": ["a"]}
    theirs = {"required": ["name"], "properties": {"name": {}, "kind": {"anyOf": [name, {"enum": [""]}]}, "note": {}}}
    ours = Group({"name": Text(), "kind": Text(), "note": Text()})

    assert list(overlooked(ours, [theirs])) == [".name may be left out", "kind may be any text"]
    assert list(overlooked(Group({"name": Text()}, frozenset({"name"})), [theirs])) == []
