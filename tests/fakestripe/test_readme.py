"""The README tells what is there: every option, control, fault and test card, and none that is not."""

import re
from pathlib import Path

from fakestripe import __main__ as program
from fakestripe import cards, create_app, faults
from fakestripe.options import Options

README = (Path(program.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_every_option_is_told() -> None:
    source = Path(program.__file__).read_text(encoding="utf-8")

    assert set(re.findall(r'add\("(--[a-z-]+)"', source)) == set(re.findall(r"`(--[a-z-]+)[ `]", README))


def test_every_control_is_told_and_each_that_is_told_exists() -> None:
    app = create_app(Options(background=False))
    there = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/_fake/"):
            path = re.sub(r"<[^>]*>", "<id>", rule.rule.removeprefix("/_fake/"))
            there |= {(method, path) for method in (rule.methods or set()) & {"GET", "POST"}}
    told = set()
    for first in re.findall(r"^\| (`(?:GET|POST)[^|]*)\|", README, re.MULTILINE):
        for methods, path in re.findall(r"((?:`?(?:GET|POST)`?,? ?)+)`? ?([a-z][a-z/<>]*)`", first):
            told |= {(method, path) for method in re.findall("GET|POST", methods)}

    assert told == there


def test_every_fault_is_told() -> None:
    described = README.partition("Faults: ")[2].partition("\n\n")[0]

    assert {kind for kind in faults.KINDS if f"`{kind}`" not in described} == set()


def test_every_test_card_is_told_with_the_page_it_comes_from() -> None:
    digits = re.sub(r"(?<=\d) (?=\d)", "", README)

    assert [
        card.number for card in cards.CARDS if f"`{card.number}` | {card.what} | `{card.tokens[0]}`" not in digits
    ] == []
    assert [account.iban for account in cards.ACCOUNTS if f"`{account.iban}` | {account.what}" not in README] == []
    assert [page for _, page, _ in cards.grouped() if page not in README] == []
